//! The headers that protect a page in its readers' browsers, as OWASP asks for them (ASVS 5.0, 3.4;
//! HTTP Headers cheat sheet).

use std::time::Duration;

use reqwest::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::form::{ConditionList, WrittenDuration};
use crate::scrub::mask;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::result::Mismatch;
use crate::{document_form, document_union, document_words};

use super::bounds::{self, Comparison, Limit};

/// The least that OWASP's ASVS 5.0 accepts (3.4.1): a year.
const YEAR: Limit<WrittenDuration> = Limit(
    Comparison::AtLeast,
    WrittenDuration(Duration::from_hours(365 * 24)),
);

document_union! {
    /// All of them as OWASP asks (`true`), those that are listed, or what is different.
    pub(in crate::smoke) enum SecurityHeaders {
        All(bool),
        Listed(Vec<SecurityHeader>),
        Changed(ChangedSecurityHeaders),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::smoke) enum SecurityHeader {
    TransportSecurity,
    ContentPolicy,
    Framing,
    NoSniff,
}

document_words!(SecurityHeader: HEADERS);

const HEADERS: &[(&str, SecurityHeader)] = &[
    (
        "strict-transport-security",
        SecurityHeader::TransportSecurity,
    ),
    ("content-security-policy", SecurityHeader::ContentPolicy),
    ("x-frame-options", SecurityHeader::Framing),
    ("x-content-type-options", SecurityHeader::NoSniff),
];

document_form! {
    #[derive(Default)]
    pub(in crate::smoke) struct ChangedSecurityHeaders {
        /// At least a year when absent.
        strict_transport_security: Option<TransportSecurityChange>,
        /// A policy without `'unsafe-inline'` when absent.
        content_security_policy: Option<ContentPolicyChange>,
        /// DENY or SAMEORIGIN, or `frame-ancestors` in the policy.
        x_frame_options: Option<bool>,
        /// nosniff.
        x_content_type_options: Option<bool>,
    }
}

document_union! {
    pub(in crate::smoke) enum TransportSecurityChange {
        Changed(TransportSecurity),
        Enabled(bool),
    }
}

document_form! {
    pub(in crate::smoke) struct TransportSecurity {
        max_age: Option<ConditionList<Limit<WrittenDuration>>>,
    }
}

document_union! {
    pub(in crate::smoke) enum ContentPolicyChange {
        Changed(ContentPolicy),
        Enabled(bool),
    }
}

document_form! {
    pub(in crate::smoke) struct ContentPolicy {
        /// Whether the policy may have `'unsafe-inline'`.
        unsafe_inline: Option<bool>,
    }
}

/// What is asked of one header.
enum HeaderRule {
    /// A `max-age` like this; over https only, because browsers ignore it elsewhere.
    TransportSecurity(Vec<Limit<WrittenDuration>>),
    ContentPolicy(InlinePolicy),
    Framing,
    NoSniff,
}

/// Whether a policy may say `'unsafe-inline'`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InlinePolicy {
    Refused,
    Allowed,
}

impl SecurityHeader {
    fn rule(self, changes: &ChangedSecurityHeaders) -> Option<HeaderRule> {
        match self {
            Self::TransportSecurity => match &changes.strict_transport_security {
                Some(TransportSecurityChange::Enabled(false)) => None,
                Some(TransportSecurityChange::Changed(TransportSecurity {
                    max_age: Some(age),
                })) => Some(HeaderRule::TransportSecurity(age.to_vec())),
                Some(_) | None => Some(HeaderRule::TransportSecurity(vec![YEAR])),
            },
            Self::ContentPolicy => match &changes.content_security_policy {
                Some(ContentPolicyChange::Enabled(false)) => None,
                Some(ContentPolicyChange::Changed(ContentPolicy {
                    unsafe_inline: Some(true),
                })) => Some(HeaderRule::ContentPolicy(InlinePolicy::Allowed)),
                Some(_) | None => Some(HeaderRule::ContentPolicy(InlinePolicy::Refused)),
            },
            Self::Framing => {
                (changes.x_frame_options != Some(false)).then_some(HeaderRule::Framing)
            }
            Self::NoSniff => {
                (changes.x_content_type_options != Some(false)).then_some(HeaderRule::NoSniff)
            }
        }
    }
}

