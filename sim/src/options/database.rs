//! Databases of RDS, of which snapshots are made.

use serde::{Deserialize, Serialize};

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseOptions {
    /// Whether it is an instance or a cluster.
    pub kind: DatabaseKind,
    /// How long a snapshot takes.
    pub snapshot_ms: u64,
    /// How long after the start of the stage RDS is busy with it by itself.
    pub busy_ms: u64,
    /// How old the snapshots are that RDS has made by itself.
    pub automated_seconds_ago: Vec<u64>,
    /// How its snapshots end.
    pub snapshots_end: SnapshotEnd,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            kind: DatabaseKind::Instance,
            snapshot_ms: 600,
            busy_ms: 0,
            automated_seconds_ago: Vec::new(),
            snapshots_end: SnapshotEnd::Available,
        }
    }
}

/// What a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseKind {
    /// An instance of RDS.
    Instance,
    /// A cluster, of Aurora or Multi-AZ.
    Cluster,
}

/// How snapshots of a database end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotEnd {
    /// They can be restored from.
    Available,
    /// RDS gives up.
    Failed,
}
