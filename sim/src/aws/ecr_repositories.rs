//! ECR's repositories: described, made, given a lifecycle policy; the templates by which a push
//! makes them; account settings.

use serde_json::{Value, json};

use super::{Answer, Asked, Refusal};
use crate::account::{Place, Repository, seconds};
use crate::cloud::Cloud;

/// When repositories that exist from the start were made.
const FOUNDED_MS: i64 = 1_700_000_000_000;

pub(super) fn describe(cloud: &Cloud, place: &Place, asked: Asked<'_>) -> Answer {
    let names = asked.texts("repositoryNames");
    for name in &names {
        exists(cloud, place, name)?;
    }
    let listed: Vec<Value> = cloud.look(|account| {
        let here = account
            .repositories
            .iter()
            .filter(|known| known.account == place.account && known.region == place.region);
        let asked = here.filter(|known| names.is_empty() || names.contains(&known.name.as_str()));
        asked.map(|known| view(cloud, place, known)).collect()
    });
    Ok(json!({ "repositories": listed }))
}

fn view(cloud: &Cloud, place: &Place, repository: &Repository) -> Value {
    let name = &repository.name;
    let mut view = json!({
        "repositoryArn": place.repository_arn(name), "registryId": repository.account, "repositoryName": name,
        "repositoryUri": format!("{}/{name}", cloud.registry_host()), "createdAt": seconds(FOUNDED_MS),
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
pub(super) fn exists(cloud: &Cloud, place: &Place, name: &str) -> Result<(), Refusal> {
    if cloud.look(|account| {
        account
            .repositories
            .iter()
            .any(|known| known.is(place, name))
    }) {
        return Ok(());
    }
    let message = format!(
        "The repository with name '{name}' does not exist in the registry with id '{}'",
        place.account
    );
    Err(Refusal::new("RepositoryNotFoundException", message))
}

pub(super) fn create(cloud: &Cloud, place: &Place, asked: Asked<'_>) -> Answer {
    let name = asked.text("repositoryName").unwrap_or_default();
    if exists(cloud, place, name).is_ok() {
        let message = format!(
            "The repository with name '{name}' already exists in the registry with id '{}'",
            place.account
        );
        return Err(Refusal::new("RepositoryAlreadyExistsException", message));
    }
    let repository = Repository {
        name: name.to_owned(),
        account: place.account.clone(),
        region: place.region.clone(),
        mutability: asked
            .text("imageTagMutability")
            .unwrap_or("MUTABLE")
            .to_owned(),
        exclusions: exclusions(asked)?,
        scan_on_push: asked
            .get("imageScanningConfiguration")
            .and_then(|scan| Asked(scan).flag("scanOnPush"))
            .unwrap_or(false),
        encryption: asked.get("encryptionConfiguration").cloned(),
        lifecycle: None,
    };
    let view = view(cloud, place, &repository);
    cloud.change(|account| account.repositories.push(repository));
    Ok(json!({ "repository": view }))
}

/// ECR takes filters only where the mutability says that there are some, and none without.
fn exclusions(asked: Asked<'_>) -> Result<Vec<String>, Refusal> {
    let listed = asked
        .get("imageTagMutabilityExclusionFilters")
        .and_then(Value::as_array);
    let filters: Vec<String> = listed
        .into_iter()
        .flatten()
        .filter_map(|filter| Asked(filter).text("filter"))
        .map(ToOwned::to_owned)
        .collect();
    let announced = asked
        .text("imageTagMutability")
        .is_some_and(|mutability| mutability.ends_with("_WITH_EXCLUSION"));
    if announced == filters.is_empty() {
        return Err(Refusal::parameter(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint",
        ));
    }
    Ok(filters)
}

pub(super) fn put_lifecycle(cloud: &Cloud, place: &Place, asked: Asked<'_>) -> Answer {
    let name = asked.text("repositoryName").unwrap_or_default();
    exists(cloud, place, name)?;
    let policy = asked
        .text("lifecyclePolicyText")
        .unwrap_or_default()
        .to_owned();
    let is_policy =
        serde_json::from_str::<Value>(&policy).is_ok_and(|policy| policy["rules"].is_array());
    if !is_policy {
        return Err(Refusal::parameter(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure'",
        ));
    }
    cloud.change(|account| {
        let found = account
            .repositories
            .iter_mut()
            .find(|known| known.is(place, name));
        found.map(|repository| repository.lifecycle = Some(policy.clone()))
    });
    Ok(
        json!({ "registryId": place.account, "repositoryName": name, "lifecyclePolicyText": policy }),
    )
}

pub(super) fn templates(cloud: &Cloud, place: &Place) -> Value {
    let templates = cloud.options.ecr.templates.iter().map(|template| {
        json!({
            "prefix": template.prefix, "appliedFor": template.applied_for, "imageTagMutability": "MUTABLE",
            "createdAt": seconds(FOUNDED_MS), "updatedAt": seconds(FOUNDED_MS),
        })
    });
    json!({ "registryId": place.account, "repositoryCreationTemplates": templates.collect::<Vec<_>>() })
}

pub(super) fn setting(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let name = asked.text("name").unwrap_or_default();
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
        _ => Err(Refusal::parameter(
            "Invalid parameter at 'name' failed to satisfy constraint",
        )),
    }
}
