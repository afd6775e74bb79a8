//! Sessions and who is asking. There is one user, who has one token.

use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, HeaderMap, SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::answer::{self, Answer};
use crate::settings::Settings;

/// Far more than any token.
const BODY_LIMIT: usize = 16 * 1024;

/// Something nobody has seen before. Good enough for a service without real users; not a secret to
/// rely on.
pub(crate) fn nonce() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// `POST /auth/session`: a token for a cookie.
pub(crate) async fn start<B: Body>(settings: &Settings, body: B) -> Answer
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return answer::empty(StatusCode::BAD_REQUEST);
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body.to_bytes()) else {
        return answer::empty(StatusCode::BAD_REQUEST);
    };
    if body.get("token").and_then(Value::as_str) != Some(settings.token.as_str()) {
        return answer::json(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "invalid token" }),
        );
    }
    let cookie = format!(
        "session={}; HttpOnly; Secure; SameSite=Lax; Path=/",
        nonce()
    );
    answer::with(answer::empty(StatusCode::NO_CONTENT), SET_COOKIE, &cookie)
}

/// `GET /auth/me`: who the bearer of the token is.
pub(crate) fn me(settings: &Settings, headers: &HeaderMap) -> Answer {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if given == Some(settings.token.as_str()) {
        return answer::json(
            StatusCode::OK,
            &json!({ "id": 1, "email": "smoke@example.com", "roles": ["member"] }),
        );
    }
    let refusal = answer::json(
        StatusCode::UNAUTHORIZED,
        &json!({ "error": "invalid token" }),
    );
    answer::with(refusal, WWW_AUTHENTICATE, "Bearer")
}
