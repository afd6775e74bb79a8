//! What can be wrong with an archive, a sentence for each.
//!
//! Archives come from builds, which run other people's code, so nothing in them is trusted. What
//! readers could understand in different ways is refused.

use std::io;

use crate::digest::Digest;

/// Why an archive is not read.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the sentence of a variant says what its fields are"
)]
pub enum ArchiveError {
    /// The disk or the connection failed.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is a directory, a pipe or a device.
    #[error("it is not a file")]
    NotAFile,
    /// Its first bytes are not those of an archive.
    #[error("it is no tar archive, and no gzip of one")]
    NotAnArchive,
    /// It is compressed by something else than gzip.
    #[error("it is compressed with {0}, and only gzip is read")]
    Compressed(&'static str),
    /// The gzip around it is damaged.
    #[error("its gzip is damaged")]
    Gzip(#[source] io::Error),
    /// It is a decompression bomb.
    #[error("it unpacks to more than {limit} bytes, {times} times its size: that is no image")]
    DecompressionBomb {
        /// The limit in bytes.
        limit: u64,
        /// How many times its own size that is, at least.
        times: u64,
    },
    /// It ends too early.
    #[error("it breaks off: its end is missing")]
    Truncated,
    /// The checksum of a header is wrong.
    #[error("the header at byte {at} is damaged")]
    Header {
        /// The offset of the header in bytes.
        at: u64,
    },
    /// A number is malformed, negative, or larger than any file.
    #[error("the header at byte {at} has a number that is out of range")]
    Number {
        /// The offset of the header in bytes.
        at: u64,
    },
    /// A link or a directory announces a content of its own.
    #[error("`{name}` is no file and announces {size} bytes of content")]
    Content { name: String, size: u64 },
    /// An extension header is too long.
    #[error("a header of {bytes} bytes is longer than the {limit} that are read")]
    Extension { bytes: u64, limit: u64 },
    /// A PAX header is malformed.
    #[error("a PAX header cannot be read: {0}")]
    Pax(&'static str),
    /// A name is empty, too long, or not UTF-8.
    #[error("a name in it is empty, longer than {limit} bytes, or no text")]
    Name {
        /// The longest name that is read.
        limit: usize,
    },
    /// A name begins with `/`.
    #[error("`{name}` is an absolute name")]
    Absolute { name: String },
    /// A name has `..` in it.
    #[error("`{name}` leads out of it")]
    Traversal { name: String },
    /// A link leads out of the archive.
    #[error("the link `{name}` leads out of it, to `{to}`")]
    LinkOutside { name: String, to: String },
    /// Links lead to each other, or through too many others.
    #[error("the link `{name}` leads in a circle, or through more than {most} other links")]
    LinkCircle {
        name: String,
        /// How many links in a row are followed.
        most: usize,
    },
    /// Two entries have one name.
    #[error("it holds `{name}` twice")]
    Duplicate { name: String },
    /// A device, a pipe, a sparse file or something unknown.
    #[error("`{name}` is {what}, which no image archive needs")]
    UnsupportedKind {
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// It has too many entries.
    #[error("it has more than {most} entries")]
    TooManyEntries { most: usize },
    /// A file that must be there is not.
    #[error("it does not hold `{name}`")]
    Missing { name: String },
    /// One of its documents cannot be used.
    #[error("its `{name}` cannot be used: {reason}")]
    Document { name: String, reason: String },
    /// A file does not have the digest that its name or the config of the image says.
    #[error("`{name}` is garbled: its content has the digest {found} instead of {promised}")]
    DigestMismatch {
        name: String,
        /// The digest that it should have.
        promised: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// A layer is compressed with zstd, and its name is not its digest.
    #[error(
        "the layer `{name}` is compressed with zstd, and nothing says which digest it must have"
    )]
    Unverifiable { name: String },
    /// A layer is no archive.
    #[error("the layer `{name}` is neither an archive nor a compressed one")]
    NotALayer { name: String },
}

impl ArchiveError {
    /// What to do about it, where that is known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Compressed(_) => Some(
                "write the archive uncompressed or with gzip; its layers are compressed already",
            ),
            Self::NotAFile => Some("an OCI layout in a directory is written oci:DIR[:TAG]"),
            Self::Truncated | Self::DigestMismatch { .. } | Self::Gzip(_) | Self::Header { .. } => {
                Some("write the archive again; it may have been cut off")
            }
            Self::Missing { name } if name == "oci-layout" => {
                Some("an archive by `docker save` is written docker-archive:FILE[:NAME:TAG]")
            }
            Self::Missing { name } if name == "manifest.json" => {
                Some("an OCI archive is written oci-archive:FILE[:TAG]")
            }
            Self::Unreadable(_)
            | Self::NotAnArchive
            | Self::DecompressionBomb { .. }
            | Self::Number { .. }
            | Self::Content { .. }
            | Self::Extension { .. }
            | Self::Pax(_)
            | Self::Name { .. }
            | Self::Absolute { .. }
            | Self::Traversal { .. }
            | Self::LinkOutside { .. }
            | Self::LinkCircle { .. }
            | Self::Duplicate { .. }
            | Self::UnsupportedKind { .. }
            | Self::TooManyEntries { .. }
            | Self::Missing { .. }
            | Self::Document { .. }
            | Self::Unverifiable { .. }
            | Self::NotALayer { .. } => None,
        }
    }

    /// Wraps it for readers, which can only fail with an [`io::Error`];
    /// [`ArchiveError::from_io_error`] unwraps it.
    pub(crate) fn into_io_error(self) -> io::Error {
        io::Error::other(self)
    }

    /// The reason why a read failed.
    pub(crate) fn from_io_error(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated,
            Err(error) => Self::Unreadable(error),
        }
    }
}
