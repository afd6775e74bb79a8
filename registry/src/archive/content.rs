//! What a file is by its first bytes; its name says too little (`blobs/sha256/…` may be anything).
//! Pure.

/// As many of them as are looked at.
pub(crate) const HEAD: usize = 512;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A tar archive.
    Archive,
    Gzip,
    Zstd,
    /// A document, for the most part.
    Other,
}

impl Content {
    /// Looks at the first [`HEAD`] bytes, or at all there are.
    pub(crate) fn of(head: &[u8]) -> Self {
        // An archive of nothing is blocks of zeros; all others show the magic of POSIX or GNU at
        // 257.
        let empty_archive = head.len() == HEAD && head.iter().all(|byte| *byte == 0);
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
    fn files_are_told_by_their_first_bytes() {
        let mut tar = [b'a'; HEAD];
        tar[257..262].copy_from_slice(b"ustar");
        let table = [
            (b"\x1f\x8bgz".as_slice(), Content::Gzip),
            (b"\x28\xb5\x2f\xfdzs", Content::Zstd),
            (&tar, Content::Archive),
            (&[0; HEAD], Content::Archive),
            (&[0; HEAD - 1], Content::Other),
            (b"{}", Content::Other),
            (b"", Content::Other),
        ];
        for (head, content) in table {
            assert_eq!(Content::of(head), content);
        }
    }
}