impl SecurityHeaders {
    fn rules(&self) -> Vec<HeaderRule> {
        let unchanged = ChangedSecurityHeaders::default();
        let all = || HEADERS.iter().map(|(_, header)| *header);
        let (headers, changes): (Vec<SecurityHeader>, _) = match self {
            Self::All(false) => return Vec::new(),
            Self::All(true) => (all().collect(), &unchanged),
            Self::Listed(headers) => (headers.clone(), &unchanged),
            Self::Changed(changes) => (all().collect(), changes),
        };
        headers
            .into_iter()
            .filter_map(|header| header.rule(changes))
            .collect()
    }
}

/// Shown for a header that is missing.
const NOTHING: &str = "nothing";

pub(super) fn evaluate(expected: &SecurityHeaders, answer: &SmokeResponse) -> Vec<Mismatch> {
    let rules = expected.rules();
    let failures = rules.iter().filter_map(|header| match header {
        // Browsers ignore it where there is no TLS (RFC 6797, section 8.1).
        HeaderRule::TransportSecurity(_) if answer.url.scheme() != "https" => None,
        HeaderRule::TransportSecurity(age) => evaluate_transport_security(age, &answer.headers),
        HeaderRule::ContentPolicy(inline) => evaluate_content_policy(*inline, &answer.headers),
        HeaderRule::Framing => evaluate_framing(&answer.headers),
        HeaderRule::NoSniff => evaluate_no_sniff(&answer.headers),
    });
    failures.collect()
}

/// Of several the first counts (RFC 6797, section 8.1).
fn evaluate_transport_security(
    age: &[Limit<WrittenDuration>],
    headers: &HeaderMap,
) -> Option<Mismatch> {
    let found = header_values(headers, &STRICT_TRANSPORT_SECURITY)
        .into_iter()
        .next();
    let met = found
        .as_deref()
        .and_then(parse_max_age)
        .is_some_and(|found| bounds::are_met_by(age, &WrittenDuration(found)));
    let wanted = format!("max-age {}", bounds::format_durations(age));
    (!met).then(|| header_mismatch(&STRICT_TRANSPORT_SECURITY, wanted, found))
}

fn parse_max_age(header: &str) -> Option<Duration> {
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

fn evaluate_content_policy(inline: InlinePolicy, headers: &HeaderMap) -> Option<Mismatch> {
    let policies = header_values(headers, &CONTENT_SECURITY_POLICY);
    let Some(policy) = policies.first() else {
        return Some(header_mismatch(
            &CONTENT_SECURITY_POLICY,
            "a policy".to_owned(),
            None,
        ));
    };
    let mut directives = policies
        .iter()
        .flat_map(|policy| policy.split(';'))
        .map(str::trim);
    let loose =
        directives.find(|directive| directive.to_ascii_lowercase().contains("'unsafe-inline'"));
    match (inline, loose) {
        (InlinePolicy::Allowed, _) => (policy.is_empty())
            .then(|| header_mismatch(&CONTENT_SECURITY_POLICY, "a policy".to_owned(), None)),
        (InlinePolicy::Refused, Some(directive)) => Some(header_mismatch(
            &CONTENT_SECURITY_POLICY,
            "a policy without 'unsafe-inline'".to_owned(),
            Some(directive.to_owned()),
        )),
        (InlinePolicy::Refused, None) => None,
    }
}

/// The policy's `frame-ancestors` supersedes the older header, unless it lets everyone.
fn evaluate_framing(headers: &HeaderMap) -> Option<Mismatch> {
    let policies = header_values(headers, &CONTENT_SECURITY_POLICY);
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
    let found = header_values(headers, &X_FRAME_OPTIONS).into_iter().next();
    let met = bound
        || found.as_deref().is_some_and(|value| {
            ["deny", "sameorigin"].contains(&value.to_ascii_lowercase().as_str())
        });
    (!met).then(|| {
        header_mismatch(
            &X_FRAME_OPTIONS,
            "DENY or SAMEORIGIN, or `frame-ancestors` in the policy".to_owned(),
            found,
        )
    })
}

fn evaluate_no_sniff(headers: &HeaderMap) -> Option<Mismatch> {
    let found = header_values(headers, &X_CONTENT_TYPE_OPTIONS)
        .into_iter()
        .next();
    let met = found
        .as_deref()
        .is_some_and(|value| value.eq_ignore_ascii_case("nosniff"));
    (!met).then(|| header_mismatch(&X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned(), found))
}

fn header_values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
        .collect()
}

fn header_mismatch(name: &HeaderName, wanted: String, found: Option<String>) -> Mismatch {
    Mismatch::new(
        format!("header {name}"),
        wanted,
        found.map_or_else(|| NOTHING.to_owned(), |found| mask(&found)),
    )
}
