//! The cookies an answer sets, by their attributes. Their values are never looked at.

use std::time::Duration;

use reqwest::header::SET_COOKIE;
use time::OffsetDateTime;

use crate::scrub::masked;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::browser::{Marks, Offered};
use crate::smoke::form::{CookieAttribute, CookieExpectation, CookieFlag, Flag, SameSite};
use crate::smoke::result::Mismatch;
use crate::template::Values;

use super::{bounds, lifetime};

/// A `Set-Cookie` header without the cookie's value (RFC 6265, section 5.2).
struct Cookie {
    name: String,
    /// Names in lower case.
    attributes: Vec<(String, String)>,
    /// None: until the browser is closed.
    lifetime: Option<Duration>,
}

pub(super) fn judge(
    expected: &[CookieExpectation],
    answer: &SmokeResponse,
    values: &Values,
) -> Vec<Mismatch> {
    let headers = answer.headers.get_all(SET_COOKIE);
    let cookies: Vec<Cookie> = headers
        .iter()
        .map(|value| Cookie::parse(&String::from_utf8_lossy(value.as_bytes()), answer.at))
        .collect();
    expected
        .iter()
        .flat_map(|expectation| one(expectation, &cookies, values))
        .collect()
}

fn one(expected: &CookieExpectation, cookies: &[Cookie], values: &Values) -> Vec<Mismatch> {
    let what = format!("cookie {}", expected.name);
    // A browser keeps the last of several.
    let Some(cookie) = cookies.iter().rfind(|cookie| cookie.name == expected.name) else {
        return vec![Mismatch::new(what, "set", names(cookies))];
    };
    let refused = cookie
        .offered()
        .refusal()
        .map(|why| Mismatch::new(&what, "a cookie that browsers keep", why));
    let unmet = expected
        .attributes
        .iter()
        .filter(|attribute| !attribute.is_met_by(cookie, values));
    refused
        .into_iter()
        .chain(unmet.map(|attribute| Mismatch::new(&what, attribute.words(values), cookie.words())))
        .collect()
}

fn names(cookies: &[Cookie]) -> String {
    if cookies.is_empty() {
        return "no cookie".to_owned();
    }
    format!(
        "only {}",
        masked(
            &cookies
                .iter()
                .map(|cookie| cookie.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )
    )
}

impl Cookie {
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
        let lifetime = lifetime::lifetime(
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

    fn offered(&self) -> Offered<'_> {
        let [path, domain, same_site] =
            ["path", "domain", "samesite"].map(|name| self.attribute(name));
        let [secure, partitioned] =
            ["secure", "partitioned"].map(|name| self.attribute(name).is_some());
        Offered {
            name: &self.name,
            path,
            domain,
            same_site,
            marks: Marks {
                secure,
                partitioned,
            },
        }
    }

    fn words(&self) -> String {
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
            masked(&shown.join("; "))
        }
    }
}

impl CookieAttribute {
    fn is_met_by(&self, cookie: &Cookie, values: &Values) -> bool {
        match self {
            Self::Flag(flag, wanted) => {
                cookie.attribute(flag.key()).is_some() == (*wanted == Flag::Set)
            }
            Self::SameSite(wanted) => cookie
                .attribute("samesite")
                .is_some_and(|found| found.eq_ignore_ascii_case(wanted.word())),
            Self::Path(wanted) => cookie.attribute("path") == Some(wanted.render(values).as_str()),
            Self::Domain(wanted) => cookie
                .attribute("domain")
                .is_some_and(|found| same_domain(found, &wanted.render(values))),
            Self::MaxAge(limits) => cookie
                .lifetime
                .is_some_and(|lifetime| bounds::holds(limits, &lifetime)),
            Self::Session(wanted) => cookie.lifetime.is_none() == (*wanted == Flag::Set),
        }
    }

    fn words(&self, values: &Values) -> String {
        match self {
            Self::Flag(flag, Flag::Set) => flag.key().to_owned(),
            Self::Flag(flag, Flag::Unset) => format!("no {}", flag.key()),
            Self::SameSite(wanted) => format!("samesite={}", wanted.word()),
            Self::Path(wanted) => format!("path={}", wanted.masked(values)),
            Self::Domain(wanted) => format!("domain={}", wanted.masked(values)),
            Self::MaxAge(limits) => format!("a life {}", bounds::durations(limits)),
            Self::Session(Flag::Set) => "a session cookie, without max-age and expires".to_owned(),
            Self::Session(Flag::Unset) => "max-age or expires".to_owned(),
        }
    }
}

/// A leading dot means nothing (RFC 6265, section 5.2.3), nor does case.
fn same_domain(left: &str, right: &str) -> bool {
    left.trim_start_matches('.')
        .eq_ignore_ascii_case(right.trim_start_matches('.'))
}

impl CookieFlag {
    fn key(self) -> &'static str {
        match self {
            Self::HttpOnly => "httponly",
            Self::Secure => "secure",
        }
    }
}

impl SameSite {
    fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Lax => "lax",
            Self::None => "none",
        }
    }
}
