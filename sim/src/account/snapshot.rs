//! A snapshot that RDS makes of a database.

use crate::clock::now_ms;
use crate::options::{DatabaseKind, DatabaseOptions, SnapshotEnd};

/// A manual snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) database: String,
    pub(crate) kind: DatabaseKind,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) begun_ms: i64,
    takes_ms: i64,
    end: SnapshotEnd,
}

impl Snapshot {
    pub(crate) fn new(id: &str, database: &str, options: &DatabaseOptions) -> Self {
        Self {
            id: id.to_owned(),
            database: database.to_owned(),
            kind: options.kind,
            tags: Vec::new(),
            begun_ms: now_ms(),
            takes_ms: i64::try_from(options.snapshot_ms).unwrap_or(i64::MAX / 2),
            end: options.snapshots_end,
        }
    }

    /// How much of it is done, in percent.
    pub(crate) fn percent(&self) -> i64 {
        let passed = now_ms().saturating_sub(self.begun_ms);
        (passed.saturating_mul(100) / self.takes_ms.max(1)).clamp(0, 100)
    }

    pub(crate) fn status(&self) -> &'static str {
        match self.end {
            _ if self.percent() < 100 => "creating",
            SnapshotEnd::Available => "available",
            SnapshotEnd::Failed => "failed",
        }
    }

    /// RDS shows the time once the snapshot is there.
    pub(crate) fn created_ms(&self) -> Option<i64> {
        (self.status() == "available").then_some(self.begun_ms)
    }
}
