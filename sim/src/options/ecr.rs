//! What can be chosen about ECR: repositories with something particular, creation templates,
//! account settings.

use serde::{Deserialize, Serialize};

/// ECR, besides the plain repositories of `StageOptions::repositories`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcrOptions {
    /// Repositories that are not as ECR makes them, or not in the stage's own account and region.
    pub repositories: Vec<RepositoryOptions>,
    /// Repository creation templates.
    pub templates: Vec<TemplateOptions>,
    /// The account setting `BLOB_MOUNTING`.
    pub blob_mounting: bool,
}

/// A repository. Images of every account and region lie in the stage's one registry; who sees the
/// repository is kept apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositoryOptions {
    /// Its name.
    pub name: String,
    /// The account it is in; the stage's own when absent.
    #[serde(default)]
    pub account: Option<String>,
    /// The region it is in; the stage's own when absent.
    #[serde(default)]
    pub region: Option<String>,
    /// `MUTABLE`, `IMMUTABLE`, `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`.
    #[serde(default = "default_mutability")]
    pub mutability: String,
    /// The wildcard filters of the last two.
    #[serde(default)]
    pub exclusions: Vec<String>,
}

impl RepositoryOptions {
    /// A repository as ECR makes it.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: None,
            region: None,
            mutability: default_mutability(),
            exclusions: Vec::new(),
        }
    }

    /// The same with immutable tags, but for those that a filter matches.
    #[must_use]
    pub fn with_immutable_tags(mut self, exclusions: &[&str]) -> Self {
        let mutability = if exclusions.is_empty() {
            "IMMUTABLE"
        } else {
            "IMMUTABLE_WITH_EXCLUSION"
        };
        mutability.clone_into(&mut self.mutability);
        self.exclusions = exclusions
            .iter()
            .map(|filter| (*filter).to_owned())
            .collect();
        self
    }

    /// The same in another account and region.
    #[must_use]
    pub fn in_account(mut self, account: &str, region: &str) -> Self {
        (self.account, self.region) = (Some(account.to_owned()), Some(region.to_owned()));
        self
    }
}

fn default_mutability() -> String {
    "MUTABLE".to_owned()
}

/// A repository creation template.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateOptions {
    /// The namespace, or `ROOT` for every repository that no other template is for.
    pub prefix: String,
    /// `CREATE_ON_PUSH`, `PULL_THROUGH_CACHE`, `REPLICATION`.
    pub applied_for: Vec<String>,
}
