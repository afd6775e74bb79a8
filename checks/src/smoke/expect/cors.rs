//! Whether a browser would let the page send its request: what the answer to a preflight allows
//! (the Fetch standard, "CORS-preflight fetch" and "CORS check").

use reqwest::Method;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, HeaderMap, HeaderName,
};

use crate::scrub::masked;
use crate::smoke::form::{Cors, CorsCredentials};
use crate::smoke::result::Mismatch;
use crate::template::Values;

/// Stands for everything, unless the page sends cookies.
const ANY: &str = "*";

/// What is said of a header that is not there.
const NOTHING: &str = "nothing";

pub(super) fn judge(asked: &Cors, headers: &HeaderMap, values: &Values) -> Vec<Mismatch> {
    let mut failures: Vec<Mismatch> = origin(asked, headers, values).into_iter().collect();
    failures.extend(credentials(asked, headers));
    failures.extend(method(asked, headers));
    failures.extend(
        asked
            .headers
            .iter()
            .filter_map(|name| header(asked, name, headers)),
    );
    failures
}

/// Compared byte by byte; several headers are none.
fn origin(asked: &Cors, headers: &HeaderMap, values: &Values) -> Option<Mismatch> {
    let found = all(headers, &ACCESS_CONTROL_ALLOW_ORIGIN);
    let met = found == asked.origin.render(values)
        || (found == ANY && asked.credentials == CorsCredentials::NotSent);
    (!met).then(|| {
        Mismatch::new(
            what(&ACCESS_CONTROL_ALLOW_ORIGIN),
            asked.origin.masked(values),
            or_nothing(&found),
        )
    })
}

fn credentials(asked: &Cors, headers: &HeaderMap) -> Option<Mismatch> {
    let found = all(headers, &ACCESS_CONTROL_ALLOW_CREDENTIALS);
    let met = asked.credentials == CorsCredentials::NotSent || found == "true";
    (!met).then(|| {
        Mismatch::new(
            what(&ACCESS_CONTROL_ALLOW_CREDENTIALS),
            "true",
            or_nothing(&found),
        )
    })
}

fn method(asked: &Cors, headers: &HeaderMap) -> Option<Mismatch> {
    let found = all(headers, &ACCESS_CONTROL_ALLOW_METHODS);
    // These are sent by any page, asked or not.
    let always = matches!(asked.method, Method::GET | Method::HEAD | Method::POST);
    let met =
        always || items(&found).any(|item| item == asked.method.as_str() || asked.takes_any(item));
    (!met).then(|| {
        Mismatch::new(
            what(&ACCESS_CONTROL_ALLOW_METHODS),
            asked.method.to_string(),
            or_nothing(&found),
        )
    })
}

fn header(asked: &Cors, name: &HeaderName, headers: &HeaderMap) -> Option<Mismatch> {
    let found = all(headers, &ACCESS_CONTROL_ALLOW_HEADERS);
    // `*` never stands for `Authorization`.
    let named = |item: &str| {
        item.eq_ignore_ascii_case(name.as_str())
            || (*name != AUTHORIZATION && asked.takes_any(item))
    };
    let met = items(&found).any(named);
    (!met).then(|| {
        Mismatch::new(
            what(&ACCESS_CONTROL_ALLOW_HEADERS),
            name.as_str(),
            or_nothing(&found),
        )
    })
}

impl Cors {
    fn takes_any(&self, item: &str) -> bool {
        item == ANY && self.credentials == CorsCredentials::NotSent
    }
}

fn what(name: &HeaderName) -> String {
    format!("header {name}")
}

/// The header's values, joined as the Fetch standard does.
fn all(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
    values.collect::<Vec<_>>().join(", ")
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

fn or_nothing(found: &str) -> String {
    if found.is_empty() {
        NOTHING.to_owned()
    } else {
        masked(found)
    }
}
