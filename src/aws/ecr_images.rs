//! The images of an ECR repository: which there are, what an index names, and how they are deleted.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use aws_smithy_types::DateTime;
use serde_json::Value;

use super::error::from_sdk;
use super::signed::entries;
use super::{Aws, AwsError, build_ecr_client};
use crate::cleanup::StoredImage;
use crate::identity::RepositoryName;

/// BatchGetImage and BatchDeleteImage take at most this many.
pub const IMAGES_AT_ONCE: usize = 100;
/// The media types of what names other images.
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// What names nothing but its own layers, unless it is about another image, as a signature is.
const MANIFESTS: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// The configurations of images that run in containers.
const RUNNABLE: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// The digests that a manifest names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ManifestLinks {
    /// What an index names.
    parts: Vec<String>,
    /// The image that it is about.
    subject: Option<String>,
}

/// An image that was not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeletedImage {
    /// Its digest.
    pub digest: String,
    /// ECR's code, such as `ImageReferencedByManifestList`.
    pub code: String,
    /// ECR's words.
    pub why: String,
}

impl Aws {
    /// All images of a repository of the account, with what indexes name and signatures are about.
    ///
    /// # Errors
    ///
    /// Not all could be read.
    pub async fn list_images(
        &self,
        repository: &RepositoryName,
    ) -> Result<Vec<StoredImage>, AwsError> {
        let call = self
            .ecr()
            .describe_images()
            .repository_name(repository.as_str());
        let pages = call.into_paginator().items().send();
        let details = from_sdk(
            "ecr:DescribeImages",
            pages.collect::<Result<Vec<ImageDetail>, _>>().await,
        )?;
        let named: Vec<String> = details
            .iter()
            .filter(|detail| is_index(detail) || !is_runnable(detail))
            .filter_map(|detail| detail.image_digest().map(str::to_owned))
            .collect();
        let mut links = self.read_links(repository, &named).await?;
        Ok(details
            .iter()
            .map(|detail| to_stored(detail, &mut links))
            .collect())
    }

    /// The digests that manifests name, by their own.
    async fn read_links(
        &self,
        repository: &RepositoryName,
        manifests: &[String],
    ) -> Result<BTreeMap<String, ManifestLinks>, AwsError> {
        const ACTION: &str = "ecr:BatchGetImage";
        let kinds: Vec<String> = INDEXES
            .into_iter()
            .chain(MANIFESTS)
            .map(str::to_owned)
            .collect();
        let mut links = BTreeMap::new();
        for some in manifests.chunks(IMAGES_AT_ONCE) {
            let call = self
                .ecr()
                .batch_get_image()
                .repository_name(repository.as_str())
                .set_image_ids(Some(some.iter().map(|digest| identifier(digest)).collect()))
                .set_accepted_media_types(Some(kinds.clone()));
            let answer = from_sdk(ACTION, call.send().await)?;
            for image in answer.images() {
                let digest = image.image_id().and_then(ImageIdentifier::image_digest);
                let names = image.image_manifest().and_then(parse_links);
                if let (Some(digest), Some(names)) = (digest, names) {
                    links.insert(digest.to_owned(), names);
                }
            }
            if let Some(unread) = some.iter().find(|digest| !links.contains_key(*digest)) {
                let what = format!("what the manifest {unread} names");
                return Err(AwsError::incomplete_answer(ACTION, &what));
            }
        }
        Ok(links)
    }

    /// Deletes images by their digests, a hundred at most. Those that are gone already count as
    /// deleted.
    ///
    /// # Errors
    ///
    /// AWS refused, or did not answer.
    pub async fn delete_images(
        &self,
        repository: &RepositoryName,
        digests: &[String],
    ) -> Result<Vec<UndeletedImage>, AwsError> {
        let client = build_ecr_client(&self.writes, None);
        let answer = self
            .write_retry
            .send(async || {
                let call = client
                    .batch_delete_image()
                    .repository_name(repository.as_str())
                    .set_image_ids(Some(
                        digests.iter().map(|digest| identifier(digest)).collect(),
                    ));
                from_sdk("ecr:BatchDeleteImage", call.send().await)
            })
            .await?;
        let failures = answer.failures().iter();
        let failed = failures.map(|failure| UndeletedImage {
            digest: failure
                .image_id()
                .and_then(ImageIdentifier::image_digest)
                .unwrap_or_default()
                .to_owned(),
            code: failure
                .failure_code()
                .map(|code| code.as_str().to_owned())
                .unwrap_or_default(),
            why: failure.failure_reason().unwrap_or_default().to_owned(),
        });
        Ok(failed
            .filter(|failed| failed.code != "ImageNotFound")
            .collect())
    }
}

