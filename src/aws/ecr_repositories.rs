//! ECR repositories: whether one exists, which of its tags are mutable, and how one is created.

use aws_sdk_ecr::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability,
    ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType, RctAppliedFor,
    Repository, RepositoryCreationTemplate,
};

use super::ecr::RegistryAccess;
use super::error::from_sdk;
use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};
use crate::documents::new_repository::{NewRepository, TagRule};
use crate::documents::wildcard;

/// The result of looking a repository up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryLookup {
    /// It exists.
    Found(EcrRepository),
    /// It does not exist; with the registry's account, where AWS's message names it.
    Missing(Option<String>),
}

/// What is read of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrRepository {
    /// The repository's ARN.
    pub arn: String,
    /// Which of its tags are mutable.
    pub tags: TagRule,
    /// Whether images are scanned when they are pushed.
    pub scans_on_push: bool,
}

/// The result of creating a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepositoryCreation {
    /// It was created by this run.
    Created,
    /// It existed already.
    AlreadyExists,
}

impl TagRule {
    /// Whether a tag, once it is set, can never name another image.
    pub fn is_immutable(&self, tag: &str) -> bool {
        match self {
            Self::Mutable => false,
            Self::Immutable => true,
            Self::ImmutableExcept(filters) => {
                !filters.iter().any(|filter| wildcard::matches(filter, tag))
            }
            Self::ImmutableOnly(filters) => {
                filters.iter().any(|filter| wildcard::matches(filter, tag))
            }
        }
    }

    /// A value that is newer than this program is treated as mutable: then the push finds out.
    fn from_repository(repository: &Repository) -> Self {
        let filters = repository
            .image_tag_mutability_exclusion_filters()
            .iter()
            .map(|filter| filter.filter().to_owned())
            .collect();
        match repository
            .image_tag_mutability()
            .map_or("", ImageTagMutability::as_str)
        {
            "IMMUTABLE" => Self::Immutable,
            "IMMUTABLE_WITH_EXCLUSION" => Self::ImmutableExcept(filters),
            "MUTABLE_WITH_EXCLUSION" => Self::ImmutableOnly(filters),
            _ => Self::Mutable,
        }
    }

    fn mutability(&self) -> (ImageTagMutability, &[String]) {
        match self {
            Self::Mutable => (ImageTagMutability::Mutable, &[]),
            Self::Immutable => (ImageTagMutability::Immutable, &[]),
            Self::ImmutableExcept(filters) => (ImageTagMutability::ImmutableWithExclusion, filters),
            Self::ImmutableOnly(filters) => (ImageTagMutability::MutableWithExclusion, filters),
        }
    }
}

impl Aws {
    /// The repository of a registry.
    pub async fn describe_repository(
        &self,
        registry: &RegistryAccess,
        name: &str,
    ) -> Result<RepositoryLookup, AwsError> {
        const ACTION: &str = "ecr:DescribeRepositories";
        let call = self
            .ecr_at(registry.account.as_deref(), Some(&registry.region))
            .describe_repositories()
            .set_registry_id(registry.account.clone());
        match from_sdk(ACTION, call.repository_names(name).send().await) {
            Ok(answer) => {
                let found = answer
                    .repositories()
                    .first()
                    .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the repository"))?;
                let arn = found
                    .repository_arn()
                    .ok_or_else(|| AwsError::incomplete_answer(ACTION, "the repository's ARN"))?;
                Ok(RepositoryLookup::Found(EcrRepository {
                    arn: arn.to_owned(),
                    tags: TagRule::from_repository(found),
                    scans_on_push: found
                        .image_scanning_configuration()
                        .is_some_and(ImageScanningConfiguration::scan_on_push),
                }))
            }
            Err(error) if error.has_code("RepositoryNotFound") => Ok(RepositoryLookup::Missing(
                account_in_message(&error.message),
            )),
            Err(error) => Err(error),
        }
    }

