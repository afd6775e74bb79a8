//! PURE: a repository that is to be created.

/// The settings of a repository that is created when it is missing. A setting that is not given is
/// not sent: then ECR's defaults apply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRepository {
    /// Whether images are scanned when they are pushed.
    pub scan_on_push: Option<bool>,
    /// How many images are kept; the others expire, oldest first.
    pub max_images: Option<u32>,
    /// Which tags are mutable.
    pub tags: Option<TagRule>,
    /// The KMS key that encrypts the images.
    pub kms_key: Option<String>,
}

impl NewRepository {
    /// Whether any setting besides ECR's defaults is given.
    pub fn has_settings(&self) -> bool {
        *self != Self::default()
    }
}

/// Which tags are immutable, that is, can never name another image. In filters `*` stands for any
/// text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagRule {
    /// No tag.
    Mutable,
    /// All tags.
    Immutable,
    /// All tags but those that a filter matches.
    ImmutableExcept(Vec<String>),
    /// Only tags that a filter matches.
    ImmutableOnly(Vec<String>),
}
