//! RDS: snapshots of instances and clusters.

use serde_json::{Map, Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService, text};
use super::{Aws, AwsError};
use crate::documents::backup::Database;

const RDS: SignedService = SignedService {
    signing_name: "rds",
    host: "rds",
    id: "RDS",
    protocol: SignedProtocol::Query("2014-10-31"),
};
/// A page has at most 100 snapshots; an account has at most 100 manual ones a region, unless AWS has
/// raised that.
const MAX_PAGES: usize = 20;

/// A snapshot, as RDS shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatabaseSnapshot {
    /// Its identifier.
    pub id: String,
    /// `creating`, `available`, `failed` and others.
    pub status: String,
    /// How much of it is done, where RDS says so.
    pub percent: Option<u8>,
    /// Since when it exists, in seconds since 1970; none where it is only being made.
    pub created_at: Option<f64>,
}

impl DatabaseSnapshot {
    /// Whether it can be restored from.
    pub fn is_available(&self) -> bool {
        self.status == "available"
    }

    /// Whether it is still being made.
    pub fn is_being_made(&self) -> bool {
        self.status == "creating"
    }

    fn read(snapshot: &Value, names: &Names) -> Self {
        let member = |name: &str| text(&snapshot[name]);
        Self {
            id: member(names.snapshot_id).unwrap_or_default().to_owned(),
            status: member("Status").unwrap_or_default().to_owned(),
            percent: member("PercentProgress").and_then(|text| text.parse().ok()),
            // A copy is as old as what was copied.
            created_at: member("OriginalSnapshotCreateTime")
                .or_else(|| member("SnapshotCreateTime"))
                .and_then(crate::clock::parse_rfc3339),
        }
    }
}

/// The names of what is asked, and answered, for one kind of database.
struct Names {
    describe: &'static str,
    create: &'static str,
    snapshot: &'static str,
    snapshots: &'static str,
    snapshot_id: &'static str,
    database_id: &'static str,
}

fn names(database: &Database) -> Names {
    match database {
        Database::Instance(_) => Names {
            describe: "rds:DescribeDBSnapshots",
            create: "rds:CreateDBSnapshot",
            snapshot: "DBSnapshot",
            snapshots: "DBSnapshots",
            snapshot_id: "DBSnapshotIdentifier",
            database_id: "DBInstanceIdentifier",
        },
        Database::Cluster(_) => Names {
            describe: "rds:DescribeDBClusterSnapshots",
            create: "rds:CreateDBClusterSnapshot",
            snapshot: "DBClusterSnapshot",
            snapshots: "DBClusterSnapshots",
            snapshot_id: "DBClusterSnapshotIdentifier",
            database_id: "DBClusterIdentifier",
        },
    }
}

impl Aws {
    /// The snapshots of a database that people and runs have made, in no order.
    ///
    /// # Errors
    /// They could not be read. A database that does not exist has none.
    pub async fn list_snapshots(
        &self,
        database: &Database,
    ) -> Result<Vec<DatabaseSnapshot>, AwsError> {
        self.read_snapshots(database, Some("manual")).await
    }

    /// When the newest snapshot that can be restored was made, in seconds since 1970, by hand or by
    /// RDS itself; none where there is none, also where there is no such database.
    ///
    /// # Errors
    /// They could not be read.
    pub async fn newest_snapshot(&self, database: &Database) -> Result<Option<f64>, AwsError> {
        let snapshots = self.read_snapshots(database, None).await?;
        let restorable = snapshots.iter().filter(|snapshot| snapshot.is_available());
        Ok(restorable
            .filter_map(|snapshot| snapshot.created_at)
            .reduce(f64::max))
    }

    /// The snapshots of one origin, or of all of them.
    async fn read_snapshots(
        &self,
        database: &Database,
        origin: Option<&str>,
    ) -> Result<Vec<DatabaseSnapshot>, AwsError> {
        let names = names(database);
        let call = SignedCall::new(RDS, names.describe, self.partition.region());
        let (mut snapshots, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut input = json!({ names.database_id: database.identifier() });
            if let Some(origin) = origin {
                input["SnapshotType"] = origin.into();
            }
            if let Some(marker) = marker.take() {
                input["Marker"] = marker.into();
            }
            let answer = self.read_signed(call, &input).await?;
            snapshots.extend(list(&answer, &names));
            marker = text(&answer["Marker"])
                .filter(|marker| !marker.is_empty())
                .map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(snapshots)
    }

    /// Begins to make a snapshot.
    ///
    /// # Errors
    /// It was not begun; where no answer came it may have been.
    pub async fn create_snapshot(
        &self,
        database: &Database,
        id: &str,
        tags: &[(&str, &str)],
    ) -> Result<DatabaseSnapshot, AwsError> {
        let names = names(database);
        let call = SignedCall::new(RDS, names.create, self.partition.region());
        let numbered = (1..).zip(tags).map(|(number, (key, value))| {
            let number: u32 = number;
            (number.to_string(), json!({ "Key": key, "Value": value }))
        });
        let tags: Map<String, Value> = numbered.collect();
        let input = json!({
            names.snapshot_id: id, names.database_id: database.identifier(), "Tags": { "Tag": tags },
        });
        let answer = self
            .write_retry
            .send(async || self.send_signed(call, &input).await)
            .await?;
        let made = &answer[names.snapshot];
        if made.is_object() {
            Ok(DatabaseSnapshot::read(made, &names))
        } else {
            Err(AwsError::incomplete_answer(names.create, "the snapshot"))
        }
    }
}

/// The snapshots of an answer: several are a list, a single one has its name.
fn list(answer: &Value, names: &Names) -> Vec<DatabaseSnapshot> {
    let listed = match &answer[names.snapshots] {
        Value::Array(several) => several.iter().collect(),
        Value::Object(one) => one.values().collect(),
        _ => Vec::new(),
    };
    listed
        .into_iter()
        .map(|snapshot| DatabaseSnapshot::read(snapshot, names))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_snapshot_and_several_are_read_with_their_progress_and_their_time() {
        let names = names(&Database::Instance("orders".into()));
        let one = json!({ "DBSnapshotIdentifier": "one", "Status": "available", "PercentProgress": "100", "SnapshotCreateTime": "2026-11-30T17:00:00.5Z" });
        let other = json!({ "DBSnapshotIdentifier": "two", "Status": "creating" });
        let read = list(&json!({ "DBSnapshots": [one, other] }), &names);
        assert!(read[0].is_available() && read[1].is_being_made());
        assert_eq!(
            (read[0].percent, read[0].created_at.map(f64::floor)),
            (Some(100), Some(1_796_058_000.0))
        );
        assert_eq!((read[1].percent, read[1].created_at), (None, None));
        let single = list(&json!({ "DBSnapshots": { "DBSnapshot": one } }), &names);
        assert_eq!(single, [read[0].clone()]);
        assert_eq!(list(&json!({ "DBSnapshots": "" }), &names), []);
    }
}
