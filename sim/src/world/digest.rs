//! A content digest, `sha256:` and 64 hexadecimal digits; nothing else passes, so that it is safe
//! as a file name.

use std::fmt;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

/// A sha256 digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Digest(String);

impl Digest {
    pub(crate) fn compute(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(io::sink());
        hasher.hash.update(bytes);
        hasher.finish().0
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let valid = hex.len() == 64
            && hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(hex.to_owned()))
    }

    /// Without `sha256:`.
    pub(crate) fn hex(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", self.0)
    }
}

/// Passes bytes on and computes their digest and length.
pub(crate) struct Hasher<W> {
    inner: W,
    hash: Sha256,
    length: u64,
}

impl<W: Write> Hasher<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            length: 0,
        }
    }

    /// The digest and the number of bytes that went through, and what they went into.
    pub(crate) fn finish(self) -> (Digest, u64, W) {
        (
            Digest(format!("{:x}", self.hash.finalize())),
            self.length,
            self.inner,
        )
    }
}

impl<W: Write> Write for Hasher<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sha256_passes() {
        let digest = Digest::compute(b"");
        assert_eq!(
            digest.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        for wrong in [
            "",
            "latest",
            "sha256:../../etc/passwd",
            "sha512:00",
            &format!("sha256:{}", "A".repeat(64)),
        ] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
    }
}
