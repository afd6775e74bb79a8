//! Following a redirect: where to, with which method, and without anything that the next host must
//! not see.

use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION,
};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use crate::destination;
use crate::scrub::mask;
use crate::smoke::form::REDIRECTIONS;
use crate::smoke::result::Mismatch;

use super::build::OutgoingRequest;

/// Where a response points to, when it is a redirect that an HTTP client can follow.
pub(super) fn find_target(response: &Response, requested: &Url) -> Option<Url> {
    let redirection = REDIRECTIONS.contains(&response.status().as_u16());
    let location = response
        .headers()
        .get(LOCATION)
        .filter(|_| redirection)?
        .to_str()
        .ok()?;
    requested
        .join(location)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Why a redirect is not followed, whatever the test says: it would leave TLS, or lead to a
/// forbidden address.
pub(super) async fn check_target(outgoing: &OutgoingRequest, next: &Url) -> Result<(), Mismatch> {
    if outgoing.url.scheme() == "https" && next.scheme() != "https" {
        return Err(Mismatch::new(
            "redirects",
            "a redirect that stays with https",
            mask(&next.origin().ascii_serialization()),
        ));
    }
    // The first origin was checked before, and may be reached under another name.
    if outgoing.url.origin() == next.origin() {
        return Ok(());
    }
    match destination::resolve_forbidden(next).await {
        Some(forbidden) => Err(Mismatch::new(
            "redirects",
            "a redirect to a host that a document may ask",
            forbidden.to_string(),
        )),
        None => Ok(()),
    }
}

/// The request that follows. A body that holds a secret or is a file is not carried to another
/// origin: that is a failure of the test.
pub(super) fn follow(
    mut outgoing: OutgoingRequest,
    status: StatusCode,
    next: Url,
) -> Result<OutgoingRequest, Mismatch> {
    if becomes_get(&outgoing.method, status) {
        outgoing.method = Method::GET;
        outgoing.body = None;
        outgoing.headers.remove(CONTENT_TYPE);
        outgoing.headers.remove(CONTENT_LENGTH);
    }
    if next.origin() != outgoing.url.origin() {
        remove_credentials(&mut outgoing);
        let private = outgoing
            .body
            .as_ref()
            .and_then(|(_, holds)| holds.private_reason());
        if let Some(why) = private {
            let expected = format!("a redirect within the same origin, because the body {why}");
            return Err(Mismatch::new(
                "redirects",
                expected,
                mask(&next.origin().ascii_serialization()),
            ));
        }
    }
    outgoing.url = next;
    Ok(outgoing)
}

/// As browsers do it (the Fetch standard, "HTTP-redirect fetch").
fn becomes_get(method: &Method, status: StatusCode) -> bool {
    match status {
        StatusCode::SEE_OTHER => *method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        _ => false,
    }
}

fn remove_credentials(outgoing: &mut OutgoingRequest) {
    for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST]
        .iter()
        .chain(&outgoing.secret_headers)
    {
        outgoing.headers.remove(name);
    }
}
