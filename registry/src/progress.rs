//! What a transfer tells while it runs, and what it came to.

use std::time::Duration;

use super::digest::Digest;
use super::graph::Facts;
use super::media::Manifest;
use super::reference::Tag;

/// Takes what a transfer tells; called often, so it should be quick.
pub type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// One thing that happened during a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The engine exports the image; said about once per MiB.
    Reading {
        /// Bytes so far.
        bytes: u64,
        /// Bytes that are to be expected, roughly.
        of: u64,
    },
    /// The image is read: this is what the registry will be asked for.
    Ready {
        /// How many blobs it has.
        blobs: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// The registry has a blob already.
    Existing {
        /// Which one.
        digest: Digest,
        /// Bytes that need not be moved.
        bytes: u64,
    },
    /// The registry took a blob from another of its repositories.
    Mounted {
        /// Which one.
        digest: Digest,
        /// Bytes that need not be moved.
        bytes: u64,
    },
    /// A blob is on its way; said every second.
    Uploading {
        /// Which one.
        digest: Digest,
        /// Bytes so far.
        bytes: u64,
        /// Its size.
        of: u64,
    },
    /// A blob arrived.
    Uploaded {
        /// Which one.
        digest: Digest,
        /// Its size.
        bytes: u64,
    },
    /// The registry or the connection failed, and it will be tried again.
    Waiting {
        /// For how long.
        pause: Duration,
        /// What failed, as a sentence.
        reason: String,
    },
    /// Contents that were believed to be there are not; everything is asked for again.
    Healing {
        /// The registry's words.
        reason: String,
    },
    /// A tag names the image now (or did already).
    Tagged {
        /// Which one.
        tag: Tag,
    },
}

/// The manifest or index behind an image's digest, byte for byte as it was pushed.
#[derive(Debug, Clone)]
pub struct Root(pub(crate) Manifest);

impl Root {
    /// The image's digest.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Root {}

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest that the registry holds, computed here and confirmed there.
    pub digest: Digest,
    /// The media type of the manifest or index behind it.
    pub media_type: String,
    /// Its manifest or index, for a tag that is to name it later.
    pub root: Root,
    /// The tags that name it now.
    pub tags: Vec<Tag>,
    /// The tags that were left for later, and the images they name where that is known.
    pub later: Vec<(Tag, Option<Digest>)>,
    /// Blobs that were sent.
    pub uploaded: usize,
    /// Blobs that the registry took from another of its repositories.
    pub mounted: usize,
    /// Blobs that were there already.
    pub existing: usize,
    /// Blobs among those sent that the registry could have mounted, and did not.
    pub mount_refused: usize,
    /// Bytes of the blobs that were sent.
    pub bytes_moved: u64,
    /// What it runs on; empty when nothing had to be read because the image was there.
    pub facts: Facts,
}
