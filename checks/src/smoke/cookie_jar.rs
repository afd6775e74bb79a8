//! The cookies of one flow with `cookies: keep`: what its answers set goes back to the same origin
//! (scheme, host, port), nowhere else.
//!
//! As a browser does it (RFC 6265), except that a cookie for other hosts of a domain is only sent
//! to the host that set it.
//!
//! One file, because parsing, storing and sending cookies follow one specification; a third of it
//! is tests.

use std::sync::{Mutex, OnceLock, PoisonError};

use reqwest::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Origin, Url};

use super::browser::{CookieFlags, OfferedCookie};
use super::flow::CookiePolicy;

/// A `Set-Cookie` header, as far as it decides whether the cookie is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetCookie {
    pub(super) name: String,
    pub(super) value: String,
    path: Option<String>,
    domain: Option<String>,
    same_site: Option<String>,
    flags: CookieFlags,
    life: CookieLife,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CookieTransport {
    Any,
    /// `Secure`: over TLS only.
    Encrypted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CookieLife {
    Valid,
    /// Already expired, which deletes it. Other lifetimes are not tracked: flows are shorter.
    Expired,
}

impl SetCookie {
    /// `None` when the header is not one that a browser would take.
    pub(super) fn parse(header: &HeaderValue) -> Option<Self> {
        let text = String::from_utf8_lossy(header.as_bytes());
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let mut cookie = Self {
            name,
            value,
            path: None,
            domain: None,
            same_site: None,
            flags: CookieFlags::default(),
            life: CookieLife::Valid,
        };
        let mut max_age = None;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "path" => {
                    cookie.path =
                        Some(value.trim().to_owned()).filter(|path| path.starts_with('/'));
                }
                "domain" => {
                    cookie.domain = Some(value.trim().trim_start_matches('.').to_ascii_lowercase());
                }
                "secure" => cookie.flags.secure = true,
                "partitioned" => cookie.flags.partitioned = true,
                "samesite" => cookie.same_site = Some(value.trim().to_owned()),
                "max-age" => max_age = value.trim().parse::<i64>().ok().or(max_age),
                "expires" if is_past(value.trim()) => cookie.life = CookieLife::Expired,
                _ => {}
            }
        }
        // `Max-Age` has precedence over `Expires`.
        if let Some(seconds) = max_age {
            cookie.life = if seconds > 0 {
                CookieLife::Valid
            } else {
                CookieLife::Expired
            };
        }
        (!cookie.name.is_empty()).then_some(cookie)
    }

    /// Why browsers reject it.
    pub(super) fn rejection_reason(&self) -> Option<&'static str> {
        let Self {
            name,
            path,
            domain,
            same_site,
            flags,
            ..
        } = self;
        let [path, domain, same_site] = [path, domain, same_site].map(Option::as_deref);
        OfferedCookie {
            name,
            path,
            domain,
            same_site,
            flags: *flags,
        }
        .rejection_reason()
    }

    fn transport(&self) -> CookieTransport {
        if self.flags.secure {
            CookieTransport::Encrypted
        } else {
            CookieTransport::Any
        }
    }

    fn covers_host(&self, host: &str) -> bool {
        self.domain.as_deref().is_none_or(|domain| {
            domain == host
                || host
                    .strip_suffix(domain)
                    .is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

/// Whether a date such as `Thu, 01 Jan 1970 00:00:00 GMT` is over; one that cannot be read is not.
fn is_past(date: &str) -> bool {
    // Old servers write `01-Jan-1970`.
    let date = date.replace('-', " ");
    OffsetDateTime::parse(&date, &Rfc2822).is_ok_and(|date| date <= OffsetDateTime::now_utc())
}

/// A cookie that is sent again.
#[derive(Debug, Clone)]
struct StoredCookie {
    name: String,
    value: String,
    path: String,
    transport: CookieTransport,
}

pub(super) struct CookieJar {
    policy: CookiePolicy,
    /// The origin that sets and receives them.
    origin: OnceLock<Origin>,
    stored: Mutex<Vec<StoredCookie>>,
}

impl CookieJar {
    pub(super) fn new(policy: CookiePolicy) -> Self {
        Self {
            policy,
            origin: OnceLock::new(),
            stored: Mutex::default(),
        }
    }

    /// Sets the origin of the cookies, unless it is set: that of the flow's first request.
    pub(super) fn set_origin(&self, url: &Url) {
        self.origin.get_or_init(|| url.origin());
    }

    /// The cookies for a request, unless it has some of its own or goes elsewhere.
    pub(super) fn add_cookies(&self, url: &Url, headers: &mut HeaderMap) {
        if !self.applies_to(url) || headers.contains_key(COOKIE) {
            return;
        }
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> = stored
            .iter()
            .filter(|cookie| cookie.is_sent_to(url))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        if let Some(mut value) = Some(pairs.join("; "))
            .filter(|text| !text.is_empty())
            .and_then(|text| HeaderValue::from_str(&text).ok())
        {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }

    /// Stores the cookies of an answer of `url`.
    pub(super) fn store(&self, url: &Url, headers: &HeaderMap) {
        if !self.applies_to(url) {
            return;
        }
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(SetCookie::parse)
        {
            let transport = cookie.transport();
            let acceptable = cookie.rejection_reason().is_none()
                && cookie.covers_host(url.host_str().unwrap_or_default())
                && transport.allows(url);
            let path = cookie.path.clone().unwrap_or_else(|| default_path(url));
            if acceptable {
                stored.retain(|other| other.name != cookie.name || other.path != path);
            }
            if acceptable && cookie.life == CookieLife::Valid {
                stored.push(StoredCookie {
                    name: cookie.name,
                    value: cookie.value,
                    path,
                    transport,
                });
            }
        }
    }

    /// The values, which are secrets.
    pub(super) fn values(&self) -> Vec<String> {
        self.stored
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|cookie| cookie.value.clone())
            .collect()
    }

    fn applies_to(&self, url: &Url) -> bool {
        self.policy == CookiePolicy::Keep && self.origin.get() == Some(&url.origin())
    }
}

impl StoredCookie {
    /// `/docs` covers `/docs/web` and not `/docsets` (RFC 6265, section 5.1.4).
    fn is_sent_to(&self, url: &Url) -> bool {
        let rest = url.path().strip_prefix(self.path.as_str());
        let covered = rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        covered && self.transport.allows(url)
    }
}

impl CookieTransport {
    fn allows(self, url: &Url) -> bool {
        match self {
            Self::Any => true,
            Self::Encrypted => url.scheme() == "https",
        }
    }
}

/// The directory of what was asked for (RFC 6265, section 5.1.4).
fn default_path(url: &Url) -> String {
    let directory = url
        .path()
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    if directory.is_empty() {
        "/".to_owned()
    } else {
        directory.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent to a URL after an answer of `https://host/app/login` has set these cookies, one
    /// after the other.
    fn sent_cookies(set: &[&'static str], to: &str) -> String {
        sent_after("https://host", set, to)
    }

    fn sent_after(base: &str, set: &[&'static str], to: &str) -> String {
        let base: Url = base.parse().unwrap();
        let jar = CookieJar::new(CookiePolicy::Keep);
        jar.set_origin(&base);
        for cookie in set {
            jar.store(
                &base.join("/app/login").unwrap(),
                &[(SET_COOKIE, HeaderValue::from_static(cookie))]
                    .into_iter()
                    .collect(),
            );
        }
        let mut headers = HeaderMap::new();
        jar.add_cookies(&to.parse().unwrap(), &mut headers);
        headers
            .get(COOKIE)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    }

    #[test]
    fn cookies_go_back_where_a_browser_would_send_them() {
        let table: [(&[&str], &str, &str); 26] = [
            (
                &["a=1", "b=2; Path=/; HttpOnly"],
                "https://host/app/x",
                "a=1; b=2",
            ),
            (&["a=1"], "https://host/other", ""),
            (&["a=1; path=/app"], "https://host/apple", ""),
            (&["a=1; Path=/"], "https://host:8443/", ""),
            (&["a=1; Path=/"], "http://host/", ""),
            (&["a=1; Path=/"], "https://sub.host/", ""),
            (&["a=1; Path=/; Secure"], "https://host/", "a=1"),
            (&["a=1; Path=/; Domain=.host"], "https://host/", "a=1"),
            (&["a=1; Path=/; Domain=evil.example"], "https://host/", ""),
            (&["a=1; Path=/", "a=2; Path=/"], "https://host/", "a=2"),
            (
                &["a=1; Path=/", "a=2; Path=/app"],
                "https://host/app",
                "a=1; a=2",
            ),
            (&["a=1; Path=/", "b=2; Path=/"], "https://host/", "a=1; b=2"),
            (
                &["a=1; Path=/; Expires=Fri, 31 Dec 9999 23:59:59 GMT"],
                "https://host/",
                "a=1",
            ),
            (&["a=1; Path=/; Expires=soon"], "https://host/", "a=1"),
            (
                &["a=1; Path=/", "a=; Path=/; Max-Age=0"],
                "https://host/",
                "",
            ),
            (
                &[
                    "a=1; Path=/",
                    "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                ],
                "https://host/",
                "",
            ),
            (
                &[
                    "a=1; Path=/",
                    "a=; Path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT",
                ],
                "https://host/",
                "",
            ),
            (
                &["a=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
                "https://host/",
                "a=1",
            ),
            (&["a=1; Path=/; SameSite=None"], "https://host/", ""),
            (
                &["a=1; Path=/; SameSite=None; Secure"],
                "https://host/",
                "a=1",
            ),
            (&["__Secure-a=1; Path=/"], "https://host/", ""),
            (&["__Host-a=1; Path=/"], "https://host/", ""),
            (
                &["__host-a=1; Path=/; Secure; Domain=host"],
                "https://host/",
                "",
            ),
            (&["__Host-a=1; Secure; Path=/app"], "https://host/app/", ""),
            (
                &["__Host-a=1; Secure; Path=/"],
                "https://host/",
                "__Host-a=1",
            ),
            (&["a=1; Path=/; Partitioned"], "https://host/", ""),
        ];
        for (set, to, expected) in table {
            assert_eq!(sent_cookies(set, to), expected, "{set:?} {to}");
        }
    }

    #[test]
    fn a_secure_cookie_is_not_taken_from_plain_http() {
        let set = ["a=1; Path=/; Secure", "b=2; Path=/"];
        assert_eq!(sent_after("http://host", &set, "http://host/"), "b=2");
    }

    #[test]
    fn a_cookie_of_the_test_itself_comes_first_and_a_jar_that_forgets_is_empty() {
        let base: Url = "http://host".parse().unwrap();
        let headers: HeaderMap = [(SET_COOKIE, HeaderValue::from_static("a=1"))]
            .into_iter()
            .collect();
        let (keeps, forgets) = (
            CookieJar::new(CookiePolicy::Keep),
            CookieJar::new(CookiePolicy::Forget),
        );
        keeps.set_origin(&base);
        forgets.set_origin(&base);
        let mut own: HeaderMap = [(COOKIE, HeaderValue::from_static("mine=1"))]
            .into_iter()
            .collect();
        keeps.store(&base, &headers);
        keeps.add_cookies(&base, &mut own);
        forgets.store(&base, &headers);
        assert_eq!(
            (
                own[COOKIE].to_str().unwrap(),
                keeps.values().len(),
                forgets.values().len()
            ),
            ("mine=1", 1, 0)
        );
    }
}
