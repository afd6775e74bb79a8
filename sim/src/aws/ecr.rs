//! Amazon ECR: the registry's token, and what the registry holds.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::ecr_images as images;
use super::ecr_repositories::{self as repositories, check_exists};
use super::{Answer, Input, ServiceError};
use crate::account::{Location, epoch_seconds};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::world::StoredManifest;

/// A registry token of ECR holds for 12 hours.
const TOKEN_MS: i64 = 12 * 60 * 60 * 1000;

/// Answers an operation of ECR.
pub(super) async fn answer(
    cloud: &Arc<Cloud>,
    operation: &str,
    input: Input<'_>,
    region: Option<&str>,
) -> Option<Answer> {
    let location = &registry_location(cloud, input, region);
    Some(match operation {
        "GetAuthorizationToken" => Ok(authorization_token(cloud)),
        "DescribeRepositories" => repositories::describe(cloud, location, input),
        "CreateRepository" => repositories::create(cloud, location, input),
        "GetLifecyclePolicy" => repositories::get_lifecycle(cloud, location, input),
        "PutLifecyclePolicy" => repositories::put_lifecycle(cloud, location, input),
        "DescribeRepositoryCreationTemplates" => {
            Ok(repositories::describe_templates(cloud, location))
        }
        "GetAccountSetting" => repositories::get_account_setting(cloud, input),
        "DescribeImages" => describe_images(cloud, location, input).await,
        "BatchDeleteImage" => images::delete(cloud, location, input),
        "BatchGetImage" => batch_get_images(cloud, location, input).await,
        _ => return super::ecr_scan::answer(cloud, location, operation, input).await,
    })
}

/// The registry that is meant: the caller's own, or that of `registryId`, in the region that the
/// request was signed for.
pub(super) fn registry_location(cloud: &Cloud, input: Input<'_>, region: Option<&str>) -> Location {
    let own = cloud.read(|account| account.location.clone());
    let account = input
        .text("registryId")
        .map_or(own.account, ToOwned::to_owned);
    Location {
        account,
        region: region.map_or(own.region, ToOwned::to_owned),
        cluster: own.cluster,
    }
}

fn authorization_token(cloud: &Cloud) -> Value {
    let token = STANDARD.encode(format!("AWS:{}", cloud.options.registry_password));
    let data = json!({ "authorizationToken": token, "expiresAt": epoch_seconds(now_ms() + TOKEN_MS), "proxyEndpoint": cloud.registry_endpoint() });
    json!({ "authorizationData": [data] })
}

/// An image: its manifest, and the tags that lead to it.
type Image = (StoredManifest, Vec<String>);

/// The sum of its layers, as ECR counts an image.
fn layers_size(manifest: &StoredManifest) -> u64 {
    let content: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
    let layers = content.get("layers").and_then(Value::as_array);
    layers
        .into_iter()
        .flatten()
        .filter_map(|layer| layer.get("size")?.as_u64())
        .sum()
}

/// All images of a repository, those without a tag too.
async fn all_images(cloud: &Cloud, repository: &str) -> Vec<Image> {
    let Some(registry) = cloud.world.registry() else {
        return tagged_images(cloud, repository).await;
    };
    let mut found: Vec<Image> = Vec::new();
    for (digest, tags) in registry.manifests(repository) {
        if let Ok(manifest) = cloud.world.fetch_manifest(repository, &digest).await {
            found.push((manifest, tags));
        }
    }
    found
}

/// Those that have a tag, of a registry that somebody else runs.
async fn tagged_images(cloud: &Cloud, repository: &str) -> Vec<Image> {
    let mut found: Vec<Image> = Vec::new();
    for tag in cloud.world.list_tags(repository).await.unwrap_or_default() {
        let Ok(manifest) = cloud.world.fetch_manifest(repository, &tag).await else {
            continue;
        };
        match found
            .iter_mut()
            .find(|(known, _)| known.digest == manifest.digest)
        {
            Some((_, tags)) => tags.push(tag),
            None => found.push((manifest, vec![tag])),
        }
    }
    found
}

