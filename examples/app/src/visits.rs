//! How often somebody came, kept in a cookie of theirs. Pure.

use hyper::StatusCode;
use hyper::header::{COOKIE, HeaderMap, SET_COOKIE};
use serde_json::json;

use crate::answer::{self, Answer};

/// `GET /visits`: one more.
pub(crate) fn count(headers: &HeaderMap) -> Answer {
    let visits = before(headers) + 1;
    let cookie = format!("visits={visits}; Max-Age=3600; HttpOnly; SameSite=Lax; Path=/");
    answer::with(
        answer::json(StatusCode::OK, &json!({ "visits": visits })),
        SET_COOKIE,
        &cookie,
    )
}

/// What the cookie says; nothing believable is nothing.
fn before(headers: &HeaderMap) -> u32 {
    let mut cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    cookies
        .find_map(|cookie| cookie.trim().strip_prefix("visits=")?.parse().ok())
        .unwrap_or(0)
        .min(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_counts() {
        let visits = |cookie: &'static str| {
            before(
                &[(COOKIE, hyper::header::HeaderValue::from_static(cookie))]
                    .into_iter()
                    .collect(),
            )
        };
        assert_eq!(
            (visits("a=b; visits=4"), visits("visits=x"), visits("")),
            (4, 0, 0)
        );
        assert!(
            count(&HeaderMap::new()).headers()["set-cookie"]
                .to_str()
                .expect("text")
                .starts_with("visits=1; Max-Age=3600;")
        );
    }
}
