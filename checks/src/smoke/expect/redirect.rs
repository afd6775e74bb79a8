//! Where an answer points to: scheme, host and port exactly, the path from its beginning, and
//! single parameters of the query.

use url::Url;

use crate::document::Node;
use crate::form::{FromNode, Named};
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};
use crate::{document_form, document_schema};

use super::text::{self, ParameterExpectation};

document_form! {
    #[schemars(rename = "Redirect")]
    pub(in crate::smoke) struct RedirectExpectation {
        /// Scheme, host and the beginning of the path; without query.
        to: Option<RedirectTarget>,
        /// Parameters of the query, by name.
        query: Option<Named<ParameterExpectation>>,
    }
}

/// A URL without a query, or a path of the tested host.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct RedirectTarget(Template);

document_schema!(RedirectTarget as String);

impl FromNode for RedirectTarget {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let target = reader.parse_template(node, &text)?;
        let starts_well = ["/", "http://", "https://", "${"]
            .iter()
            .any(|start| text.starts_with(start));
        if !starts_well {
            reader.report(
                node.place,
                format!("`{text}` is neither a URL nor a path"),
                "Write `https://host/path`, or `/path` for the tested host",
            );
        } else if text.contains(['?', '#']) {
            reader.report(
                node.place,
                format!("{what} has a query or a fragment"),
                "Write scheme, host and path under `to`, and the query's parameters under `query`",
            );
        }
        Some(Self(target))
    }
}

pub(super) fn evaluate(
    expected: &RedirectExpectation,
    answer: &SmokeResponse,
    values: &Values,
) -> Vec<Mismatch> {
    let Some(location) = answer.location() else {
        return vec![Mismatch::new(
            "redirect",
            describe_expected(expected, values),
            "no readable Location header",
        )];
    };
    let mut failures: Vec<Mismatch> = expected
        .to
        .iter()
        .filter_map(|to| evaluate_target(&to.0, answer, &location, values))
        .collect();
    for parameter in expected.query.iter().flat_map(|query| query.iter()) {
        let found: Vec<String> = location
            .query_pairs()
            .filter(|(key, _)| *key == parameter.name)
            .map(|(_, value)| value.into_owned())
            .collect();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        failures.extend(text::evaluate(
            &format!("redirect query {}", parameter.name),
            &parameter.expected.conditions(),
            &found,
            values,
        ));
    }
    failures
}

fn describe_expected(expected: &RedirectExpectation, values: &Values) -> String {
    expected
        .to
        .as_ref()
        .map_or_else(|| "a redirect".to_owned(), |to| to.0.render_masked(values))
}

fn evaluate_target(
    to: &Template,
    answer: &SmokeResponse,
    location: &Url,
    values: &Values,
) -> Option<Mismatch> {
    let reached = answer
        .url
        .join(&to.render(values))
        .is_ok_and(|to| leads_to(location, &to));
    (!reached).then(|| {
        Mismatch::new(
            "redirect",
            to.render_masked(values),
            format_without_query(location),
        )
    })
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

/// The query may contain codes and states that must not be shown.
fn format_without_query(location: &Url) -> String {
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
    mask(&to)
}
