//! PURE: a repository that is to be made.

/// A repository that is to be made when it is missing. What is not given is not set: ECR's own
/// defaults hold then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRepository {
    /// Whether images are scanned when they are pushed.
    pub scan_on_push: Option<bool>,
    /// How many images are kept; the others expire, oldest first.
    pub max_images: Option<u32>,
    /// Which tags may move.
    pub tags: Option<TagRule>,
    /// The KMS key that encrypts the images.
    pub kms_key: Option<String>,
}

impl NewRepository {
    /// Whether anything but ECR's defaults was asked for.
    pub fn has_settings(&self) -> bool {
        *self != Self::default()
    }
}

/// Which tags stay where they are once they were given. Filters are texts in which `*` stands for
/// anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagRule {
    /// None.
    Mutable,
    /// All.
    Immutable,
    /// All but those that a filter matches.
    ImmutableExcept(Vec<String>),
    /// Those that a filter matches.
    ImmutableOnly(Vec<String>),
}
