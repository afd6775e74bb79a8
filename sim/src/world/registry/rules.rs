//! In what a registry departs from the distribution specification, one switch each. Plain data;
//! nothing is decided here.
//!
//! [`RegistryRules::ecr`] is what is known of ECR (its user guide, and what its users report); the
//! default is a registry as its specification has it.

use serde::{Deserialize, Serialize};

/// How a registry departs from the distribution specification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryRules {
    /// What becomes of the pieces of an upload.
    pub patches: Patches,
    /// What the answer to a manifest names.
    pub manifest_answer: ManifestAnswer,
    /// What a manifest that is asked for by tag comes as.
    pub by_tag: ByTag,
    /// Which blobs of other repositories can be mounted.
    pub mounts: Mounts,
    /// Where blobs are downloaded.
    pub downloads: Downloads,
    /// What a push into a repository that is not there meets.
    pub missing_repository: MissingRepository,
    /// Whether tags can be moved, in repositories that say nothing else.
    pub tags: TagMutability,
    /// What a tag that cannot be one is answered with.
    pub invalid_tag: InvalidTag,
    /// How credentials are shown.
    pub sign_in: SignIn,
    /// How many manifests are taken in a second; as many as come when absent.
    pub manifests_per_second: Option<u32>,
    /// How many layers an image may have; any number when absent.
    pub layers_at_most: Option<usize>,
    /// How many requests a password, or a bearer token, is good for; for ever when absent.
    pub credentials_last: Option<u64>,
}

impl RegistryRules {
    /// Amazon ECR, with its account setting `BLOB_MOUNTING` on and mutable tags.
    pub fn ecr() -> Self {
        Self {
            patches: Patches::FirstOnly,
            manifest_answer: ManifestAnswer::Bare,
            by_tag: ByTag::Converted,
            mounts: Mounts::Referenced,
            downloads: Downloads::Redirected,
            missing_repository: MissingRepository::NameUnknown,
            tags: TagMutability::Mutable,
            invalid_tag: InvalidTag::BadRequest,
            sign_in: SignIn::Basic,
            manifests_per_second: Some(10),
            layers_at_most: Some(127),
            credentials_last: None,
        }
    }
}

/// What becomes of the pieces of an upload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patches {
    /// Each is kept, and answered with 202.
    #[default]
    All,
    /// The first is kept, the others are dropped without a word; 201 answers them all
    /// (aws/containers-roadmap#2831).
    FirstOnly,
}

/// What the answer to a manifest names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestAnswer {
    /// Its digest, and no `Location`.
    #[default]
    Digest,
    /// Its digest and its address.
    DigestAndLocation,
    /// Neither (aws/containers-roadmap#1931).
    Bare,
    /// Neither, and the first question for the manifest is answered without its digest, too.
    LateDigest,
}

/// What a manifest that is asked for by tag comes as. By digest it always comes as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByTag {
    /// As it is.
    #[default]
    Verbatim,
    /// As the best that `Accept` allows: an index becomes one of its images, an OCI manifest one of
    /// Docker's.
    Converted,
}

/// Which blobs of other repositories can be mounted. One that cannot begins an upload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mounts {
    /// All of them.
    #[default]
    All,
    /// Those that a manifest of the other repository names (ECR's setting `BLOB_MOUNTING` is on).
    Referenced,
    /// None (it is off, as it is unless somebody turned it on).
    Never,
}

/// Where blobs are downloaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downloads {
    /// From the registry.
    #[default]
    Direct,
    /// From another host, whose addresses are signed, and which refuses requests that carry
    /// `Authorization`, as S3 does.
    Redirected,
}

/// What a push into a repository that is not there meets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingRepository {
    /// It comes to be with the push.
    #[default]
    Created,
    /// 404, from the first request on.
    NameUnknown,
    /// Uploads begin, and their connections are cut.
    CutOff,
}

/// Whether the tags of a repository can be moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagMutability {
    /// They can.
    #[default]
    Mutable,
    /// Only those that fit one of these filters, in which `*` is any number of letters. Not even
    /// the image that a tag already names can be put under it again.
    ImmutableExcept(Vec<String>),
    /// Those that fit one of these filters cannot.
    MutableExcept(Vec<String>),
}

impl TagMutability {
    /// None can be moved.
    pub const fn all_immutable() -> Self {
        Self::ImmutableExcept(Vec::new())
    }

    pub(super) fn can_move(&self, tag: &str) -> bool {
        let is_excepted =
            |filters: &[String]| filters.iter().any(|filter| matches_filter(filter, tag));
        match self {
            Self::Mutable => true,
            Self::ImmutableExcept(filters) => is_excepted(filters),
            Self::MutableExcept(filters) => !is_excepted(filters),
        }
    }
}

/// Whether a text fits a filter in which `*` is any number of letters.
fn matches_filter(filter: &str, text: &str) -> bool {
    match filter.split_once('*') {
        None => filter == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices()
                .any(|(at, _)| matches_filter(rest, &tail[at..]))
                || matches_filter(rest, "")
        }),
    }
}

/// What a tag that cannot be one is answered with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidTag {
    /// 404.
    #[default]
    NotFound,
    /// 400 without a word.
    BadRequest,
}

/// How credentials are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// With every request.
    #[default]
    Basic,
    /// In exchange for a token of one scope, from `/token`, as GHCR and Docker Hub want it.
    Bearer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_number_of_letters() {
        for (filter, text, expected) in [
            ("latest", "latest", true),
            ("latest", "latest2", false),
            ("dev-*", "dev-", true),
            ("dev-*", "dev-7", true),
            ("dev-*", "prod-7", false),
            ("*-rc*", "1.0-rc2", true),
            ("*-rc*", "1.0", false),
            ("*", "any", true),
            ("a*b", "acbb", true),
            ("a*b", "acbc", false),
        ] {
            assert_eq!(matches_filter(filter, text), expected, "{filter} {text}");
        }
    }

    #[test]
    fn filters_turn_the_rule_around() {
        let filters = || vec!["dev-*".to_owned()];
        assert!(
            TagMutability::ImmutableExcept(filters()).can_move("dev-1")
                && !TagMutability::ImmutableExcept(filters()).can_move("v1")
        );
        assert!(
            !TagMutability::MutableExcept(filters()).can_move("dev-1")
                && TagMutability::MutableExcept(filters()).can_move("v1")
        );
    }
}
