//! The image: where it is, what was sent, and which tags it has and will get.

use serde::{Deserialize, Serialize};

/// The image is in its registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedImage {
    /// `repository@sha256:…`.
    pub image: String,
    /// The digest.
    pub digest: String,
    /// The registry's host.
    pub registry: String,
    /// Tags that were set.
    pub tags: Vec<String>,
    /// Bytes that were sent.
    pub moved: u64,
    /// What happened to its parts, if it was pushed.
    #[serde(default)]
    pub transfer: Option<Transfer>,
}

/// What happened to an image's layers and configs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Transfer {
    /// Parts that were sent.
    pub sent: Parts,
    /// Parts that the registry mounted from another of its repositories.
    pub mounted: Parts,
    /// Parts that the registry had already.
    pub skipped: Parts,
}

/// Some of an image's layers and configs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The number of parts.
    pub count: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Transfer {
    /// Whether the registry had everything.
    pub fn is_nothing(&self) -> bool {
        self.sent.count == 0 && self.mounted.count == 0
    }
}

/// A tag that is set at the end of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeferredTag {
    /// The tag.
    pub tag: String,
    /// The digest of the image that it names until then, if that is known.
    pub names: Option<String>,
}
