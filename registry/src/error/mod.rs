//! What can go wrong on either side of a transfer, in sentences for people.
//!
//! [`SourceError`] is about the image that is read, [`PushError`] about the registry. Neither
//! repeats its source: print the chain.

mod push;
mod source;

use url::Url;

pub use push::{PushError, Step};
pub use source::SourceError;

/// Both forms of ECR's addresses, `ACCOUNT.dkr.ecr.REGION.amazonaws.com` and
/// `ACCOUNT.dkr-ecr.REGION.on.aws`.
pub(crate) fn is_ecr(host: &str) -> bool {
    host.contains(".dkr.ecr.") || host.contains(".dkr-ecr.")
}

/// How a host is written in a sentence.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Words that came from outside, made fit for one line of ours.
pub(crate) fn one_line(words: &str) -> String {
    const LONGEST: usize = 500;
    let words = crate::scrub::masked(words);
    let flat: Vec<&str> = words
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    flat.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_on_one_line() {
        assert_eq!(
            one_line(" no\n::error::x\u{1b}[31m \r\n way "),
            "no ::error::x [31m way"
        );
        assert_eq!(one_line(&"x".repeat(900)).len(), 500);
    }
}
