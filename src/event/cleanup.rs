//! What `mode: cleanup` found: what goes, and why each of the others stays.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// Everything that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CleanupTable {
    /// A line for each.
    pub rows: Vec<CleanupRow>,
}

/// A revision, an image or a log group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CleanupRow {
    /// What it is.
    pub kind: CleanupKind,
    /// Its name: `api:12`, a tag or the beginning of a digest, a log group.
    pub name: String,
    /// Whether it goes.
    pub fate: CleanupFate,
    /// Why it stays, or what is changed.
    pub why: Text,
}

/// What is cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CleanupKind {
    /// A revision of the service's family.
    Revision,
    /// An image of the repository.
    Image,
    /// A log group of the service's containers.
    LogGroup,
}

impl CleanupKind {
    /// The word, for one or several.
    pub fn word(self, count: usize) -> &'static str {
        match (self, count) {
            (Self::Revision, 1) => "revision",
            (Self::Revision, _) => "revisions",
            (Self::Image, 1) => "image",
            (Self::Image, _) => "images",
            (Self::LogGroup, 1) => "log group",
            (Self::LogGroup, _) => "log groups",
        }
    }
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CleanupFate {
    /// It goes.
    Goes,
    /// It is changed.
    Changes,
    /// It stays as it is.
    Stays,
}

impl CleanupTable {
    /// How many of a kind have a fate.
    pub fn count(&self, kind: CleanupKind, fate: CleanupFate) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.kind == kind && row.fate == fate)
            .count()
    }

    /// What stays, by kind and reason, in the order of the rows.
    pub fn stays(&self) -> Vec<(CleanupKind, &Text, Vec<&str>)> {
        let mut groups: Vec<(CleanupKind, &Text, Vec<&str>)> = Vec::new();
        for row in self
            .rows
            .iter()
            .filter(|row| row.fate == CleanupFate::Stays)
        {
            let known = groups
                .iter_mut()
                .find(|(kind, why, _)| *kind == row.kind && **why == row.why);
            match known {
                Some((_, _, names)) => names.push(&row.name),
                None => groups.push((row.kind, &row.why, vec![&row.name])),
            }
        }
        groups
    }
}
