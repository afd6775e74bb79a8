//! The transfer as a straight line: read, compare, blobs, manifests, tags.
//!
//! The order is what makes it safe: a manifest is written when everything that it points at is there, and a tag moves last,
//! so whoever pulls the tag during a transfer, or after one that failed, gets an image that is whole.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::blob::Blob;
use super::client::{Registry, Sent, Target};
use super::digest::Digest;
use super::error::PushError;
use super::graph::Image;
use super::media::Manifest;
use super::progress::{Progress, Pushed, Report};
use super::reference::Tag;
use super::source::Source;

/// Uploads at once. Measured against a local registry, a fifth brings nothing; ECR drops connections when there are many.
const AT_ONCE: usize = 4;

/// What was moved, and what was not.
#[derive(Debug, Default)]
struct Moved {
    uploaded: usize,
    existing: usize,
    bytes: u64,
}

impl Moved {
    fn count(&mut self, blob: &Blob, sent: Sent, report: Report<'_>) {
        let (digest, bytes) = (blob.digest.clone(), blob.size);
        match sent {
            Sent::Existing => {
                self.existing += 1;
                report(Progress::Existing { digest, bytes });
            }
            Sent::Uploaded => {
                self.uploaded += 1;
                self.bytes += bytes;
                report(Progress::Uploaded { digest, bytes });
            }
        }
    }
}

/// Sees to it that the registry has the image and that all tags name it; without tags it can be had by digest.
pub async fn push(source: &Source, to: &Target, tags: &[Tag], report: Report<'_>) -> Result<Pushed, PushError> {
    let registry = Registry::new(to)?;
    let image = source.open(report).await?;
    let Some((root, children)) = image.manifests.split_last() else { return Err(nothing()) };
    report(Progress::Ready {
        blobs: image.blobs.len(),
        bytes: image.blobs.iter().map(|blob| blob.size).sum(),
    });
    let standing = stand(&registry, root, tags, report).await?;
    let moved = match standing.manifest {
        Presence::There => Moved { existing: image.blobs.len(), ..Moved::default() },
        Presence::Missing => {
            let moved = move_blobs(&registry, &image, report).await?;
            write_children(&registry, children, report).await?;
            moved
        }
    };
    name(&registry, root, tags, &standing, report).await?;
    Ok(Pushed {
        digest: root.digest.clone(),
        media_type: root.media_type.clone(),
        tags: tags.to_vec(),
        uploaded: moved.uploaded,
        mounted: 0,
        existing: moved.existing,
        mount_refused: 0,
        bytes_moved: moved.bytes,
        facts: image.facts,
    })
}

/// The digest that a tag or a digest names in the registry; `None` when there is no such manifest, or no such repository.
pub async fn resolve(target: &Target, name: &Name<'_>, report: Report<'_>) -> Result<Option<Digest>, PushError> {
    Registry::new(target)?.resolve(name.text(), report).await
}

/// What a manifest is asked for by.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// By a tag.
    Tag(&'a Tag),
    /// By its digest.
    Digest(&'a Digest),
}

impl Name<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

/// What the registry has before anything is moved.
struct Standing {
    manifest: Presence,
    /// Tags that do not name the image yet.
    missing: Vec<Tag>,
}

/// Whether the registry has a manifest, and with it all that it points at: registries take none that is not whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Missing,
}

async fn stand(registry: &Registry, root: &Manifest, tags: &[Tag], report: Report<'_>) -> Result<Standing, PushError> {
    let mut missing = Vec::new();
    for tag in tags {
        if presence(registry, tag.as_str(), root, report).await? == Presence::Missing {
            missing.push(tag.clone());
        }
    }
    let named = missing.len() < tags.len();
    let manifest = if named { Presence::There } else { presence(registry, root.digest.as_str(), root, report).await? };
    Ok(Standing { manifest, missing })
}

/// Whoever may write need not be allowed to read; then everything counts as missing, and is compared blob by blob.
async fn presence(registry: &Registry, name: &str, wanted: &Manifest, report: Report<'_>) -> Result<Presence, PushError> {
    match registry.resolve(name, report).await {
        Ok(Some(digest)) if digest == wanted.digest => Ok(Presence::There),
        Ok(_) | Err(PushError::Denied { .. }) => Ok(Presence::Missing),
        Err(error) => Err(error),
    }
}

async fn move_blobs(registry: &Registry, image: &Image, report: Report<'_>) -> Result<Moved, PushError> {
    let mut moved = Moved::default();
    // Collected first: a stream of closures that borrow would make the whole transfer a future that cannot be sent.
    let waiting: Vec<_> = image.blobs.iter().map(|blob| bring(registry, blob, report)).collect();
    let mut arriving = stream::iter(waiting).buffer_unordered(AT_ONCE);
    while let Some((blob, sent)) = arriving.try_next().await? {
        moved.count(blob, sent, report);
    }
    Ok(moved)
}

async fn bring<'a>(registry: &Registry, blob: &'a Blob, report: Report<'_>) -> Result<(&'a Blob, Sent), PushError> {
    Ok((blob, registry.bring(blob, report).await?))
}

/// One by one: ECR takes ten manifests a second from a whole account.
async fn write_children(registry: &Registry, children: &[Manifest], report: Report<'_>) -> Result<(), PushError> {
    for child in children {
        if presence(registry, child.digest.as_str(), child, report).await? == Presence::Missing {
            registry.put_manifest(child, report).await?;
        }
    }
    Ok(())
}

async fn name(registry: &Registry, root: &Manifest, tags: &[Tag], standing: &Standing, report: Report<'_>) -> Result<(), PushError> {
    if tags.is_empty() && standing.manifest == Presence::Missing {
        registry.put_manifest(root, report).await?;
    }
    for tag in tags {
        if standing.missing.contains(tag) {
            registry.tag(root, tag, report).await?;
        }
        report(Progress::Tagged { tag: tag.clone() });
    }
    Ok(())
}

fn nothing() -> PushError {
    PushError::Source(super::error::SourceError::Export { reason: "it holds no manifest".to_owned() })
}