fn identifier(digest: &str) -> ImageIdentifier {
    ImageIdentifier::builder().image_digest(digest).build()
}

fn is_index(detail: &ImageDetail) -> bool {
    detail
        .image_manifest_media_type()
        .is_some_and(|kind| INDEXES.contains(&kind))
}

/// Whether it is an image and nothing else; ECR does not say so of everything.
fn is_runnable(detail: &ImageDetail) -> bool {
    detail
        .artifact_media_type()
        .is_some_and(|kind| RUNNABLE.contains(&kind))
}

fn to_stored(detail: &ImageDetail, links: &mut BTreeMap<String, ManifestLinks>) -> StoredImage {
    let digest = detail.image_digest().unwrap_or_default().to_owned();
    let size = detail.image_size_in_bytes().unwrap_or_default();
    let links = links.remove(&digest).unwrap_or_default();
    let by_tag = || {
        detail
            .image_tags()
            .iter()
            .find_map(|tag| parse_subject(tag))
    };
    StoredImage {
        tags: detail.image_tags().to_vec(),
        pushed_seconds: detail.image_pushed_at().map_or(0, DateTime::secs),
        bytes: u64::try_from(size).unwrap_or_default(),
        parts: links.parts,
        subject: links.subject.or_else(by_tag),
        digest,
    }
}

fn parse_links(manifest: &str) -> Option<ManifestLinks> {
    let manifest: Value = serde_json::from_str(manifest).ok()?;
    let digest = |descriptor: &Value| descriptor["digest"].as_str().map(str::to_owned);
    let parts = entries(&manifest["manifests"]);
    manifest.is_object().then(|| ManifestLinks {
        parts: parts.iter().filter_map(digest).collect(),
        subject: digest(&manifest["subject"]),
    })
}

/// Signatures and attestations of an image are under a tag with its digest: `sha256-HEX.sig`.
fn parse_subject(tag: &str) -> Option<String> {
    let hex = tag.strip_prefix("sha256-")?;
    let hex = hex.split('.').next().unwrap_or_default();
    let is_digest = hex.len() == 64 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_digest.then(|| format!("sha256:{hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_an_image_is_known_by_its_tag() {
        let hex = "a".repeat(64);
        assert_eq!(
            parse_subject(&format!("sha256-{hex}.sig")),
            Some(format!("sha256:{hex}"))
        );
        assert_eq!(
            parse_subject(&format!("sha256-{hex}")),
            Some(format!("sha256:{hex}"))
        );
        for tag in ["sha256-abc.sig", "1.0.0", "latest"] {
            assert_eq!(parse_subject(tag), None, "{tag}");
        }
    }

    #[test]
    fn an_index_names_its_manifests_and_a_signature_what_it_is_about() {
        let index = r#"{ "manifests": [{ "digest": "sha256:a" }, { "digest": "sha256:b" }] }"#;
        let signature = r#"{ "config": {}, "subject": { "digest": "sha256:c" } }"#;
        let read = |manifest: &str| parse_links(manifest).map(|links| (links.parts, links.subject));
        assert_eq!(
            read(index),
            Some((vec!["sha256:a".to_owned(), "sha256:b".to_owned()], None))
        );
        assert_eq!(
            read(signature),
            Some((Vec::new(), Some("sha256:c".to_owned())))
        );
        assert_eq!(read("{}"), Some((Vec::new(), None)));
        assert_eq!(read("not JSON"), None);
    }
}
