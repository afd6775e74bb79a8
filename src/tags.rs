//! Tags that are set last: once the new image serves, or once all else is done where no service is
//! deployed to.

use crate::registry::{RootManifest, Tag, Target};

/// What is needed to set them.
#[derive(Debug, Clone)]
pub struct DeferredTags {
    /// The repository, and who we are there.
    pub target: Target,
    /// The image that they are to name.
    pub image: RootManifest,
    /// The tags.
    pub tags: Vec<Tag>,
}
