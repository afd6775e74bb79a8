//! Where an answer points to: scheme, host and port exactly, the path from its beginning, and
//! single parameters of the query.

use url::Url;

use crate::scrub::masked;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::form::RedirectExpectation;
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};

use super::text;

pub(super) fn judge(
    expected: &RedirectExpectation,
    answer: &SmokeResponse,
    values: &Values,
) -> Vec<Mismatch> {
    let Some(location) = answer.location() else {
        return vec![Mismatch::new(
            "redirect",
            wanted(expected, values),
            "no readable Location header",
        )];
    };
    let mut failures: Vec<Mismatch> = expected
        .to
        .iter()
        .filter_map(|to| target(to, answer, &location, values))
        .collect();
    for (name, conditions) in &expected.query {
        let found: Vec<String> = location
            .query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        failures.extend(text::judge(
            &format!("redirect query {name}"),
            conditions,
            &found,
            values,
        ));
    }
    failures
}

fn wanted(expected: &RedirectExpectation, values: &Values) -> String {
    expected
        .to
        .as_ref()
        .map_or_else(|| "a redirect".to_owned(), |to| to.masked(values))
}

fn target(
    to: &Template,
    answer: &SmokeResponse,
    location: &Url,
    values: &Values,
) -> Option<Mismatch> {
    let reached = answer
        .url
        .join(&to.render(values))
        .is_ok_and(|to| leads_to(location, &to));
    (!reached).then(|| Mismatch::new("redirect", to.masked(values), without_query(location)))
}

fn leads_to(location: &Url, to: &Url) -> bool {
    // `/login` is the beginning of `/login/form`, not of `/login-elsewhere`.
    let rest = location.path().strip_prefix(to.path());
    let on_boundary = rest
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || to.path().ends_with('/'));
    let same_host = location.scheme() == to.scheme()
        && location.host() == to.host()
        && location.port_or_known_default() == to.port_or_known_default();
    same_host && on_boundary
}

/// The query may hold codes and states that are nobody's business.
fn without_query(location: &Url) -> String {
    let query_hidden = if location.query().is_some() {
        "?…"
    } else {
        ""
    };
    let to = format!(
        "{}://{}{}{query_hidden}",
        location.scheme(),
        location.authority().rsplit('@').next().unwrap_or_default(),
        location.path()
    );
    masked(&to)
}
