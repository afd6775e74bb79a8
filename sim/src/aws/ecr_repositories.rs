//! ECR's repositories: described, made, given a lifecycle policy; the templates by which a push
//! makes them; account settings.

use serde_json::{Value, json};

use super::{Answer, Input, ServiceError};
use crate::account::{Location, Repository, epoch_seconds};
use crate::cloud::Cloud;

/// When repositories that exist from the start were made.
const CREATED_MS: i64 = 1_700_000_000_000;

pub(super) fn describe(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let names = input.text_list("repositoryNames");
    for name in &names {
        check_exists(cloud, location, name)?;
    }
    let listed: Vec<Value> = cloud.read(|account| {
        let here = account
            .repositories
            .iter()
            .filter(|known| known.account == location.account && known.region == location.region);
        let matching =
            here.filter(|known| names.is_empty() || names.contains(&known.name.as_str()));
        matching.map(|known| view(cloud, location, known)).collect()
    });
    Ok(json!({ "repositories": listed }))
}

fn view(cloud: &Cloud, location: &Location, repository: &Repository) -> Value {
    let name = &repository.name;
    let mut view = json!({
        "repositoryArn": location.repository_arn(name), "registryId": repository.account, "repositoryName": name,
        "repositoryUri": format!("{}/{name}", cloud.registry_host()), "createdAt": epoch_seconds(CREATED_MS),
        "imageTagMutability": repository.mutability, "imageScanningConfiguration": { "scanOnPush": repository.scan_on_push },
        "encryptionConfiguration": repository.encryption.clone().unwrap_or_else(|| json!({ "encryptionType": "AES256" })),
    });
    if !repository.exclusions.is_empty() {
        let filters = repository
            .exclusions
            .iter()
            .map(|filter| json!({ "filterType": "WILDCARD", "filter": filter }));
        view["imageTagMutabilityExclusionFilters"] = filters.collect();
    }
    view
}

/// Refuses what is asked of a repository that is not there.
pub(super) fn check_exists(
    cloud: &Cloud,
    location: &Location,
    name: &str,
) -> Result<(), ServiceError> {
    if cloud.read(|account| {
        account
            .repositories
            .iter()
            .any(|known| known.matches(location, name))
    }) {
        return Ok(());
    }
    let message = format!(
        "The repository with name '{name}' does not exist in the registry with id '{}'",
        location.account
    );
    Err(ServiceError::new("RepositoryNotFoundException", message))
}

pub(super) fn create(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let name = input.text("repositoryName").unwrap_or_default();
    if check_exists(cloud, location, name).is_ok() {
        let message = format!(
            "The repository with name '{name}' already exists in the registry with id '{}'",
            location.account
        );
        return Err(ServiceError::new(
            "RepositoryAlreadyExistsException",
            message,
        ));
    }
    let repository = Repository {
        name: name.to_owned(),
        account: location.account.clone(),
        region: location.region.clone(),
        mutability: input
            .text("imageTagMutability")
            .unwrap_or("MUTABLE")
            .to_owned(),
        exclusions: parse_exclusions(input)?,
        scan_on_push: input
            .get("imageScanningConfiguration")
            .and_then(|scan| Input(scan).flag("scanOnPush"))
            .unwrap_or(false),
        encryption: input.get("encryptionConfiguration").cloned(),
        lifecycle: None,
    };
    let view = view(cloud, location, &repository);
    cloud.change(|account| account.repositories.push(repository));
    Ok(json!({ "repository": view }))
}

/// ECR takes filters only where the mutability says that there are some, and none without.
fn parse_exclusions(input: Input<'_>) -> Result<Vec<String>, ServiceError> {
    let listed = input
        .get("imageTagMutabilityExclusionFilters")
        .and_then(Value::as_array);
    let filters: Vec<String> = listed
        .into_iter()
        .flatten()
        .filter_map(|filter| Input(filter).text("filter"))
        .map(ToOwned::to_owned)
        .collect();
    let has_exclusions = input
        .text("imageTagMutability")
        .is_some_and(|mutability| mutability.ends_with("_WITH_EXCLUSION"));
    if has_exclusions == filters.is_empty() {
        return Err(ServiceError::invalid_parameter(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint",
        ));
    }
    Ok(filters)
}

pub(super) fn get_lifecycle(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let name = input.text("repositoryName").unwrap_or_default();
    check_exists(cloud, location, name)?;
    let policy = cloud.read(|account| {
        let found = account
            .repositories
            .iter()
            .find(|known| known.matches(location, name));
        found.and_then(|repository| repository.lifecycle.clone())
    });
    let Some(policy) = policy else {
        let message = format!(
            "Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{}'",
            location.account
        );
        return Err(ServiceError::new(
            "LifecyclePolicyNotFoundException",
            message,
        ));
    };
    Ok(
        json!({ "registryId": location.account, "repositoryName": name, "lifecyclePolicyText": policy }),
    )
}

pub(super) fn put_lifecycle(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let name = input.text("repositoryName").unwrap_or_default();
    check_exists(cloud, location, name)?;
    let policy = input
        .text("lifecyclePolicyText")
        .unwrap_or_default()
        .to_owned();
    let is_policy =
        serde_json::from_str::<Value>(&policy).is_ok_and(|policy| policy["rules"].is_array());
    if !is_policy {
        return Err(ServiceError::invalid_parameter(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure'",
        ));
    }
    cloud.change(|account| {
        let found = account
            .repositories
            .iter_mut()
            .find(|known| known.matches(location, name));
        found.map(|repository| repository.lifecycle = Some(policy.clone()))
    });
    Ok(
        json!({ "registryId": location.account, "repositoryName": name, "lifecyclePolicyText": policy }),
    )
}

pub(super) fn describe_templates(cloud: &Cloud, location: &Location) -> Value {
    let templates = cloud.options.ecr.templates.iter().map(|template| {
        json!({
            "prefix": template.prefix, "appliedFor": template.applied_for, "imageTagMutability": "MUTABLE",
            "createdAt": epoch_seconds(CREATED_MS), "updatedAt": epoch_seconds(CREATED_MS),
        })
    });
    json!({ "registryId": location.account, "repositoryCreationTemplates": templates.collect::<Vec<_>>() })
}

pub(super) fn get_account_setting(cloud: &Cloud, input: Input<'_>) -> Answer {
    let name = input.text("name").unwrap_or_default();
    match name {
        "BLOB_MOUNTING" => {
            let value = if cloud.options.ecr.blob_mounting {
                "ENABLED"
            } else {
                "DISABLED"
            };
            Ok(json!({ "name": name, "value": value }))
        }
        "BASIC_SCAN_TYPE_VERSION" => Ok(json!({ "name": name, "value": "AWS_NATIVE" })),
        _ => Err(ServiceError::invalid_parameter(
            "Invalid parameter at 'name' failed to satisfy constraint",
        )),
    }
}
