//! The transfer, step by step: read the inventory, open the source, send blobs, write manifests,
//! set tags.
//!
//! The order makes it safe. A manifest is written after everything that it points at, and tags are
//! set last, so a tag names a complete image at any time, also after a transfer that failed. A tag
//! that names another image can be left for [`retag`], until the new image has proved itself.

mod estimate;

pub use self::estimate::{EstimatedSize, PushEstimate, estimate};

use std::collections::{HashSet, VecDeque};

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryFutureExt};
use tokio::sync::mpsc;
use url::Url;

use crate::blob::Blob;
use crate::client::{BlobOutcome, BlobState, Registry, Target};
use crate::digest::Digest;
use crate::ecr::{self, is_ecr};
use crate::error::{PushError, SourceError};
use crate::image::Image;
use crate::inventory::{Inventory, KnownContents, TagTarget};
use crate::manifest::Manifest;
use crate::progress::{Progress, Pushed, Report, RootManifest};
use crate::reference::{ManifestReference, Tag};
use crate::source::Source;

/// Uploads at once. Against a local registry a fifth was no faster, and ECR drops connections when
/// there are many.
const MAX_UPLOADS: usize = 4;
/// Blobs that are asked for at once: the requests are small, and ECR answers a thousand a second.
const MAX_CHECKS: usize = 12;
/// Blobs that the source may have ready before they are asked for.
const READ_AHEAD: usize = 8;

/// The tags of the image, and which images of the repository are similar.
#[derive(Debug, Clone, Copy, Default)]
pub struct PushOptions<'a> {
    /// The tags that are to name the image. Without any it can be pulled by digest.
    pub tags: &'a [Tag],
    /// Those of them that the registry does not move once they name an image.
    pub immutable: &'a [Tag],
    /// Those of them that are left as they are; [`retag`] sets them later.
    pub deferral: TagDeferral<'a>,
    /// Images of the repository that the new one may share layers with, such as the one that runs.
    pub cache_from: &'a [Digest],
}

/// Which tags a push leaves as they are.
#[derive(Debug, Clone, Copy, Default)]
pub enum TagDeferral<'a> {
    /// None: all tags name the image after the push.
    #[default]
    None,
    /// Tags that name another image or cannot be read, and in any case the tags given here.
    NamingOthers(&'a [Tag]),
}

impl TagDeferral<'_> {
    /// Whether to leave a tag that does not name the image yet.
    fn defers(self, tag: &Tag, names: &TagTarget) -> bool {
        match self {
            Self::None => false,
            Self::NamingOthers(always) => always.contains(tag) || *names != TagTarget::Absent,
        }
    }
}

/// How many blobs were uploaded, mounted or already there.
#[derive(Debug, Default)]
struct TransferCounts {
    uploaded: usize,
    mounted: usize,
    existing: usize,
    mount_refused: usize,
    bytes: u64,
}

impl TransferCounts {
    fn count_blob(&mut self, blob: &Blob, sent: BlobOutcome, report: Report<'_>) {
        let (digest, bytes) = (blob.digest.clone(), blob.size);
        match sent {
            BlobOutcome::Existing => {
                self.existing += 1;
                report(Progress::Existing { digest, bytes });
            }
            BlobOutcome::Mounted => {
                self.mounted += 1;
                report(Progress::Mounted { digest, bytes });
            }
            BlobOutcome::Uploaded | BlobOutcome::Copied => {
                self.uploaded += 1;
                self.bytes += bytes;
                self.mount_refused += usize::from(sent == BlobOutcome::Copied);
                report(Progress::Uploaded { digest, bytes });
            }
        }
    }
}

