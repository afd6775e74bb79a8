//! What can be wrong with an archive, a sentence for each.
//!
//! Archives come from builds, and builds run other people's code: nothing in them is believed, and
//! what two readers could understand differently is refused instead of being read the likelier way.

use std::io;

use crate::digest::Digest;

/// Why an archive is not read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The disk or the connection failed.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is a directory, a pipe or a device.
    #[error("it is not a file")]
    NotAFile,
    /// It begins like no archive.
    #[error("it is no tar archive, and no gzip of one")]
    NoArchive,
    /// It is compressed by something else than gzip.
    #[error("it is compressed with {0}, and only gzip is read")]
    Compressed(&'static str),
    /// The gzip around it is damaged.
    #[error("its gzip is damaged")]
    Gzip(#[source] io::Error),
    /// It grows too much when it is unpacked.
    #[error("it unpacks to more than {limit} bytes, {times} times its size: that is no image")]
    Bomb {
        /// The bytes at which unpacking ended.
        limit: u64,
        /// How often its own size that is, at least.
        times: u64,
    },
    /// It ends before what it announced.
    #[error("it breaks off: its end is missing")]
    CutOff,
    /// The checksum of a header is not that of the header.
    #[error("the header at byte {at} is damaged")]
    Header {
        /// Where.
        at: u64,
    },
    /// A number is negative, larger than any file, or no number.
    #[error("the header at byte {at} has a number that is out of range")]
    Number {
        /// Where.
        at: u64,
    },
    /// A link or a directory announces a content of its own.
    #[error("`{name}` is no file and announces {size} bytes of content")]
    Content {
        /// Its name.
        name: String,
        /// The bytes announced.
        size: u64,
    },
    /// A PAX header or a long name is longer than any that is needed.
    #[error("a header of {bytes} bytes is longer than the {limit} that are read")]
    Extension {
        /// Its bytes.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A PAX header is not one.
    #[error("a PAX header cannot be read: {0}")]
    Pax(&'static str),
    /// The name is empty, too long or no text.
    #[error("a name in it is empty, longer than {limit} bytes, or no text")]
    Name {
        /// The longest name that is read.
        limit: usize,
    },
    /// A name begins with `/`.
    #[error("`{name}` is an absolute name")]
    Absolute {
        /// The name.
        name: String,
    },
    /// A name has `..` in it.
    #[error("`{name}` leads out of it")]
    Traversal {
        /// The name.
        name: String,
    },
    /// A link leads out of the archive.
    #[error("the link `{name}` leads out of it, to `{to}`")]
    LinkOutside {
        /// The link.
        name: String,
        /// Where it leads.
        to: String,
    },
    /// Links lead to each other, or through too many others.
    #[error("the link `{name}` leads in a circle, or through more than {most} other links")]
    LinkCircle {
        /// The link.
        name: String,
        /// How many links in a row are followed.
        most: usize,
    },
    /// Two entries have one name.
    #[error("it holds `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A device, a pipe, a sparse file or something unknown.
    #[error("`{name}` is {what}, which no image archive needs")]
    Kind {
        /// The name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// It has more entries than any image needs.
    #[error("it has more than {most} entries")]
    Crowded {
        /// How many are read.
        most: usize,
    },
    /// A file that must be there is not.
    #[error("it does not hold `{name}`")]
    Missing {
        /// The file.
        name: String,
    },
    /// One of its documents cannot be understood.
    #[error("its `{name}` cannot be used: {reason}")]
    Document {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A content is not what its name or the image's config says.
    #[error("`{name}` is garbled: its content has the digest {found} instead of {promised}")]
    Garbled {
        /// The file.
        name: String,
        /// What it should be.
        promised: Digest,
        /// What it is.
        found: Digest,
    },
    /// A layer is zstd, and nothing in the archive names its digest.
    #[error(
        "the layer `{name}` is compressed with zstd, and nothing says which digest it must have"
    )]
    Unverifiable {
        /// The file.
        name: String,
    },
    /// A layer is no archive.
    #[error("the layer `{name}` is neither an archive nor a compressed one")]
    NoLayer {
        /// The file.
        name: String,
    },
}

impl ArchiveError {
    /// What to do about it, where that is known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Compressed(_) => Some(
                "write the archive uncompressed or with gzip; its layers are compressed already",
            ),
            Self::NotAFile => Some("an OCI layout in a directory is written oci:DIR[:TAG]"),
            Self::CutOff | Self::Garbled { .. } | Self::Gzip(_) | Self::Header { .. } => {
                Some("write the archive again; it may have been cut off")
            }
            Self::Missing { name } if name == "oci-layout" => {
                Some("an archive by `docker save` is written docker-archive:FILE[:NAME:TAG]")
            }
            Self::Missing { name } if name == "manifest.json" => {
                Some("an OCI archive is written oci-archive:FILE[:TAG]")
            }
            Self::Unreadable(_)
            | Self::NoArchive
            | Self::Bomb { .. }
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
            | Self::Kind { .. }
            | Self::Crowded { .. }
            | Self::Missing { .. }
            | Self::Document { .. }
            | Self::Unverifiable { .. }
            | Self::NoLayer { .. } => None,
        }
    }

    /// For readers that can fail with an [`io::Error`] only; [`ArchiveError::of`] takes it out
    /// again.
    pub(crate) fn pack(self) -> io::Error {
        io::Error::other(self)
    }

    /// Whatever made a read fail.
    pub(crate) fn of(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::CutOff,
            Err(error) => Self::Unreadable(error),
        }
    }
}
