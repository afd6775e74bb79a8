//! The headers that protect a page in its readers' browsers, as OWASP asks for them (ASVS 5.0, 3.4;
//! HTTP Headers cheat sheet).

use std::time::Duration;

use reqwest::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::scrub::masked;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::form::{Durations, Inline, SecurityHeader};
use crate::smoke::result::Mismatch;

use super::bounds;

/// What is said of a header that is not there.
const NOTHING: &str = "nothing";

pub(super) fn judge(wanted: &[SecurityHeader], answer: &SmokeResponse) -> Vec<Mismatch> {
    let failures = wanted.iter().filter_map(|header| match header {
        // Browsers ignore it where there is no TLS (RFC 6797, section 8.1).
        SecurityHeader::TransportSecurity(_) if answer.url.scheme() != "https" => None,
        SecurityHeader::TransportSecurity(age) => transport_security(age, &answer.headers),
        SecurityHeader::ContentPolicy(inline) => content_policy(*inline, &answer.headers),
        SecurityHeader::Framing => framing(&answer.headers),
        SecurityHeader::NoSniff => no_sniff(&answer.headers),
    });
    failures.collect()
}

/// Of several the first counts (RFC 6797, section 8.1).
fn transport_security(age: &Durations, headers: &HeaderMap) -> Option<Mismatch> {
    let found = values(headers, &STRICT_TRANSPORT_SECURITY)
        .into_iter()
        .next();
    let met = found
        .as_deref()
        .and_then(max_age)
        .is_some_and(|found| bounds::holds(age, &found));
    let wanted = format!("max-age {}", bounds::durations(age));
    (!met).then(|| unmet(&STRICT_TRANSPORT_SECURITY, wanted, found))
}

fn max_age(header: &str) -> Option<Duration> {
    let directives = header
        .split(';')
        .filter_map(|directive| directive.trim().split_once('='));
    let (_, seconds) = directives
        .into_iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))?;
    seconds
        .trim()
        .trim_matches('"')
        .parse()
        .ok()
        .map(Duration::from_secs)
}

fn content_policy(inline: Inline, headers: &HeaderMap) -> Option<Mismatch> {
    let policies = values(headers, &CONTENT_SECURITY_POLICY);
    let Some(policy) = policies.first() else {
        return Some(unmet(&CONTENT_SECURITY_POLICY, "a policy".to_owned(), None));
    };
    let mut directives = policies
        .iter()
        .flat_map(|policy| policy.split(';'))
        .map(str::trim);
    let loose =
        directives.find(|directive| directive.to_ascii_lowercase().contains("'unsafe-inline'"));
    match (inline, loose) {
        (Inline::Allowed, _) => (policy.is_empty())
            .then(|| unmet(&CONTENT_SECURITY_POLICY, "a policy".to_owned(), None)),
        (Inline::Refused, Some(directive)) => Some(unmet(
            &CONTENT_SECURITY_POLICY,
            "a policy without 'unsafe-inline'".to_owned(),
            Some(directive.to_owned()),
        )),
        (Inline::Refused, None) => None,
    }
}

/// The policy's `frame-ancestors` supersedes the older header, unless it lets everyone.
fn framing(headers: &HeaderMap) -> Option<Mismatch> {
    let policies = values(headers, &CONTENT_SECURITY_POLICY);
    let bound = policies
        .iter()
        .flat_map(|policy| policy.split(';'))
        .any(|directive| {
            let mut words = directive.split_whitespace();
            words
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("frame-ancestors"))
                && !words.any(|source| source == "*")
        });
    let found = values(headers, &X_FRAME_OPTIONS).into_iter().next();
    let met = bound
        || found.as_deref().is_some_and(|value| {
            ["deny", "sameorigin"].contains(&value.to_ascii_lowercase().as_str())
        });
    (!met).then(|| {
        unmet(
            &X_FRAME_OPTIONS,
            "DENY or SAMEORIGIN, or `frame-ancestors` in the policy".to_owned(),
            found,
        )
    })
}

fn no_sniff(headers: &HeaderMap) -> Option<Mismatch> {
    let found = values(headers, &X_CONTENT_TYPE_OPTIONS).into_iter().next();
    let met = found
        .as_deref()
        .is_some_and(|value| value.eq_ignore_ascii_case("nosniff"));
    (!met).then(|| unmet(&X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned(), found))
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        .collect()
}

fn unmet(name: &HeaderName, wanted: String, found: Option<String>) -> Mismatch {
    Mismatch::new(
        format!("header {name}"),
        wanted,
        found.map_or_else(|| NOTHING.to_owned(), |found| masked(&found)),
    )
}
