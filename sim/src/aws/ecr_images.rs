//! The images of ECR's repositories: listed page by page, and deleted.

use serde_json::{Value, json};

use super::ecr_repositories::check_exists;
use super::{Answer, Input};
use crate::account::Location;
use crate::cloud::Cloud;
use crate::world::registry::{ManifestDeletion, RegistryServer};

/// At most so many images come in one page, and can be deleted at once.
const MAX_PAGE: u64 = 100;

/// A page of a list of images, and the token of the next.
pub(super) fn page(images: &[Value], input: Input<'_>) -> Value {
    let start: usize = input
        .text("nextToken")
        .and_then(|token| token.parse().ok())
        .unwrap_or_default();
    let size = input.number("maxResults").unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let size = usize::try_from(size).unwrap_or(1);
    let shown: Vec<&Value> = images.iter().skip(start).take(size).collect();
    let mut answer = json!({ "imageDetails": shown });
    if start + size < images.len() {
        answer["nextToken"] = json!((start + size).to_string());
    }
    answer
}

pub(super) fn delete(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let repository = input.text("repositoryName").unwrap_or_default();
    check_exists(cloud, location, repository)?;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for id in input
        .get("imageIds")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let (tag, digest) = (Input(id).text("imageTag"), Input(id).text("imageDigest"));
        let registry = cloud.world.registry();
        let failure = match (digest.or(tag), registry) {
            (Some(reference), Some(registry)) => delete_one(registry, repository, reference),
            (None, _) | (_, None) => Some((
                "MissingDigestAndTag",
                "Invalid request parameters".to_owned(),
            )),
        };
        match failure {
            None => deleted.push(id.clone()),
            Some((code, reason)) => {
                failures
                    .push(json!({ "imageId": id, "failureCode": code, "failureReason": reason }));
            }
        }
    }
    Ok(json!({ "imageIds": deleted, "failures": failures }))
}

/// Why an image was not deleted, in ECR's code and words.
fn delete_one(
    registry: &RegistryServer,
    repository: &str,
    reference: &str,
) -> Option<(&'static str, String)> {
    match registry.delete_manifest(repository, reference) {
        ManifestDeletion::Deleted => None,
        ManifestDeletion::Missing => {
            Some(("ImageNotFound", "Requested image not found".to_owned()))
        }
        ManifestDeletion::Referenced(by) => Some((
            "ImageReferencedByManifestList",
            format!(
                "Requested image referenced by manifest list: [{}]",
                by.join(", ")
            ),
        )),
    }
}
