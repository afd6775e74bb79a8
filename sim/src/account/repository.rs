//! ECR's repositories and repository creation templates, as plain data.

use serde_json::Value;

use super::Location;
use crate::options::{RepositoryOptions, StageOptions};

#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) mutability: String,
    pub(crate) exclusions: Vec<String>,
    pub(crate) scan_on_push: bool,
    /// `encryptionConfiguration`, as ECR has it.
    pub(crate) encryption: Option<Value>,
    /// The text of its lifecycle policy.
    pub(crate) lifecycle: Option<String>,
}

impl Repository {
    /// The repositories that exist when a stage begins.
    pub(crate) fn from_options(options: &StageOptions) -> Vec<Self> {
        let own = &options.ecr.repositories;
        let particular = |name: &String| {
            own.iter().any(|given| {
                given.name == *name && given.account.is_none() && given.region.is_none()
            })
        };
        let plain = options
            .repositories
            .iter()
            .filter(|name| !particular(name))
            .map(|name| RepositoryOptions::new(name));
        plain
            .chain(own.iter().cloned())
            .map(|given| Self::from_repository_options(given, options))
            .collect()
    }

    fn from_repository_options(given: RepositoryOptions, options: &StageOptions) -> Self {
        Self {
            name: given.name,
            account: given.account.unwrap_or_else(|| options.account.clone()),
            region: given.region.unwrap_or_else(|| options.region.clone()),
            mutability: given.mutability,
            exclusions: given.exclusions,
            scan_on_push: false,
            encryption: None,
            lifecycle: None,
        }
    }

    /// Whether it is the one of this name in an account and a region.
    pub(crate) fn matches(&self, location: &Location, name: &str) -> bool {
        self.name == name && self.account == location.account && self.region == location.region
    }
}
