//! The attributes of the cookies that an answer sets. Their values are never read.

use std::time::Duration;

use reqwest::header::SET_COOKIE;
use time::OffsetDateTime;

use crate::document::Entry;
use crate::form::{ConditionList, Entries, FromNamedEntry, FromNode, WrittenDuration};
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::browser::{CookieFlags, OfferedCookie};
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};
use crate::{document_entries, document_schema, document_words};

use super::bounds::{self, Limit};
use super::lifetime;

/// What a cookie must be like that is set.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct CookieExpectation {
    name: String,
    attributes: Entries<CookieAttribute>,
}

impl FromNamedEntry for CookieExpectation {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let what = format!("cookie `{}`", entry.key);
        let attributes = Entries::from_node(reader, &entry.value, &what)?;
        let name = entry.key.clone();
        Some(Self { name, attributes })
    }
}

document_schema!(CookieExpectation as CookieAttribute);

document_entries! {
    pub(in crate::smoke) enum CookieAttribute as Cookie {
        http_only => HttpOnly(bool),
        secure => Secure(bool),
        same_site => SameSite(SameSite),
        path => Path(Template),
        domain => Domain(Template),
        /// What is left of its life, by Max-Age or Expires.
        max_age => MaxAge(ConditionList<Limit<WrittenDuration>>),
        /// Whether it goes when the browser is closed.
        session => Session(bool),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::smoke) enum SameSite {
    Lax,
    Strict,
    None,
}

document_words!(SameSite: SAME_SITE);

const SAME_SITE: &[(&str, SameSite)] = &[
    ("lax", SameSite::Lax),
    ("strict", SameSite::Strict),
    ("none", SameSite::None),
];

/// A `Set-Cookie` header without the cookie's value (RFC 6265, section 5.2).
struct ReceivedCookie {
    name: String,
    /// Names in lower case.
    attributes: Vec<(String, String)>,
    /// None: until the browser is closed.
    lifetime: Option<Duration>,
}

pub(super) fn evaluate(
    expected: &[CookieExpectation],
    answer: &SmokeResponse,
    values: &Values,
) -> Vec<Mismatch> {
    let headers = answer.headers.get_all(SET_COOKIE);
    let cookies: Vec<ReceivedCookie> = headers
        .iter()
        .map(|value| ReceivedCookie::parse(&String::from_utf8_lossy(value.as_bytes()), answer.at))
        .collect();
    expected
        .iter()
        .flat_map(|expectation| evaluate_cookie(expectation, &cookies, values))
        .collect()
}

fn evaluate_cookie(
    expected: &CookieExpectation,
    cookies: &[ReceivedCookie],
    values: &Values,
) -> Vec<Mismatch> {
    let what = format!("cookie {}", expected.name);
    // A browser keeps the last of several.
    let Some(cookie) = cookies.iter().rfind(|cookie| cookie.name == expected.name) else {
        return vec![Mismatch::new(what, "set", list_names(cookies))];
    };
    let refused = cookie
        .as_offered()
        .rejection_reason()
        .map(|why| Mismatch::new(&what, "a cookie that browsers keep", why));
    let unmet = expected
        .attributes
        .iter()
        .filter(|attribute| !attribute.is_met_by(cookie, values));
    refused
        .into_iter()
        .chain(
            unmet.map(|attribute| {
                Mismatch::new(&what, attribute.describe(values), cookie.describe())
            }),
        )
        .collect()
}

fn list_names(cookies: &[ReceivedCookie]) -> String {
    if cookies.is_empty() {
        return "no cookie".to_owned();
    }
    format!(
        "only {}",
        mask(
            &cookies
                .iter()
                .map(|cookie| cookie.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )
    )
}

impl ReceivedCookie {
    fn parse(header: &str, now: OffsetDateTime) -> Self {
        let mut parts = header.split(';').map(|part| {
            part.split_once('=')
                .map_or((part.trim(), ""), |(name, value)| {
                    (name.trim(), value.trim())
                })
        });
        let name = parts
            .next()
            .map_or_else(String::new, |(name, _)| name.to_owned());
        let attributes = parts
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let cookie = Self {
            name,
            attributes,
            lifetime: None,
        };
        let lifetime = lifetime::from_attributes(
            cookie.attribute("max-age"),
            cookie.attribute("expires"),
            now,
        );
        Self { lifetime, ..cookie }
    }

    /// The last attribute of several with one name counts.
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .rfind(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn as_offered(&self) -> OfferedCookie<'_> {
        let [path, domain, same_site] =
            ["path", "domain", "samesite"].map(|name| self.attribute(name));
        let [secure, partitioned] =
            ["secure", "partitioned"].map(|name| self.attribute(name).is_some());
        OfferedCookie {
            name: &self.name,
            path,
            domain,
            same_site,
            flags: CookieFlags {
                secure,
                partitioned,
            },
        }
    }

    fn describe(&self) -> String {
        let shown = self.attributes.iter().map(|(name, value)| {
            if value.is_empty() {
                name.clone()
            } else {
                format!("{name}={value}")
            }
        });
        let shown: Vec<String> = shown.collect();
        if shown.is_empty() {
            "no attributes".to_owned()
        } else {
            mask(&shown.join("; "))
        }
    }
}

impl CookieAttribute {
    fn is_met_by(&self, cookie: &ReceivedCookie, values: &Values) -> bool {
        match self {
            Self::HttpOnly(wanted) => cookie.attribute("httponly").is_some() == *wanted,
            Self::Secure(wanted) => cookie.attribute("secure").is_some() == *wanted,
            Self::SameSite(wanted) => cookie
                .attribute("samesite")
                .is_some_and(|found| found.eq_ignore_ascii_case(wanted.as_str())),
            Self::Path(wanted) => cookie.attribute("path") == Some(wanted.render(values).as_str()),
            Self::Domain(wanted) => cookie
                .attribute("domain")
                .is_some_and(|found| is_same_domain(found, &wanted.render(values))),
            Self::MaxAge(limits) => cookie
                .lifetime
                .is_some_and(|lifetime| bounds::are_met_by(limits, &WrittenDuration(lifetime))),
            Self::Session(wanted) => cookie.lifetime.is_none() == *wanted,
        }
    }

    fn describe(&self, values: &Values) -> String {
        match self {
            Self::HttpOnly(true) => "httponly".to_owned(),
            Self::HttpOnly(false) => "no httponly".to_owned(),
            Self::Secure(true) => "secure".to_owned(),
            Self::Secure(false) => "no secure".to_owned(),
            Self::SameSite(wanted) => format!("samesite={}", wanted.as_str()),
            Self::Path(wanted) => format!("path={}", wanted.render_masked(values)),
            Self::Domain(wanted) => format!("domain={}", wanted.render_masked(values)),
            Self::MaxAge(limits) => format!("a life {}", bounds::format_durations(limits)),
            Self::Session(true) => "a session cookie, without max-age and expires".to_owned(),
            Self::Session(false) => "max-age or expires".to_owned(),
        }
    }
}

/// A leading dot means nothing (RFC 6265, section 5.2.3), nor does case.
fn is_same_domain(left: &str, right: &str) -> bool {
    left.trim_start_matches('.')
        .eq_ignore_ascii_case(right.trim_start_matches('.'))
}

impl SameSite {
    fn as_str(self) -> &'static str {
        let known = SAME_SITE.iter().find(|(_, value)| *value == self);
        known.map_or("", |(word, _)| word)
    }
}
