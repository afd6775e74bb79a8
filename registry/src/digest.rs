//! Digests, `sha256:` and 64 hexadecimal digits, and computing them while bytes are copied.
//!
//! A digest from outside becomes part of a path or a URL only after [`Digest::from_str`] accepted
//! it.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "sha256:";
const HEX_DIGITS: usize = 64;

/// A sha256 digest in the form that registries use, `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A text that is not a sha256 digest in this form; other algorithms are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a sha256 digest (`sha256:` and 64 lower-case hexadecimal digits)")]
pub struct DigestError(String);

impl Digest {
    /// The digest of these bytes.
    pub fn compute(bytes: &[u8]) -> Self {
        Self::from_hasher(Sha256::new_with_prefix(bytes))
    }

    /// The 64 hexadecimal digits; in a layout, the file name of the blob.
    pub fn hex(&self) -> &str {
        self.0.trim_start_matches(ALGORITHM)
    }

    /// The whole text, `sha256:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_hasher(hasher: Sha256) -> Self {
        Self(format!("{ALGORITHM}{:x}", hasher.finalize()))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix(ALGORITHM).unwrap_or_default();
        let is_hex = hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex.len() == HEX_DIGITS && is_hex {
            Ok(Self(text.to_owned()))
        } else {
            Err(DigestError(text.escape_debug().to_string()))
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A writer that computes the digest and the length of what is written through it.
#[derive(Debug)]
pub(crate) struct DigestWriter<W> {
    to: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> DigestWriter<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to,
            hasher: Sha256::new(),
            bytes: 0,
        }
    }

    /// Bytes written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest and the number of the bytes that were written.
    pub(crate) fn finish(self) -> (Digest, u64) {
        (Digest::from_hasher(self.hasher), self.bytes)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A reader that copies what it reads to a writer.
#[derive(Debug)]
pub(crate) struct TeeReader<R, W> {
    pub(crate) from: R,
    pub(crate) to: W,
}

impl<R: Read, W: Write> Read for TeeReader<R, W> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.to.write_all(&into[..length])?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn bytes_have_the_digest_that_everybody_computes() {
        assert_eq!(Digest::compute(b"").as_str(), EMPTY);
    }

    #[test]
    fn only_sha256_with_64_small_hexadecimal_digits_is_a_digest() {
        assert!(EMPTY.parse::<Digest>().is_ok());
        for wrong in [
            "",
            "sha256:",
            "sha256:../../etc/passwd",
            &EMPTY.to_uppercase(),
            &EMPTY[..70],
            "md5:abc",
            &EMPTY[7..],
        ] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tally_names_and_counts_what_was_written() {
        let mut tally = DigestWriter::new(Vec::new());
        tally.write_all(b"some ").unwrap();
        tally.write_all(b"bytes").unwrap();
        assert_eq!(tally.finish(), (Digest::compute(b"some bytes"), 10));
    }
}
