//! What a transfer reports while it runs, and its result.

use std::time::Duration;

use crate::digest::Digest;
use crate::image::Facts;
use crate::manifest::Manifest;
use crate::reference::Tag;

/// Is called with everything that a transfer reports, several times a second, so it must not block.
pub type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// One thing that happened during a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "a digest is that of the blob, a tag the tag")]
pub enum Progress {
    /// The image is being read and compressed; reported about once per MiB of an engine's export,
    /// and after each layer of an archive.
    Reading {
        /// Bytes until now.
        bytes: u64,
        /// Bytes in all, roughly.
        of: u64,
    },
    /// The manifests of the image are known.
    Ready {
        /// The number of its blobs.
        blobs: usize,
        /// Their size in bytes.
        bytes: u64,
    },
    /// The registry has a blob already.
    Existing {
        digest: Digest,
        /// Bytes that need not be moved.
        bytes: u64,
    },
    /// The registry took a blob from another of its repositories.
    Mounted {
        digest: Digest,
        /// Bytes that need not be moved.
        bytes: u64,
    },
    /// A blob is being sent; reported every second.
    Uploading {
        digest: Digest,
        /// Bytes until now.
        bytes: u64,
        /// Its size in bytes.
        of: u64,
    },
    /// The registry has taken a blob.
    Uploaded {
        digest: Digest,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A request failed and will be repeated.
    Waiting {
        /// The time until then.
        pause: Duration,
        /// What failed, as a sentence.
        reason: String,
    },
    /// The registry lacks contents that it was thought to have; the transfer begins again and asks
    /// for every blob.
    Retrying {
        /// The registry's words.
        reason: String,
    },
    /// A tag names the image, from now on or already before.
    Tagged { tag: Tag },
}

/// The manifest or index of an image, byte for byte as the registry has it. [`retag`](crate::retag)
/// needs it.
#[derive(Debug, Clone)]
pub struct RootManifest(pub(crate) Manifest);

impl RootManifest {
    /// The image's digest.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }
}

impl PartialEq for RootManifest {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for RootManifest {}

/// The result of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest that the registry holds, computed here and confirmed there.
    pub digest: Digest,
    /// Its manifest or index, for tags that are set later.
    pub root: RootManifest,
    /// The tags that name it now.
    pub tags: Vec<Tag>,
    /// The tags that were left as they are, and the images that they name, where that is known.
    pub deferred_tags: Vec<(Tag, Option<Digest>)>,
    /// Blobs that were sent.
    pub uploaded: usize,
    /// Blobs that the registry took from another of its repositories.
    pub mounted: usize,
    /// Blobs that the registry had already.
    pub existing: usize,
    /// Blobs that were sent although the registry could have mounted them.
    pub mount_refused: usize,
    /// Bytes of the blobs that were sent.
    pub bytes_moved: u64,
    /// Its platforms. Empty if the registry had the image and nothing was read.
    pub facts: Facts,
}
