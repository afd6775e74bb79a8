//! The errors of the distribution API, as its clients expect them: a status, a code, a sentence.
//! Where ECR's sentence is known it is used.

use hyper::{Response, StatusCode, header};
use serde_json::json;

use crate::world::digest::Digest;
use crate::world::http::{Body, close_connection, full_body, text_response};

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RegistryError {
    Unauthorized,
    /// The credentials were good once.
    Expired,
    Unsupported,
    BlobUnknown,
    UploadUnknown,
    DigestInvalid,
    RangeInvalid,
    ManifestUnknown,
    ManifestInvalid,
    ManifestBlobUnknown(Digest),
    NameUnknown(String),
    TagImmutable {
        tag: String,
        repository: String,
    },
    TagInvalid,
    TooManyRequests,
    TooManyLayers,
    Archived(Digest),
    Storage,
    /// No answer: the connection ends.
    HangUp,
}

impl RegistryError {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Expired => (StatusCode::FORBIDDEN, "DENIED"),
            Self::Unsupported => (StatusCode::NOT_FOUND, "UNSUPPORTED"),
            Self::BlobUnknown => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::UploadUnknown => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::DigestInvalid => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            Self::RangeInvalid => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            Self::ManifestUnknown => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::ManifestInvalid => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::ManifestBlobUnknown(_) => (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN"),
            Self::NameUnknown(_) => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            Self::TagImmutable { .. } | Self::TagInvalid => {
                (StatusCode::BAD_REQUEST, "TAG_INVALID")
            }
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::TooManyLayers => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::Archived(_) => (StatusCode::BAD_REQUEST, "DENIED"),
            Self::Storage | Self::HangUp => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        }
    }

    /// That of an archived layer is the stage's own: ECR's is not known.
    fn message(&self) -> String {
        let fixed = match self {
            Self::Unauthorized => "authentication required",
            Self::Expired => "Your authorization token has expired. Reauthenticate and try again.",
            Self::Unsupported => "the operation is unsupported",
            Self::BlobUnknown => "blob unknown to registry",
            Self::UploadUnknown => "blob upload unknown to registry",
            Self::DigestInvalid => "provided digest did not match uploaded content",
            Self::RangeInvalid => "blob upload out of order",
            Self::ManifestUnknown => "Requested image not found",
            Self::ManifestInvalid => "manifest invalid",
            Self::TooManyRequests => "Rate exceeded",
            Self::TooManyLayers => "Limit on number of layers per image exceeded",
            Self::TagInvalid | Self::HangUp => "",
            Self::Storage => "storage failed",
            Self::ManifestBlobUnknown(digest) => {
                return format!(
                    "Layers with digests '[{digest}]' required for pushing image into repository do not exist"
                );
            }
            Self::NameUnknown(name) => {
                return format!("The repository with name '{name}' does not exist in the registry");
            }
            Self::TagImmutable { tag, repository } => {
                return format!(
                    "The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten because the tag is immutable."
                );
            }
            Self::Archived(digest) => {
                return format!(
                    "The layer {digest} is archived. Restore the image before it is used."
                );
            }
        };
        fixed.to_owned()
    }

    pub(super) fn into_response(self) -> Response<Body> {
        if self == Self::HangUp {
            return close_connection();
        }
        let ((status, code), message) = (self.status_and_code(), self.message());
        if self == Self::TagInvalid {
            return text_response(status, "");
        }
        let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string();
        let mut response = Response::new(full_body(body));
        *response.status_mut() = status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        );
        response
    }
}

impl From<std::io::Error> for RegistryError {
    fn from(_: std::io::Error) -> Self {
        Self::Storage
    }
}
