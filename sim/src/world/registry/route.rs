//! Which operation of the distribution API a method and a path mean. Pure.

use hyper::Method;

use crate::world::digest::Digest;

/// A manifest is named by tag or by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(String),
    Digest(Digest),
}

/// One operation, without its repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ReadBlob(Digest),
    StartUpload,
    UploadStatus(String),
    AppendUpload(String),
    FinishUpload(String),
    CancelUpload(String),
    ReadManifest(Reference),
    WriteManifest(Reference),
    DeleteManifest(Reference),
    ListTags,
}

impl Operation {
    /// Whether it puts something into the repository.
    pub(super) const fn is_push(&self) -> bool {
        match self {
            Self::StartUpload
            | Self::AppendUpload(_)
            | Self::FinishUpload(_)
            | Self::WriteManifest(_) => true,
            Self::ReadBlob(_)
            | Self::UploadStatus(_)
            | Self::CancelUpload(_)
            | Self::ReadManifest(_)
            | Self::DeleteManifest(_)
            | Self::ListTags => false,
        }
    }
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Version,
    /// A bearer token.
    Token,
    Repository(String, Operation),
    /// A manifest whose name can be neither a digest nor a tag.
    InvalidTag,
    Unknown,
}

/// Reads a method and a path; `HEAD` reads like `GET`.
pub(super) fn parse_route(method: &Method, path: &str) -> Route {
    if path == "/token" && *method == Method::GET {
        return Route::Token;
    }
    let Some(path) = path.strip_prefix("/v2") else {
        return Route::Unknown;
    };
    if matches!(path, "" | "/") {
        return Route::Version;
    }
    parse_repository(method, path.trim_start_matches('/')).unwrap_or(Route::Unknown)
}

fn parse_repository(method: &Method, path: &str) -> Option<Route> {
    let read = matches!(*method, Method::GET | Method::HEAD);
    let (name, operation) = if let Some((name, session)) = path.split_once("/blobs/uploads") {
        (
            name,
            upload_operation(method, session.trim_start_matches('/'))?,
        )
    } else if let Some((name, digest)) = path.rsplit_once("/blobs/") {
        (
            name,
            Operation::ReadBlob(Digest::parse(digest).filter(|_| read)?),
        )
    } else if let Some((name, reference)) = path.rsplit_once("/manifests/") {
        let Some(reference) = parse_reference(reference) else {
            return Some(Route::InvalidTag);
        };
        (name, manifest_operation(method, reference)?)
    } else {
        (
            path.strip_suffix("/tags/list").filter(|_| read)?,
            Operation::ListTags,
        )
    };
    is_repository_name(name).then(|| Route::Repository(name.to_owned(), operation))
}

fn upload_operation(method: &Method, session: &str) -> Option<Operation> {
    match (method.as_str(), session) {
        ("POST", "") => Some(Operation::StartUpload),
        ("GET", id) => Some(Operation::UploadStatus(id.to_owned())),
        ("PATCH", id) => Some(Operation::AppendUpload(id.to_owned())),
        ("PUT", id) => Some(Operation::FinishUpload(id.to_owned())),
        ("DELETE", id) => Some(Operation::CancelUpload(id.to_owned())),
        (_, _) => None,
    }
}

fn parse_reference(reference: &str) -> Option<Reference> {
    Digest::parse(reference)
        .map(Reference::Digest)
        .or_else(|| is_tag(reference).then(|| Reference::Tag(reference.to_owned())))
}

fn manifest_operation(method: &Method, reference: Reference) -> Option<Operation> {
    match method.as_str() {
        "GET" | "HEAD" => Some(Operation::ReadManifest(reference)),
        "PUT" => Some(Operation::WriteManifest(reference)),
        "DELETE" => Some(Operation::DeleteManifest(reference)),
        _ => None,
    }
}

/// As the distribution specification has it: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_repository_name(name: &str) -> bool {
    let part = |part: &str| {
        part.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
        }) && part
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    name.len() <= 255 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_means_its_operation() {
        let digest = Digest::compute(b"x");
        let table = [
            ("GET", "/v2/".to_owned(), Route::Version),
            (
                "HEAD",
                format!("/v2/a/b/blobs/{digest}"),
                Route::Repository("a/b".into(), Operation::ReadBlob(digest.clone())),
            ),
            (
                "POST",
                "/v2/a/blobs/uploads/".to_owned(),
                Route::Repository("a".into(), Operation::StartUpload),
            ),
            (
                "PUT",
                "/v2/a/blobs/uploads/7".to_owned(),
                Route::Repository("a".into(), Operation::FinishUpload("7".into())),
            ),
            (
                "GET",
                "/v2/a/tags/list".to_owned(),
                Route::Repository("a".into(), Operation::ListTags),
            ),
            (
                "PUT",
                "/v2/a/b/manifests/v1.0".to_owned(),
                Route::Repository(
                    "a/b".into(),
                    Operation::WriteManifest(Reference::Tag("v1.0".into())),
                ),
            ),
            (
                "GET",
                "/v2/a/manifests/1.0+abc".to_owned(),
                Route::InvalidTag,
            ),
            ("GET", "/v2/a/../b/tags/list".to_owned(), Route::Unknown),
            (
                "GET",
                "/v2/a/blobs/sha256:../../x".to_owned(),
                Route::Unknown,
            ),
            ("GET", "/token".to_owned(), Route::Token),
            ("GET", "/".to_owned(), Route::Unknown),
        ];
        for (method, path, expected) in table {
            let method: Method = method.parse().expect("a method");
            assert_eq!(parse_route(&method, &path), expected, "{method} {path}");
        }
    }
}