async fn describe_images(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let repository = input.text("repositoryName").unwrap_or_default();
    check_exists(cloud, location, repository)?;
    let mut found = all_images(cloud, repository).await;
    if let Some(wanted) = input.get("imageIds").and_then(Value::as_array) {
        found = select_images(cloud, repository, wanted, &found).await?;
    }
    let details: Vec<Value> = found
        .iter()
        .map(|(manifest, tags)| image_detail(cloud, repository, manifest, tags))
        .collect();
    Ok(images::page(&details, input))
}

async fn select_images(
    cloud: &Cloud,
    repository: &str,
    wanted: &[Value],
    tagged: &[Image],
) -> Result<Vec<Image>, ServiceError> {
    let mut picked = Vec::new();
    for id in wanted.iter().map(Input) {
        let reference = id
            .text("imageDigest")
            .or_else(|| id.text("imageTag"))
            .unwrap_or_default();
        let missing = || {
            let message = format!(
                "The image with imageId {{{reference}}} does not exist within the repository with name '{repository}'"
            );
            ServiceError::new("ImageNotFoundException", message)
        };
        let manifest = cloud
            .world
            .fetch_manifest(repository, reference)
            .await
            .map_err(|_| missing())?;
        let tags = tagged
            .iter()
            .find(|(known, _)| known.digest == manifest.digest)
            .map(|(_, tags)| tags.clone());
        picked.push((manifest, tags.unwrap_or_default()));
    }
    Ok(picked)
}

fn pushed_ms(cloud: &Cloud, repository: &str, manifest: &StoredManifest) -> i64 {
    let registry = cloud.world.registry();
    registry
        .and_then(|registry| registry.pushed_ms(repository, &manifest.digest))
        .unwrap_or_else(now_ms)
}

fn image_detail(
    cloud: &Cloud,
    repository: &str,
    manifest: &StoredManifest,
    tags: &[String],
) -> Value {
    let mut detail = json!({
        "registryId": cloud.options.account, "repositoryName": repository, "imageDigest": manifest.digest,
        "imageSizeInBytes": layers_size(manifest), "imagePushedAt": epoch_seconds(pushed_ms(cloud, repository, manifest)), "imageManifestMediaType": manifest.media_type,
    });
    if let Some(kind) = artifact_type(manifest) {
        detail["artifactMediaType"] = json!(kind);
    }
    if !tags.is_empty() {
        detail["imageTags"] = json!(tags);
    }
    detail
}

/// An artifact's type: its manifest's own, else that of its configuration; an index has none.
fn artifact_type(manifest: &StoredManifest) -> Option<String> {
    let manifest: Value = serde_json::from_slice(&manifest.bytes).ok()?;
    let kind = manifest["artifactType"]
        .as_str()
        .or_else(|| manifest["config"]["mediaType"].as_str())?;
    Some(kind.to_owned())
}

async fn batch_get_images(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let repository = input.text("repositoryName").unwrap_or_default();
    check_exists(cloud, location, repository)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in input
        .get("imageIds")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let (tag, digest) = (Input(id).text("imageTag"), Input(id).text("imageDigest"));
        let Some(reference) = digest.or(tag) else {
            failures.push(json!({ "imageId": id, "failureCode": "MissingDigestAndTag", "failureReason": "Invalid request parameters" }));
            continue;
        };
        match cloud.world.fetch_manifest(repository, reference).await {
            Ok(manifest) => images.push(image_view(cloud, repository, &manifest, tag)),
            Err(_) => {
                failures.push(json!({ "imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found" }));
            }
        }
    }
    Ok(json!({ "images": images, "failures": failures }))
}

fn image_view(
    cloud: &Cloud,
    repository: &str,
    manifest: &StoredManifest,
    tag: Option<&str>,
) -> Value {
    let mut id = json!({ "imageDigest": manifest.digest });
    if let Some(tag) = tag {
        id["imageTag"] = json!(tag);
    }
    json!({
        "registryId": cloud.options.account, "repositoryName": repository, "imageId": id, "imageManifest": String::from_utf8_lossy(&manifest.bytes),
        "imageManifestMediaType": manifest.media_type,
    })
}
