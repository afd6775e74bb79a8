//! The other host, from which redirected downloads come: its addresses are signed, and whoever
//! shows credentials is refused, as by S3.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, Response, StatusCode};

use super::Contents;
use super::blobs::serve_blob;
use super::error::RegistryError;
use super::uploads::query_parameter;
use crate::world::digest::Digest;
use crate::world::http::{Body, text_response};

/// Where paths begin there.
const PREFIX: &str = "/storage/";

/// The placeholder for a signature; only its presence is checked.
const SIGNATURE: &str = "X-Amz-Signature";

/// S3's words for a request that is signed and carries credentials.
const TWO_MECHANISMS: &str = "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified</Message></Error>";

/// The signed address of a blob, by the name under which the registry was asked.
pub(super) fn signed_url(storage: SocketAddr, request: &Request<Body>, digest: &Digest) -> String {
    let asked = request
        .headers()
        .get(HOST)
        .and_then(|value| value.to_str().ok());
    let name = asked
        .and_then(|host| host.rsplit_once(':'))
        .map_or_else(|| storage.ip().to_string(), |(name, _)| name.to_owned());
    format!(
        "http://{name}:{}{PREFIX}{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&{SIGNATURE}=5194",
        storage.port(),
        digest.hex()
    )
}

pub(super) async fn handle(contents: Arc<Contents>, request: Request<Body>) -> Response<Body> {
    if request.headers().contains_key(AUTHORIZATION) {
        return text_response(StatusCode::BAD_REQUEST, TWO_MECHANISMS);
    }
    if query_parameter(request.uri(), SIGNATURE).is_none() {
        return text_response(
            StatusCode::FORBIDDEN,
            "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
        );
    }
    let hex = request
        .uri()
        .path()
        .strip_prefix(PREFIX)
        .unwrap_or_default();
    let Some(digest) = Digest::parse(&format!("sha256:{hex}")) else {
        return text_response(
            StatusCode::NOT_FOUND,
            "<Error><Code>NoSuchKey</Code></Error>",
        );
    };
    serve_blob(&contents.store, &digest, &request)
        .await
        .unwrap_or_else(RegistryError::into_response)
}
