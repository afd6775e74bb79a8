//! The transfer as a straight line: look, read, compare, blobs, manifests, tags.
//!
//! The order is what makes it safe: a manifest is written when everything that it points at is
//! there, and a tag moves last, so whoever pulls the tag during a transfer, or after one that
//! failed, gets an image that is whole. Where the image is only trusted once it serves, a tag that
//! names another image is left for [`retag`].

use std::collections::{HashSet, VecDeque};

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryFutureExt};
use tokio::sync::mpsc;
use url::Url;

use super::blob::Blob;
use super::client::{Found, Registry, Sent, Target};
use super::digest::Digest;
use super::error::{PushError, SourceError, is_ecr};
use super::graph::Image;
use super::known::Known;
use super::media::Manifest;
use super::progress::{Progress, Pushed, Report, Root};
use super::reference::Tag;
use super::source::Source;
use super::standing::{Inventory, Named};

/// Uploads at once. Measured against a local registry, a fifth brings nothing; ECR drops
/// connections when there are many.
const UPLOADS: usize = 4;
/// Questions at once: they are small, and ECR answers a thousand a second.
const QUESTIONS: usize = 12;
/// Blobs that were read and wait for the network.
const READ_AHEAD: usize = 8;
/// ECR's quota for one layer (Amazon ECR service quotas: 52,000 MiB).
const LARGEST_IN_ECR: u64 = 52_000 * 1024 * 1024;

/// What the image is to be called in the repository, and what helps to bring it there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delivery<'a> {
    /// The names; without one the image can be had by digest.
    pub tags: &'a [Tag],
    /// Those among them that cannot be moved when they name something else.
    pub immutable: &'a [Tag],
    /// Which of the names are left for later: [`retag`] gives them to the image then.
    pub later: Later<'a>,
    /// Images of the repository that the new one may share layers with, such as the one that runs.
    pub alike: &'a [Digest],
}

/// Which tags a push leaves as they are.
#[derive(Debug, Clone, Copy, Default)]
pub enum Later<'a> {
    /// None: after the push all of them name the image.
    #[default]
    Nothing,
    /// Those that name another image, or that nobody may read, and these whatever they name.
    OfOthers(&'a [Tag]),
}

impl Later<'_> {
    /// Whether a tag waits; `names` is the image that it is known to name.
    fn has(self, tag: &Tag, names: &Named) -> bool {
        match self {
            Self::Nothing => false,
            Self::OfOthers(always) => always.contains(tag) || *names != Named::Nothing,
        }
    }
}

/// What was moved, and what was not.
#[derive(Debug, Default)]
struct Moved {
    uploaded: usize,
    mounted: usize,
    existing: usize,
    mount_refused: usize,
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
            Sent::Mounted => {
                self.mounted += 1;
                report(Progress::Mounted { digest, bytes });
            }
            Sent::Uploaded | Sent::Copied => {
                self.uploaded += 1;
                self.bytes += bytes;
                self.mount_refused += usize::from(sent == Sent::Copied);
                report(Progress::Uploaded { digest, bytes });
            }
        }
    }
}

/// Sees to it that the registry has the image and that all tags name it.
pub async fn push(
    source: &Source,
    to: &Target,
    delivery: Delivery<'_>,
    report: Report<'_>,
) -> Result<Pushed, PushError> {
    let registry = Registry::new(to)?;
    let standing = Inventory::read(&registry, source, delivery, report).await?;
    standing.allows(&registry, source, delivery)?;
    let transfer = Transfer {
        registry: &registry,
        source,
        delivery,
        report,
    };
    match transfer.run(&standing).await {
        // What was believed to be there is not: everything is asked for once more, and sent where
        // it is missing.
        Err(PushError::ContentsMissing { message, .. }) => {
            report(Progress::Healing { reason: message });
            transfer.run(&standing.forgotten()).await
        }
        result => result,
    }
}

/// The digest that a tag or a digest names in the registry; `None` when there is no such manifest,
/// or no such repository.
pub async fn resolve(
    target: &Target,
    name: &Name<'_>,
    report: Report<'_>,
) -> Result<Option<Digest>, PushError> {
    Registry::new(target)?.resolve(name.text(), report).await
}

/// Makes a tag name an image that was pushed before. A tag that does so already is not touched.
///
/// # Errors
/// The registry refuses, or cannot be reached for a while.
pub async fn retag(
    target: &Target,
    image: &Root,
    tag: &Tag,
    report: Report<'_>,
) -> Result<(), PushError> {
    let registry = Registry::new(target)?;
    let named = match registry.resolve(tag.as_str(), report).await {
        Err(PushError::Denied { .. }) => None,
        other => other?,
    };
    if named.as_ref() == Some(&image.0.digest) {
        Ok(())
    } else {
        registry.tag(&image.0, tag, report).await
    }
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

/// One try to bring the image there, with what is believed to be there.
struct Transfer<'a> {
    registry: &'a Registry,
    source: &'a Source,
    delivery: Delivery<'a>,
    report: Report<'a>,
}

