//! Whether http leads to the same place over https. The port is not looked at: behind a load
//! balancer the one that redirects often knows only production's.

use url::Url;

use crate::scrub::masked;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::form::HttpsRedirect;
use crate::smoke::result::Mismatch;

pub(super) fn judge(expected: HttpsRedirect, answer: &SmokeResponse) -> Option<Mismatch> {
    match expected {
        HttpsRedirect::NotExpected => None,
        HttpsRedirect::Expected => {
            let location = answer.location();
            let met = location
                .as_ref()
                .is_some_and(|location| is_same_over_https(&answer.url, location));
            let found = location.map_or_else(
                || "no readable Location header".to_owned(),
                |location| without_query(&location),
            );
            (!met).then(|| Mismatch::new("redirect", wanted(&answer.url), found))
        }
    }
}

fn is_same_over_https(asked: &Url, location: &Url) -> bool {
    location.scheme() == "https"
        && location.host() == asked.host()
        && location.path() == asked.path()
        && location.query() == asked.query()
        && location.username().is_empty()
}

fn wanted(asked: &Url) -> String {
    let query = if asked.query().is_some() {
        " with its query"
    } else {
        ""
    };
    format!(
        "https://{}{}{query}",
        asked.host_str().unwrap_or_default(),
        asked.path()
    )
}

/// The query may hold what is nobody's business.
fn without_query(location: &Url) -> String {
    let query_hidden = if location.query().is_some() {
        "?…"
    } else {
        ""
    };
    let port = location
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    masked(&format!(
        "{}://{}{port}{}{query_hidden}",
        location.scheme(),
        location.host_str().unwrap_or_default(),
        location.path()
    ))
}