/// Pushes the image to the repository and sets its tags, except those that are deferred. What the
/// repository already has is not sent.
///
/// # Errors
/// [`PushError::Source`] if the image cannot be read; the other variants if the registry refuses it
/// or stays unreachable through several retries.
pub async fn push(
    source: &Source,
    to: &Target,
    options: PushOptions<'_>,
    report: Report<'_>,
) -> Result<Pushed, PushError> {
    let registry = Registry::new(to)?;
    let inventory = Inventory::read(&registry, source, options, report).await?;
    inventory.check_immutable_tags(&registry, source, options)?;
    let transfer = Transfer {
        registry: &registry,
        source,
        options,
        report,
    };
    match transfer.run(&inventory).await {
        // The registry deleted contents meanwhile: every blob is asked for, and sent where missing.
        Err(PushError::ContentsMissing { message, .. }) => {
            report(Progress::Retrying { reason: message });
            transfer.run(&inventory.without_contents()).await
        }
        result => result,
    }
}

/// The digest of the image that a tag or a digest names; `None` if there is no such image or no
/// such repository.
///
/// # Errors
/// The registry refuses, or stays unreachable through several retries.
pub async fn resolve(
    target: &Target,
    name: ManifestReference<'_>,
    report: Report<'_>,
) -> Result<Option<Digest>, PushError> {
    Registry::new(target)?.resolve(name, report).await
}

/// Sets a tag of an image that was pushed before, unless the tag names it already.
///
/// # Errors
/// The registry refuses, or stays unreachable through several retries.
pub async fn retag(
    target: &Target,
    image: &RootManifest,
    tag: &Tag,
    report: Report<'_>,
) -> Result<(), PushError> {
    let registry = Registry::new(target)?;
    let named = match registry.resolve(ManifestReference::Tag(tag), report).await {
        Err(PushError::Denied { .. }) => None,
        other => other?,
    };
    if named.as_ref() == Some(&image.0.digest) {
        Ok(())
    } else {
        registry.put_tag(&image.0, tag, report).await
    }
}

/// One attempt to push the image to the repository.
struct Transfer<'a> {
    registry: &'a Registry,
    source: &'a Source,
    options: PushOptions<'a>,
    report: Report<'a>,
}