impl Transfer<'_> {
    async fn run(&self, standing: &Inventory) -> Result<Pushed, PushError> {
        if let Some(root) = self.source.root().filter(|root| standing.has(&root.digest)) {
            let tags = self.name(root, standing).await?;
            let moved = Moved {
                existing: self.source.contents(),
                ..Moved::default()
            };
            return Ok(pushed(root, tags, &moved, &Image::default()));
        }
        let (intake, arriving) = mpsc::channel(READ_AHEAD);
        let reading = self
            .source
            .open(&standing.known, intake, self.report)
            .map_err(PushError::from);
        let (image, mut moved) =
            tokio::try_join!(reading, self.move_blobs(&standing.known, arriving))?;
        let Some((root, children)) = image.manifests.split_last() else {
            return Err(nothing());
        };
        moved.existing += image.present.len();
        if !standing.has(&root.digest) {
            self.write_children(children, &standing.known).await?;
        }
        let tags = self.name(root, standing).await?;
        Ok(pushed(root, tags, &moved, &image))
    }

    /// Every blob is asked for, many at once; what is missing is sent, a few at once, while more is
    /// still read.
    async fn move_blobs(
        &self,
        known: &Known,
        mut arriving: mpsc::Receiver<Blob>,
    ) -> Result<Moved, PushError> {
        let (mut asking, mut sending) = (FuturesUnordered::new(), FuturesUnordered::new());
        let (mut seen, mut missing, mut moved) =
            (HashSet::new(), VecDeque::new(), Moved::default());
        let mut more = true;
        loop {
            while sending.len() < UPLOADS
                && let Some((blob, begun)) = missing.pop_front()
            {
                sending.push(self.deliver(blob, begun));
            }
            tokio::select! {
                blob = arriving.recv(), if more && asking.len() < QUESTIONS => match blob {
                    // One flight per digest: what is named twice is sent once.
                    Some(blob) if seen.insert(blob.digest.clone()) => asking.push(self.seek(known, blob)),
                    Some(_) => {}
                    None => more = false,
                },
                Some(found) = asking.next() => match found? {
                    (blob, Found::There(sent)) => moved.count(&blob, sent, self.report),
                    (blob, Found::Missing(begun)) => missing.push_back((blob, begun)),
                },
                Some(done) = sending.next() => {
                    let (blob, sent) = done?;
                    moved.count(&blob, sent, self.report);
                }
                else => return Ok(moved),
            }
        }
    }

    async fn seek(&self, known: &Known, blob: Blob) -> Result<(Blob, Found), PushError> {
        if is_ecr(&self.registry.host()) && blob.size > LARGEST_IN_ECR {
            let (host, most) = (self.registry.host(), LARGEST_IN_ECR);
            return Err(PushError::LayerTooLarge {
                host,
                digest: blob.digest,
                size: blob.size,
                most,
            });
        }
        if known.has(&blob.digest) {
            return Ok((blob, Found::There(Sent::Existing)));
        }
        let found = self.registry.seek(&blob, self.report).await?;
        Ok((blob, found))
    }

    async fn deliver(&self, blob: Blob, begun: Option<Url>) -> Result<(Blob, Sent), PushError> {
        let sent = self.registry.deliver(&blob, begun, self.report).await?;
        Ok((blob, sent))
    }

    /// One by one: ECR takes ten manifests a second from a whole account.
    async fn write_children(&self, children: &[Manifest], known: &Known) -> Result<(), PushError> {
        for child in children
            .iter()
            .filter(|child| !known.has_manifest(&child.digest))
        {
            self.registry.put_manifest(child, self.report).await?;
        }
        Ok(())
    }

    /// Gives the image its names, but for those that wait.
    async fn name(&self, root: &Manifest, standing: &Inventory) -> Result<Tags, PushError> {
        let mut tags = Tags::default();
        for tag in self.delivery.tags {
            let named = standing.named_by(tag);
            let is_named = matches!(&named, Named::Image(digest) if *digest == root.digest);
            if !is_named && self.delivery.later.has(tag, &named) {
                tags.later.push((tag.clone(), named.image()));
                continue;
            }
            if !is_named {
                self.registry.tag(root, tag, self.report).await?;
            }
            tags.set.push(tag.clone());
            (self.report)(Progress::Tagged { tag: tag.clone() });
        }
        if tags.set.is_empty() && !standing.has(&root.digest) {
            self.registry.put_manifest(root, self.report).await?;
        }
        Ok(tags)
    }
}

/// The names of an image once it was pushed.
#[derive(Debug, Default)]
struct Tags {
    set: Vec<Tag>,
    later: Vec<(Tag, Option<Digest>)>,
}

fn pushed(root: &Manifest, tags: Tags, moved: &Moved, image: &Image) -> Pushed {
    Pushed {
        digest: root.digest.clone(),
        media_type: root.media_type.clone(),
        root: Root(root.clone()),
        tags: tags.set,
        later: tags.later,
        uploaded: moved.uploaded,
        mounted: moved.mounted,
        existing: moved.existing,
        mount_refused: moved.mount_refused,
        bytes_moved: moved.bytes,
        facts: image.facts.clone(),
    }
}

fn nothing() -> PushError {
    PushError::Source(SourceError::Export {
        reason: "it holds no manifest".to_owned(),
    })
}
