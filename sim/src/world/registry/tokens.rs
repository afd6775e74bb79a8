//! Signing in with bearer tokens, as the distribution's token specification has it: a challenge,
//! and tokens of the scopes that are asked for.

use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::json;

use super::error::RegistryError;
use super::route::Route;
use super::{Registry, SignIn};
use crate::world::http::{Body, text_response};

/// The `WWW-Authenticate` challenge for a client without valid credentials.
pub(super) fn challenge(
    registry: &Registry,
    route: &Route,
    request: &Request<Body>,
) -> HeaderValue {
    let basic = HeaderValue::from_static("Basic realm=\"registry\",service=\"registry\"");
    match registry.rules.sign_in {
        SignIn::Basic => basic,
        SignIn::Bearer => HeaderValue::from_str(&bearer_challenge(route, request)).unwrap_or(basic),
    }
}

fn bearer_challenge(route: &Route, request: &Request<Body>) -> String {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let realm = format!("Bearer realm=\"http://{host}/token\",service=\"registry\"");
    match route {
        Route::Repository(name, operation) => {
            let actions = if operation.is_push() {
                "pull,push"
            } else {
                "pull"
            };
            format!("{realm},scope=\"repository:{name}:{actions}\"")
        }
        Route::Version | Route::Token | Route::InvalidTag | Route::Unknown => realm,
    }
}

/// A token for what the query asks.
pub(super) fn issue(
    registry: &Registry,
    request: &Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    let asked = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let scopes = asked
        .filter(|(name, _)| name == "scope")
        .flat_map(|(_, value)| value.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let token = registry
        .credentials
        .issue_token(request.headers(), scopes.collect())?;
    Ok(text_response(
        StatusCode::OK,
        json!({ "token": token, "expires_in": 300 }).to_string(),
    ))
}
