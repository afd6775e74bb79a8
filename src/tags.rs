//! Tags that are set last: once the new image serves, or, without a service, when everything else
//! is done.

use crate::registry::{RootManifest, Tag, Target};

/// What is needed to set deferred tags.
#[derive(Debug, Clone)]
pub struct DeferredTags {
    /// The repository, with its credentials.
    pub target: Target,
    /// The image that the tags will name.
    pub image: RootManifest,
    /// The tags.
    pub tags: Vec<Tag>,
}
