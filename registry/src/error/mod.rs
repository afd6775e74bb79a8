//! How a transfer can fail, in sentences for people.
//!
//! [`SourceError`] is about the image that is read, [`PushError`] about the registry. Neither
//! repeats its source: print the whole chain.

mod push;
mod source;

use url::Url;

pub use push::{PushError, Step};
pub use source::SourceError;

/// `HOST[:PORT]` of a URL.
pub(crate) fn host_with_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Words from outside, masked and put on one line of at most 500 characters.
pub(crate) fn mask_to_line(words: &str) -> String {
    const MAX_LENGTH: usize = 500;
    let words = crate::scrub::mask(words);
    let flat: Vec<&str> = words
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    flat.join(" ").chars().take(MAX_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_on_one_line() {
        assert_eq!(
            mask_to_line(" no\n::error::x\u{1b}[31m \r\n way "),
            "no ::error::x [31m way"
        );
        assert_eq!(mask_to_line(&"x".repeat(900)).len(), 500);
    }
}
