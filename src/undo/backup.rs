//! The backup that was made before a migration. Nothing undoes it: it is kept, and that is said.

use serde::{Deserialize, Serialize};

use crate::documents::backup::{Database, is_identifier, is_snapshot_identifier};

/// A snapshot of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupUndo {
    /// What was backed up.
    pub database: Database,
    /// The identifier of the snapshot.
    pub snapshot: String,
}

impl BackupUndo {
    /// The snapshot, in words.
    pub fn describe(&self) -> String {
        format!("snapshot {} of {}", self.snapshot, self.database)
    }

    /// Whether it can be one of ours: it is only spoken of.
    pub fn is_plausible(&self) -> bool {
        is_identifier(self.database.identifier()) && is_snapshot_identifier(&self.snapshot)
    }
}
