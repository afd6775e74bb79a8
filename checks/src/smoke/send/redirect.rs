//! Following a redirect: where to, with which method, and without what the next host must not see.

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use crate::smoke::form::REDIRECTIONS;
use crate::smoke::result::Mismatch;

use super::build::{Holds, Outgoing};

/// Where a response points to, when it is a redirect that an HTTP client can follow.
pub(super) fn target(response: &Response, asked: &Url) -> Option<Url> {
    let redirection = REDIRECTIONS.contains(&response.status().as_u16());
    let location = response.headers().get(LOCATION).filter(|_| redirection)?.to_str().ok()?;
    asked.join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// The request that follows. A body that holds a secret is not carried to another origin: that is a failure of the test.
pub(super) fn follow(mut outgoing: Outgoing, status: StatusCode, next: Url) -> Result<Outgoing, Mismatch> {
    if becomes_get(&outgoing.method, status) {
        outgoing.method = Method::GET;
        outgoing.body = None;
        outgoing.headers.remove(CONTENT_TYPE);
        outgoing.headers.remove(CONTENT_LENGTH);
    }
    if next.origin() != outgoing.url.origin() {
        forget_credentials(&mut outgoing);
        if matches!(outgoing.body, Some((_, Holds::Secret))) {
            let expected = "a redirect within the same origin, because the body holds a secret";
            return Err(Mismatch::new("redirects", expected, next.origin().ascii_serialization()));
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

fn forget_credentials(outgoing: &mut Outgoing) {
    for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST].iter().chain(&outgoing.secret_headers) {
        outgoing.headers.remove(name);
    }
}
