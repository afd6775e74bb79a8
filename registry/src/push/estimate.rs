//! What a push would send, without sending or reading layers.

use std::collections::HashSet;

use crate::blob::Blob;
use crate::client::{Registry, Target};
use crate::digest::Digest;
use crate::error::PushError;
use crate::inventory::Inventory;
use crate::progress::Report;
use crate::push::PushOptions;
use crate::source::{Contents, Source};

/// What a push would send, as far as that is known before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushEstimate {
    /// The digest of the image in the repository; none for an image of an engine or a Docker
    /// archive that is not there, because it gets its digest by being compressed.
    pub digest: Option<Digest>,
    /// Layers and configs that would be sent.
    pub missing: usize,
    /// Those that the repository has.
    pub existing: usize,
    /// Their size, in bytes, of those that would be sent.
    pub size: EstimatedSize,
}

/// How many bytes would be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EstimatedSize {
    /// Exact.
    Exact(u64),
    /// The size before compression.
    Uncompressed(u64),
}

/// Estimates a push. Nothing is written.
///
/// # Errors
/// As [`super::push`], as far as reading goes.
pub async fn estimate(
    source: &Source,
    to: &Target,
    options: PushOptions<'_>,
    report: Report<'_>,
) -> Result<PushEstimate, PushError> {
    let registry = Registry::new(to)?;
    let inventory = Inventory::read(&registry, source, options, report).await?;
    inventory.check_immutable_tags(&registry, source, options)?;
    if let Some(root) = source
        .root()
        .filter(|root| inventory.has_image(&root.digest))
    {
        return Ok(present(root.digest.clone(), source.blob_count()));
    }
    match source.contents(report).await? {
        Contents::Layers {
            config,
            layers,
            bytes,
        } => {
            if let Some(there) = inventory.known.image_with_config(config) {
                return Ok(present(there.digest.clone(), there.required_blobs().len()));
            }
            let existing = layers
                .iter()
                .filter(|layer| inventory.known.layer(layer).is_some())
                .count();
            Ok(PushEstimate {
                digest: None,
                // The config too.
                missing: layers.len() - existing + 1,
                existing,
                size: EstimatedSize::Uncompressed(bytes),
            })
        }
        Contents::Blobs(blobs) => count(&registry, &inventory, source, &blobs, report).await,
    }
}

fn present(digest: Digest, blobs: usize) -> PushEstimate {
    PushEstimate {
        digest: Some(digest),
        missing: 0,
        existing: blobs,
        size: EstimatedSize::Exact(0),
    }
}

async fn count(
    registry: &Registry,
    inventory: &Inventory,
    source: &Source,
    blobs: &[Blob],
    report: Report<'_>,
) -> Result<PushEstimate, PushError> {
    let mut estimate = PushEstimate {
        digest: source.digest().cloned(),
        missing: 0,
        existing: 0,
        size: EstimatedSize::Exact(0),
    };
    let (mut seen, mut bytes) = (HashSet::new(), 0);
    for blob in blobs.iter().filter(|blob| seen.insert(&blob.digest)) {
        if inventory.known.has_blob(&blob.digest)
            || registry.is_present(&blob.digest, report).await?
        {
            estimate.existing += 1;
        } else {
            estimate.missing += 1;
            bytes += blob.size;
        }
    }
    estimate.size = EstimatedSize::Exact(bytes);
    Ok(estimate)
}
