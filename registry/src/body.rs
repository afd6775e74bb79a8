//! Reading an answer whose length nobody promises: whoever answers may never stop.

use reqwest::Response;

/// An answer that was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than any answer of its kind.
    #[error("the answer is longer than {} KiB", .0 / 1024)]
    TooLong(usize),
    /// The connection broke.
    #[error(transparent)]
    Broken(reqwest::Error),
}

/// All of an answer of at most `most` bytes.
///
/// # Errors
/// It is longer, or the connection breaks.
pub async fn read_body(mut response: Response, most: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(BodyError::Broken)? {
        if bytes.len() + piece.len() > most {
            return Err(BodyError::TooLong(most));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The beginning of a refusal's words, as far as it can be read.
pub async fn read_words(mut response: Response, most: usize) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        bytes.extend_from_slice(&piece);
        if bytes.len() > most {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
