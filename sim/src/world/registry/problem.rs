//! The errors of the distribution API, as its clients expect them: a status, a code, a sentence.

use hyper::{Response, StatusCode, header};
use serde_json::json;

use crate::world::http::{Body, full};

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    Unauthorized,
    Unsupported,
    BlobUnknown,
    UploadUnknown,
    DigestInvalid,
    RangeInvalid,
    ManifestUnknown,
    ManifestInvalid,
    ManifestBlobUnknown,
    NameUnknown,
    Storage,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required"),
            Self::Unsupported => (StatusCode::NOT_FOUND, "UNSUPPORTED", "the operation is unsupported"),
            Self::BlobUnknown => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry"),
            Self::UploadUnknown => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"),
            Self::DigestInvalid => (StatusCode::BAD_REQUEST, "DIGEST_INVALID", "provided digest did not match uploaded content"),
            Self::RangeInvalid => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", "blob upload out of order"),
            Self::ManifestUnknown => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown"),
            Self::ManifestInvalid => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "manifest invalid"),
            Self::ManifestBlobUnknown => {
                (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", "manifest references a blob unknown to registry")
            }
            Self::NameUnknown => (StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry"),
            Self::Storage => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "storage failed"),
        }
    }

    pub(super) fn response(self) -> Response<Body> {
        let (status, code, message) = self.parts();
        let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string();
        let mut response = Response::new(full(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        if self == Self::Unauthorized {
            let challenge = header::HeaderValue::from_static("Basic realm=\"registry\",service=\"registry\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<std::io::Error> for Problem {
    fn from(_: std::io::Error) -> Self {
        Self::Storage
    }
}