impl Transfer<'_> {
    async fn run(&self, inventory: &Inventory) -> Result<Pushed, PushError> {
        if let Some(root) = self
            .source
            .root()
            .filter(|root| inventory.has_image(&root.digest))
        {
            let tags = self.set_tags(root, inventory).await?;
            let moved = TransferCounts {
                existing: self.source.blob_count(),
                ..TransferCounts::default()
            };
            return Ok(summarize(root, tags, &moved, &Image::default()));
        }
        let (blob_sender, arriving) = mpsc::channel(READ_AHEAD);
        let reading = self
            .source
            .open(&inventory.known, blob_sender, self.report)
            .map_err(PushError::from);
        let (image, mut moved) =
            tokio::try_join!(reading, self.transfer_blobs(&inventory.known, arriving))?;
        let Some((root, children)) = image.manifests.split_last() else {
            return Err(no_manifest_error());
        };
        moved.existing += image.existing.len();
        if !inventory.has_image(&root.digest) {
            self.write_children(children, &inventory.known).await?;
        }
        let tags = self.set_tags(root, inventory).await?;
        Ok(summarize(root, tags, &moved, &image))
    }

    /// Asks for every blob, many at once, and sends those that are missing, a few at once, while
    /// the source is still being read.
    async fn transfer_blobs(
        &self,
        known: &KnownContents,
        mut arriving: mpsc::Receiver<Blob>,
    ) -> Result<TransferCounts, PushError> {
        let (mut asking, mut sending) = (FuturesUnordered::new(), FuturesUnordered::new());
        let (mut seen, mut missing, mut moved) =
            (HashSet::new(), VecDeque::new(), TransferCounts::default());
        let mut more = true;
        loop {
            while sending.len() < MAX_UPLOADS
                && let Some((blob, begun)) = missing.pop_front()
            {
                sending.push(self.send_blob(blob, begun));
            }
            tokio::select! {
                blob = arriving.recv(), if more && asking.len() < MAX_CHECKS => match blob {
                    // A blob that occurs twice is sent once.
                    Some(blob) if seen.insert(blob.digest.clone()) => asking.push(self.check_blob(known, blob)),
                    Some(_) => {}
                    None => more = false,
                },
                Some(found) = asking.next() => match found? {
                    (blob, BlobState::Present(sent)) => moved.count_blob(&blob, sent, self.report),
                    (blob, BlobState::Missing(begun)) => missing.push_back((blob, begun)),
                },
                Some(done) = sending.next() => {
                    let (blob, sent) = done?;
                    moved.count_blob(&blob, sent, self.report);
                }
                else => return Ok(moved),
            }
        }
    }

    async fn check_blob(
        &self,
        known: &KnownContents,
        blob: Blob,
    ) -> Result<(Blob, BlobState), PushError> {
        if is_ecr(&self.registry.host()) && blob.size > ecr::MAX_LAYER_BYTES {
            return Err(PushError::LayerTooLarge {
                host: self.registry.host(),
                digest: blob.digest,
                size: blob.size,
                most: ecr::MAX_LAYER_BYTES,
            });
        }
        if known.has_blob(&blob.digest) {
            return Ok((blob, BlobState::Present(BlobOutcome::Existing)));
        }
        let found = self.registry.check_blob(&blob, self.report).await?;
        Ok((blob, found))
    }

    async fn send_blob(
        &self,
        blob: Blob,
        begun: Option<Url>,
    ) -> Result<(Blob, BlobOutcome), PushError> {
        let sent = self.registry.send_blob(&blob, begun, self.report).await?;
        Ok((blob, sent))
    }

    /// Writes what an index lists, one by one: ECR takes ten manifests a second from a whole
    /// account.
    async fn write_children(
        &self,
        children: &[Manifest],
        known: &KnownContents,
    ) -> Result<(), PushError> {
        for child in children
            .iter()
            .filter(|child| !known.has_manifest(&child.digest))
        {
            self.registry.put_manifest(child, self.report).await?;
        }
        Ok(())
    }

    /// Sets the tags, except those that are deferred. Without a tag the manifest is written under
    /// its digest.
    async fn set_tags(&self, root: &Manifest, inventory: &Inventory) -> Result<Tags, PushError> {
        let mut tags = Tags::default();
        for tag in self.options.tags {
            let target = inventory.tag_target(tag);
            let is_named = matches!(&target, TagTarget::Image(digest) if *digest == root.digest);
            if !is_named && self.options.deferral.defers(tag, &target) {
                tags.deferred.push((tag.clone(), target.into_digest()));
                continue;
            }
            if !is_named {
                self.registry.put_tag(root, tag, self.report).await?;
            }
            tags.set.push(tag.clone());
            (self.report)(Progress::Tagged { tag: tag.clone() });
        }
        if tags.set.is_empty() && !inventory.has_image(&root.digest) {
            self.registry.put_manifest(root, self.report).await?;
        }
        Ok(tags)
    }
}

/// The tags after a push.
#[derive(Debug, Default)]
struct Tags {
    set: Vec<Tag>,
    deferred: Vec<(Tag, Option<Digest>)>,
}

fn summarize(root: &Manifest, tags: Tags, moved: &TransferCounts, image: &Image) -> Pushed {
    Pushed {
        digest: root.digest.clone(),
        root: RootManifest(root.clone()),
        tags: tags.set,
        deferred_tags: tags.deferred,
        uploaded: moved.uploaded,
        mounted: moved.mounted,
        existing: moved.existing,
        mount_refused: moved.mount_refused,
        bytes_moved: moved.bytes,
        facts: image.facts.clone(),
    }
}

fn no_manifest_error() -> PushError {
    PushError::Source(SourceError::Export {
        reason: "it holds no manifest".to_owned(),
    })
}

#[cfg(test)]
mod tests;
