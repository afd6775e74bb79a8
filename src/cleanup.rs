//! PURE: which revisions and images nothing needs any more, and why each of the others stays.
//!
//! What could not be read may be a use of anything: then nothing goes.

#[cfg(test)]
mod properties;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What there is, and what uses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanupWorld {
    /// The ACTIVE revisions of the service's family.
    pub revisions: Vec<FamilyRevision>,
    /// Who needs which revision.
    pub revision_uses: Vec<RevisionUse>,
    /// The images of the repository; empty where none is cleaned.
    pub images: Vec<StoredImage>,
    /// Who needs which image of the repository, besides the revisions of the family.
    pub image_uses: Vec<ImageUse>,
    /// Reads that failed, each with what may be used unseen.
    pub unread: Vec<String>,
}

/// Who registered a revision, where AWS does not say.
pub const UNKNOWN_PRINCIPAL: &str = "somebody";

/// A revision of the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyRevision {
    /// `FAMILY:NUMBER`.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// Who registered it, where that was somebody else than who deploys the service; none where it
    /// was not.
    pub registered_by: Option<String>,
    /// The images of the repository that its containers name.
    pub images: Vec<ImageName>,
}

/// Something that needs a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionUse {
    /// `FAMILY:NUMBER`; `FAMILY` where its newest revision is meant.
    pub revision: String,
    /// What needs it, as in "the service api".
    pub by: String,
}

/// An image of the repository, as a container names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageName {
    /// By its digest, `sha256:…`.
    Digest(String),
    /// By a tag.
    Tag(String),
}

/// Something that needs an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// The image.
    pub image: ImageName,
    /// What needs it.
    pub by: String,
}

/// An image or an index of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredImage {
    /// `sha256:…`.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was pushed, in seconds since 1970.
    pub pushed_seconds: i64,
    /// Its size in bytes.
    pub bytes: u64,
    /// The digests of what an index names.
    pub parts: Vec<String>,
    /// The image that a signature or an attestation is about.
    pub subject: Option<String>,
}

/// How many are kept although nothing needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptCounts {
    /// The newest revisions.
    pub revisions: usize,
    /// The newest images, those of indexes and what is signed not counted.
    pub images: usize,
}

/// What becomes of a revision or an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Nothing needs it.
    Goes,
    /// Something needs it, or it is one of the newest: why it stays.
    Stays(String),
}

impl Fate {
    /// Whether it goes.
    pub fn goes(&self) -> bool {
        *self == Self::Goes
    }
}

/// What becomes of everything, in the order in which it can go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanupDecision {
    /// Revisions by their names, oldest first.
    pub revisions: Vec<(FamilyRevision, Fate)>,
    /// Images: indexes first, newest first; then the others, oldest first.
    pub images: Vec<(StoredImage, Fate)>,
}

impl CleanupDecision {
    /// The revisions that go.
    pub fn revisions_to_go(&self) -> impl Iterator<Item = &FamilyRevision> {
        let going = self.revisions.iter().filter(|(_, fate)| fate.goes());
        going.map(|(revision, _)| revision)
    }

    /// The images that go.
    pub fn images_to_go(&self) -> impl Iterator<Item = &StoredImage> {
        let going = self.images.iter().filter(|(_, fate)| fate.goes());
        going.map(|(image, _)| image)
    }
}

impl CleanupWorld {
    /// Only revisions of whoever registered what serves, and of the caller, may go.
    pub fn claim_revisions(&mut self, serving: &str, caller: Option<&str>) {
        let deployer = self
            .revisions
            .iter()
            .find(|revision| revision.name == serving)
            .and_then(|revision| revision.registered_by.clone())
            .filter(|by| by != UNKNOWN_PRINCIPAL);
        let is_own = |by: &String| Some(by) == deployer.as_ref() || Some(by.as_str()) == caller;
        for revision in &mut self.revisions {
            revision.registered_by.take_if(|by| is_own(by));
        }
    }
}

/// What becomes of each revision and image.
pub fn decide(world: &CleanupWorld, kept: KeptCounts) -> CleanupDecision {
    let revisions = decide_revisions(world, kept.revisions);
    let images = decide_images(world, &revisions, kept.images);
    CleanupDecision { revisions, images }
}

fn decide_revisions(world: &CleanupWorld, kept: usize) -> Vec<(FamilyRevision, Fate)> {
    let mut revisions = world.revisions.clone();
    revisions.sort_by_key(|revision| revision.number);
    let oldest_kept = revisions.len().saturating_sub(kept.max(1));
    let newest = revisions.last().map(|revision| revision.name.clone());
    let fates: Vec<Fate> = revisions
        .iter()
        .enumerate()
        .map(|(at, revision)| {
            let is_newest = newest.as_ref() == Some(&revision.name);
            find_revision_use(world, revision, is_newest)
                .or_else(|| (at >= oldest_kept).then(|| newest_words(kept)))
                .or_else(|| {
                    let by = revision.registered_by.as_ref()?;
                    Some(format!("it was registered by {by}"))
                })
                .or_else(|| unread_words(world))
                .map_or(Fate::Goes, Fate::Stays)
        })
        .collect();
    revisions.into_iter().zip(fates).collect()
}

