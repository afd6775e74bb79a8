//! PURE: the backup of a database before its migration, as the user asked for it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest identifier that RDS takes.
const MAX_IDENTIFIER: usize = 63;

/// A backup that is made, and waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRequest {
    /// What is backed up.
    pub database: Database,
    /// How long that may take.
    pub timeout: Duration,
}

/// A database of which RDS makes snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Database {
    /// An instance, by its identifier.
    Instance(String),
    /// A cluster, of Aurora or Multi-AZ, by its identifier.
    Cluster(String),
}

impl Database {
    /// The database that `rds:INSTANCE` or `rds-cluster:CLUSTER` names.
    pub fn from_input(text: &str) -> Option<Self> {
        let (kind, name) = text.trim().split_once(':')?;
        let name = name.to_owned();
        is_identifier(&name).then_some(())?;
        match kind {
            "rds" => Some(Self::Instance(name)),
            "rds-cluster" => Some(Self::Cluster(name)),
            _ => None,
        }
    }

    /// Its identifier.
    pub fn identifier(&self) -> &str {
        match self {
            Self::Instance(name) | Self::Cluster(name) => name,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => write!(out, "RDS instance {name}"),
            Self::Cluster(name) => write!(out, "RDS cluster {name}"),
        }
    }
}

/// Whether RDS takes it for a name: letters, digits and single hyphens, a letter first.
pub fn is_identifier(text: &str) -> bool {
    text.len() <= MAX_IDENTIFIER && is_snapshot_identifier(text)
}

/// Whether RDS takes it for the name of a snapshot, which may be longer.
pub fn is_snapshot_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 255
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        && !text.ends_with('-')
        && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_and_clusters_are_told_apart_and_nothing_else_is_taken() {
        let table = [
            ("rds:orders", Some("RDS instance orders")),
            (" rds:Orders-2 ", Some("RDS instance Orders-2")),
            ("rds-cluster:orders", Some("RDS cluster orders")),
            ("orders", None),
            ("rds:", None),
            ("rds:2orders", None),
            ("rds:orders-", None),
            ("rds:or--ders", None),
            ("rds:or ders", None),
            ("dynamodb:orders", None),
            ("rds:arn:aws:rds:eu-central-1:1:db:orders", None),
        ];
        for (text, expected) in table {
            let database = Database::from_input(text).map(|database| database.to_string());
            assert_eq!(database.as_deref(), expected, "{text}");
        }
        assert!(!is_identifier(&"a".repeat(64)));
    }
}
