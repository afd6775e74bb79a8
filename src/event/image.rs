//! The image: where it is, what moved, which tags it has and is to get.

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
    /// Tags it was given.
    pub tags: Vec<String>,
    /// Bytes that moved.
    pub moved: u64,
    /// What became of its parts, when it was pushed.
    #[serde(default)]
    pub transfer: Option<Transfer>,
}

/// What became of an image's layers and configs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Transfer {
    /// They were sent.
    pub sent: Parts,
    /// The registry took them from another of its repositories.
    pub mounted: Parts,
    /// They were there already.
    pub skipped: Parts,
}

/// Some of an image's layers and configs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// How many.
    pub count: usize,
    /// Their bytes.
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
    /// The digest of the image that it names until then, where that is known.
    pub names: Option<String>,
}