fn find_revision_use(
    world: &CleanupWorld,
    revision: &FamilyRevision,
    is_newest: bool,
) -> Option<String> {
    let family = revision.name.rsplit_once(':').map(|(family, _)| family);
    let needs = |used: &&RevisionUse| {
        used.revision == revision.name || (is_newest && Some(used.revision.as_str()) == family)
    };
    let found = world.revision_uses.iter().find(needs)?;
    Some(format!("{} uses it", found.by))
}

fn newest_words(kept: usize) -> String {
    match kept {
        0 | 1 => "it is the newest".to_owned(),
        _ => format!("it is one of the newest {kept}"),
    }
}

fn unread_words(world: &CleanupWorld) -> Option<String> {
    let first = world.unread.first()?;
    Some(format!("it may be used: {first}"))
}

/// Why images stay, by their digests.
type Reasons = BTreeMap<String, String>;

fn decide_images(
    world: &CleanupWorld,
    revisions: &[(FamilyRevision, Fate)],
    kept: usize,
) -> Vec<(StoredImage, Fate)> {
    let mut reasons = find_image_uses(world, revisions);
    keep_newest(world, kept, &mut reasons);
    keep_what_belongs(world, &mut reasons);
    let mut images = world.images.clone();
    images.sort_by(|one, other| {
        // An index of indexes was pushed after them.
        let order = |image: &StoredImage| {
            if image.parts.is_empty() {
                (1, image.pushed_seconds)
            } else {
                (0, -image.pushed_seconds)
            }
        };
        order(one)
            .cmp(&order(other))
            .then_with(|| one.digest.cmp(&other.digest))
    });
    images
        .into_iter()
        .map(|image| {
            let why = reasons
                .remove(&image.digest)
                .or_else(|| unread_words(world));
            (image, why.map_or(Fate::Goes, Fate::Stays))
        })
        .collect()
}

/// The images that something needs: uses of others, and the revisions that stay.
fn find_image_uses(world: &CleanupWorld, revisions: &[(FamilyRevision, Fate)]) -> Reasons {
    let staying = revisions.iter().filter(|(_, fate)| !fate.goes());
    let of_revisions = staying.flat_map(|(revision, _)| {
        let names = revision.images.iter();
        names.map(|image| (image, format!("{} names it", revision.name)))
    });
    let of_others = world
        .image_uses
        .iter()
        .map(|used| (&used.image, format!("{} uses it", used.by)));
    let mut reasons = Reasons::new();
    for (name, why) in of_others.chain(of_revisions) {
        for image in world.images.iter().filter(|image| image.is_named(name)) {
            reasons.entry(image.digest.clone()).or_insert(why.clone());
        }
    }
    reasons
}

impl StoredImage {
    fn is_named(&self, name: &ImageName) -> bool {
        match name {
            ImageName::Digest(digest) => self.digest == *digest,
            ImageName::Tag(tag) => self.tags.contains(tag),
        }
    }
}

fn keep_newest(world: &CleanupWorld, kept: usize, reasons: &mut Reasons) {
    let parts: BTreeSet<&String> = world.images.iter().flat_map(|image| &image.parts).collect();
    let mut whole: Vec<&StoredImage> = world
        .images
        .iter()
        .filter(|image| image.subject.is_none() && !parts.contains(&image.digest))
        .collect();
    whole.sort_by_key(|image| (std::cmp::Reverse(image.pushed_seconds), &image.digest));
    for image in whole.into_iter().take(kept.max(1)) {
        let why = || newest_words(kept);
        reasons.entry(image.digest.clone()).or_insert_with(why);
    }
}

/// What an index that stays names, an index of which a part stays (ECS may name a task's image by
/// either), and what is about an image that stays: until nothing more belongs.
fn keep_what_belongs(world: &CleanupWorld, reasons: &mut Reasons) {
    loop {
        let before = reasons.len();
        for image in &world.images {
            if let Some(why) = find_bond(image, reasons) {
                reasons
                    .entry(image.digest.clone())
                    .or_insert_with(|| why.to_owned());
            }
            if reasons.contains_key(&image.digest) {
                for part in &image.parts {
                    let why = || format!("{} names it", image.describe());
                    reasons.entry(part.clone()).or_insert_with(why);
                }
            }
        }
        if reasons.len() == before {
            return;
        }
    }
}

fn find_bond(image: &StoredImage, reasons: &Reasons) -> Option<&'static str> {
    let stays = |digest: &String| reasons.contains_key(digest);
    if image.parts.iter().any(stays) {
        Some("it names an image that stays")
    } else if image.subject.as_ref().is_some_and(stays) {
        Some("it is about an image that stays")
    } else {
        None
    }
}

impl StoredImage {
    /// Its first tag, else its digest, shortened.
    pub fn describe(&self) -> String {
        let short = || self.digest.chars().take(19).collect();
        self.tags.first().cloned().unwrap_or_else(short)
    }
}