    /// The prefix of the creation template by which a push would create the missing repository;
    /// none when a push would not create it.
    pub async fn find_creation_template(
        &self,
        registry: &RegistryAccess,
        name: &str,
    ) -> Result<Option<String>, AwsError> {
        let client = self.ecr_at(registry.account.as_deref(), Some(&registry.region));
        let mut pages = client
            .describe_repository_creation_templates()
            .into_paginator()
            .send();
        let mut templates = Vec::new();
        while let Some(page) = pages.next().await {
            let page = from_sdk("ecr:DescribeRepositoryCreationTemplates", page)?;
            templates.extend(
                page.repository_creation_templates()
                    .iter()
                    .filter(|template| is_for_pushes(template))
                    .cloned(),
            );
        }
        let prefixes = templates
            .iter()
            .filter_map(RepositoryCreationTemplate::prefix);
        Ok(closest_prefix(prefixes, name).map(str::to_owned))
    }

    /// Creates a repository with the given settings; everything else is left to ECR's defaults. An
    /// existing repository is not an error.
    pub async fn create_repository(
        &self,
        registry: &RegistryAccess,
        name: &str,
        wanted: &NewRepository,
    ) -> Result<RepositoryCreation, AwsError> {
        let client = self.ecr_once_at(registry.account.as_deref(), Some(&registry.region));
        let made = self.write_retry.send(async || {
            let call = client
                .create_repository()
                .set_registry_id(registry.account.clone())
                .repository_name(name);
            let scan = wanted.scan_on_push.map(|scan| {
                ImageScanningConfiguration::builder()
                    .scan_on_push(scan)
                    .build()
            });
            let call = call
                .set_image_scanning_configuration(scan)
                .set_encryption_configuration(encryption(wanted)?);
            let (mutability, filters) = wanted.tags.as_ref().map(TagRule::mutability).unzip();
            let filters = filters
                .filter(|filters| !filters.is_empty())
                .map(exclusion_filters)
                .transpose()?;
            let call = call
                .set_image_tag_mutability(mutability)
                .set_image_tag_mutability_exclusion_filters(filters);
            from_sdk(CREATE, call.send().await).map(drop)
        });
        match made.await {
            Ok(()) => Ok(RepositoryCreation::Created),
            Err(error) if error.has_code("RepositoryAlreadyExists") => {
                Ok(RepositoryCreation::AlreadyExists)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets a lifecycle policy that keeps only the newest images. Sending it twice has the same
    /// effect as once, so it is retried.
    pub async fn put_lifecycle_policy(
        &self,
        registry: &RegistryAccess,
        name: &str,
        count: u32,
    ) -> Result<(), AwsError> {
        let client = self.ecr_at(registry.account.as_deref(), Some(&registry.region));
        self.write_retry
            .send(async || {
                let call = client
                    .put_lifecycle_policy()
                    .set_registry_id(registry.account.clone())
                    .repository_name(name);
                from_sdk(
                    "ecr:PutLifecyclePolicy",
                    call.lifecycle_policy_text(lifecycle_policy(count))
                        .send()
                        .await,
                )
                .map(drop)
            })
            .await
    }

    /// Whether a repository has a lifecycle policy.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn has_lifecycle_policy(
        &self,
        account: Option<&str>,
        region: &str,
        name: &str,
    ) -> Result<bool, AwsError> {
        let call = SignedCall {
            service: ECR,
            action: GET_LIFECYCLE_POLICY,
            region,
            host: None,
            path: "/",
            operation: "GetLifecyclePolicy",
        };
        let mut input = serde_json::json!({ "repositoryName": name });
        if let Some(account) = account {
            input["registryId"] = account.into();
        }
        match self.read_signed(call, &input).await {
            Ok(_) => Ok(true),
            Err(error) if error.has_code("LifecyclePolicyNotFound") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the account lets layers be mounted from one repository to another.
    pub async fn is_blob_mounting_enabled(
        &self,
        registry: &RegistryAccess,
    ) -> Result<bool, AwsError> {
        let call = self
            .ecr_at(registry.account.as_deref(), Some(&registry.region))
            .get_account_setting()
            .name("BLOB_MOUNTING");
        Ok(from_sdk("ecr:GetAccountSetting", call.send().await)?.value() == Some("ENABLED"))
    }
}

const ECR: SignedService = SignedService {
    signing_name: "ecr",
    host: "api.ecr",
    id: "ecr",
    protocol: SignedProtocol::Json("AmazonEC2ContainerRegistry_V20150921"),
};
/// The action by which a lifecycle policy is read.
pub const GET_LIFECYCLE_POLICY: &str = "ecr:GetLifecyclePolicy";
const CREATE: &str = "ecr:CreateRepository";

fn encryption(wanted: &NewRepository) -> Result<Option<EncryptionConfiguration>, AwsError> {
    let Some(key) = &wanted.kms_key else {
        return Ok(None);
    };
    let built = EncryptionConfiguration::builder()
        .encryption_type(EncryptionType::Kms)
        .kms_key(key)
        .build();
    built
        .map(Some)
        .map_err(|error| AwsError::incomplete_answer(CREATE, &error.to_string()))
}

fn exclusion_filters(
    filters: &[String],
) -> Result<Vec<ImageTagMutabilityExclusionFilter>, AwsError> {
    let filter = |text: &String| {
        let filter = ImageTagMutabilityExclusionFilter::builder()
            .filter_type(ImageTagMutabilityExclusionFilterType::Wildcard);
        filter
            .filter(text)
            .build()
            .map_err(|error| AwsError::incomplete_answer(CREATE, &error.to_string()))
    };
    filters.iter().map(filter).collect()
}

/// A lifecycle policy that keeps the newest `count` images, whatever their tags.
pub fn lifecycle_policy(count: u32) -> String {
    let selection = serde_json::json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count });
    let rule = serde_json::json!({
        "rulePriority": 1, "description": format!("Keep the newest {count} images"), "selection": selection, "action": { "type": "expire" },
    });
    serde_json::json!({ "rules": [rule] }).to_string()
}

fn is_for_pushes(template: &RepositoryCreationTemplate) -> bool {
    template
        .applied_for()
        .contains(&RctAppliedFor::CreateOnPush)
}

/// The longest matching prefix wins. A prefix matches whole parts of the name only; `ROOT` matches
/// every name that nothing else matches (ECR user guide, "Repository creation templates").
fn closest_prefix<'p>(prefixes: impl Iterator<Item = &'p str>, name: &str) -> Option<&'p str> {
    const ROOT: &str = "ROOT";
    let is_begin = |prefix: &str| {
        name.strip_prefix(prefix.trim_end_matches('/'))
            .is_some_and(|rest| rest.starts_with('/'))
    };
    prefixes
        .filter(|prefix| *prefix == ROOT || is_begin(prefix))
        .max_by_key(|prefix| if *prefix == ROOT { 0 } else { prefix.len() })
}

