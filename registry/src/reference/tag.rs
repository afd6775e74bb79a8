//! Tags, by the rule of the distribution specification.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// A tag of a manifest: at most 128 letters, digits, `_`, `.` and `-`, beginning with none of the
/// last two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

/// A text that cannot be a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a tag (1 to 128 of letters, digits, `_`, `.`, `-`, the first a letter, a digit or `_`)"
)]
pub struct TagError(String);

impl Tag {
    /// The tag of a name without one.
    pub(crate) fn latest() -> Self {
        Self("latest".to_owned())
    }

    /// The tag, without the repository or a colon.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let fits = text.len() <= 128
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|byte| word(byte) || b".-".contains(&byte));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(TagError(text.escape_debug().to_string()))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a manifest is asked for by; the distribution specification calls it a reference.
#[derive(Debug, Clone, Copy)]
pub enum ManifestReference<'a> {
    /// The image that the tag names now.
    Tag(&'a Tag),
    /// The image with this digest.
    Digest(&'a Digest),
}

impl ManifestReference<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

impl fmt::Display for ManifestReference<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
