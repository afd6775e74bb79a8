//! Responses are read up to a limit: a server may send more than any response of its kind has.

use reqwest::Response;

/// Why a response was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It has more than this many bytes.
    #[error("the answer is longer than {} KiB", .0 / 1024)]
    TooLong(usize),
    /// The connection broke.
    #[error(transparent)]
    Broken(reqwest::Error),
}

/// The body of a response, of at most `limit` bytes.
pub async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(BodyError::Broken)? {
        if bytes.len() + piece.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The beginning of the body of an error response: it is read until it exceeds `limit` bytes, ends
/// or breaks. Bytes that are not UTF-8 are replaced.
pub async fn read_error_text(mut response: Response, limit: usize) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        bytes.extend_from_slice(&piece);
        if bytes.len() > limit {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