/// `… does not exist in the registry with id '123456789012'`.
fn account_in_message(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("registry with id '")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (digits.len() == 12).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_fixed_as_the_repository_says() {
        let filters = || vec!["latest".to_owned(), "dev-*".to_owned()];
        let table = [
            (TagRule::Mutable, false, false, false),
            (TagRule::Immutable, true, true, true),
            (TagRule::ImmutableExcept(filters()), true, false, false),
            (TagRule::ImmutableOnly(filters()), false, true, true),
        ];
        for (rule, version, latest, dev) in table {
            let fixed = ["1.0", "latest", "dev-7"].map(|tag| rule.is_immutable(tag));
            assert_eq!(fixed, [version, latest, dev], "{rule:?}");
        }
    }

    #[test]
    fn the_closest_template_makes_the_repository() {
        let prefixes = ["ROOT", "team", "team/api", "te"];
        let table = [
            ("team/api/web", Some("team/api")),
            ("team/web", Some("team")),
            ("other", Some("ROOT")),
            ("teams/web", Some("ROOT")),
        ];
        for (name, expected) in table {
            assert_eq!(
                closest_prefix(prefixes.into_iter(), name),
                expected,
                "{name}"
            );
        }
        assert_eq!(closest_prefix(["team"].into_iter(), "team"), None);
    }

    #[test]
    fn the_account_that_was_asked_stands_in_the_refusal() {
        let message =
            "The repository with name 'app' does not exist in the registry with id '123456789012'";
        assert_eq!(account_in_message(message).as_deref(), Some("123456789012"));
        assert_eq!(account_in_message("The repository does not exist"), None);
    }

    #[test]
    fn a_lifecycle_policy_expires_all_but_the_newest() {
        let policy: serde_json::Value = serde_json::from_str(&lifecycle_policy(30)).unwrap();
        assert_eq!(policy["rules"][0]["selection"]["countNumber"], 30);
        assert_eq!(policy["rules"][0]["action"]["type"], "expire");
    }
}
