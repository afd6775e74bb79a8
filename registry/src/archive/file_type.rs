//! What a file is, by its first bytes: its name does not say (`blobs/sha256/…` may be anything).
//! Pure.

/// The number of bytes that decide.
pub(crate) const HEAD_BYTES: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    Archive,
    Gzip,
    Zstd,
    /// Anything else; mostly JSON.
    Other,
}

impl FileType {
    /// Detects the type from the first [`HEAD_BYTES`] bytes, or from all bytes of a shorter file.
    pub(crate) fn detect(head: &[u8]) -> Self {
        // An archive without entries is only zeros; all others have the magic of POSIX or GNU at
        // 257.
        let empty_archive = head.len() == HEAD_BYTES && head.iter().all(|byte| *byte == 0);
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ if empty_archive || head.get(257..262) == Some(b"ustar") => Self::Archive,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_detected_by_their_first_bytes() {
        let mut tar = [b'a'; HEAD_BYTES];
        tar[257..262].copy_from_slice(b"ustar");
        let table = [
            (b"\x1f\x8bgz".as_slice(), FileType::Gzip),
            (b"\x28\xb5\x2f\xfdzs", FileType::Zstd),
            (&tar, FileType::Archive),
            (&[0; HEAD_BYTES], FileType::Archive),
            (&[0; HEAD_BYTES - 1], FileType::Other),
            (b"{}", FileType::Other),
            (b"", FileType::Other),
        ];
        for (head, content) in table {
            assert_eq!(FileType::detect(head), content);
        }
    }
}
