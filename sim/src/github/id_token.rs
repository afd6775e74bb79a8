//! ID tokens of a job: `ACTIONS_ID_TOKEN_REQUEST_URL` is `http://HOST:PORT/_github/id-token`. Nobody
//! signs them, and nobody checks a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::GithubAnswer;
use super::options::GithubOptions;
use crate::clock::now_ms;

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// How long one is valid.
const LIFETIME_SECONDS: i64 = 300;

/// Answers a request for a token.
pub(super) fn answer(github: &GithubOptions, parts: &Parts) -> GithubAnswer {
    let header = parts.headers.get(AUTHORIZATION);
    let token = header
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    if token != Some(github.id_token_request.as_str()) {
        return GithubAnswer::error(StatusCode::UNAUTHORIZED, "Bad credentials");
    }
    if parts.method != Method::GET {
        return GithubAnswer::not_found();
    }
    let audience = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "audience")
        .map_or_else(
            || "https://github.com/org".to_owned(),
            |(_, value)| value.into_owned(),
        );
    let value = build_token(&github.subject, &audience);
    GithubAnswer::ok(json!({ "count": value.len(), "value": value }))
}

fn build_token(subject: &str, audience: &str) -> String {
    let seconds = now_ms() / 1000;
    let claims = json!({ "iss": ISSUER, "sub": subject, "aud": audience, "iat": seconds, "exp": seconds + LIFETIME_SECONDS });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "typ": "JWT", "alg": "RS256" });
    format!(
        "{}.{}.canary-id-token-{}",
        part(&header),
        part(&claims),
        now_ms()
    )
}

/// What a token says; none when it is not one.
pub(crate) fn read_claims(token: &str) -> Option<Value> {
    let [_, claims, _] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
