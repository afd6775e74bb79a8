//! RDS: manual snapshots of instances and clusters.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Answer, Input, ServiceError};
use crate::account::{Location, Snapshot};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::{DatabaseKind, DatabaseOptions};

/// At most so many snapshots in one answer.
const MAX_PAGE: usize = 100;

/// Answers an operation of RDS.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    use DatabaseKind::{Cluster, Instance};
    Some(match operation {
        "CreateDBSnapshot" => create(cloud, Instance, input),
        "CreateDBClusterSnapshot" => create(cloud, Cluster, input),
        "DescribeDBSnapshots" => Ok(describe(cloud, Instance, input)),
        "DescribeDBClusterSnapshots" => Ok(describe(cloud, Cluster, input)),
        _ => return None,
    })
}

/// What the members and errors of one kind of database are called.
struct Words {
    snapshot: &'static str,
    snapshots: &'static str,
    snapshot_id: &'static str,
    database_id: &'static str,
    not_found: &'static str,
    exists: &'static str,
    busy: &'static str,
    noun: &'static str,
}

const fn words(kind: DatabaseKind) -> Words {
    match kind {
        DatabaseKind::Instance => Words {
            snapshot: "DBSnapshot",
            snapshots: "DBSnapshots",
            snapshot_id: "DBSnapshotIdentifier",
            database_id: "DBInstanceIdentifier",
            not_found: "DBInstanceNotFound",
            exists: "DBSnapshotAlreadyExists",
            busy: "InvalidDBInstanceState",
            noun: "DBInstance",
        },
        DatabaseKind::Cluster => Words {
            snapshot: "DBClusterSnapshot",
            snapshots: "DBClusterSnapshots",
            snapshot_id: "DBClusterSnapshotIdentifier",
            database_id: "DBClusterIdentifier",
            not_found: "DBClusterNotFoundFault",
            exists: "DBClusterSnapshotAlreadyExistsFault",
            busy: "InvalidDBClusterStateFault",
            noun: "DBCluster",
        },
    }
}

fn create(cloud: &Cloud, kind: DatabaseKind, input: Input<'_>) -> Answer {
    let words = words(kind);
    let required = |name: &str| {
        input.text(name).ok_or_else(|| {
            ServiceError::new(
                "MissingParameter",
                format!("The request must contain the parameter {name}"),
            )
        })
    };
    let (id, name) = (required(words.snapshot_id)?, required(words.database_id)?);
    let database = find_database(cloud, kind, name)?;
    if now_ms() < cloud.began_ms.saturating_add(to_ms(database.busy_ms)) {
        let message = format!("{} {name} is not in available state.", words.noun);
        return Err(ServiceError::new(words.busy, message));
    }
    cloud.change(|account| {
        if account.snapshots.iter().any(|known| known.id == id) {
            let message = format!("Cannot create the snapshot because a snapshot with the identifier {id} already exists.");
            return Err(ServiceError::new(words.exists, message));
        }
        let mut snapshot = Snapshot::new(id, name, &database);
        snapshot.tags = read_tags(input);
        let shown = view(&account.location, &snapshot);
        account.snapshots.push(snapshot);
        Ok(json!({ words.snapshot: shown }))
    })
}

fn to_ms(duration: u64) -> i64 {
    i64::try_from(duration).unwrap_or(i64::MAX / 2)
}

fn find_database(
    cloud: &Cloud,
    kind: DatabaseKind,
    name: &str,
) -> Result<DatabaseOptions, ServiceError> {
    let words = words(kind);
    let found = cloud
        .options
        .databases
        .get(name)
        .filter(|database| database.kind == kind);
    found.cloned().ok_or_else(|| ServiceError {
        status: 404,
        ..ServiceError::new(words.not_found, format!("{} {name} not found.", words.noun))
    })
}

fn read_tags(input: Input<'_>) -> Vec<(String, String)> {
    let tags = input.get("Tags").and_then(|tags| tags.get("Tag"));
    let numbered = tags.and_then(Value::as_object).into_iter().flatten();
    let text = |tag: &Value, member: &str| Some(tag.get(member)?.as_str()?.to_owned());
    numbered
        .filter_map(|(_, tag)| Some((text(tag, "Key")?, text(tag, "Value")?)))
        .collect()
}

fn describe(cloud: &Cloud, kind: DatabaseKind, input: Input<'_>) -> Value {
    let words = words(kind);
    let wants = |kind: &str| {
        input
            .text("SnapshotType")
            .is_none_or(|wanted| wanted == kind)
    };
    let is_meant = |snapshot: &&Snapshot| {
        snapshot.kind == kind
            && wants("manual")
            && input
                .text(words.database_id)
                .is_none_or(|name| name == snapshot.database)
            && input
                .text(words.snapshot_id)
                .is_none_or(|id| id == snapshot.id)
    };
    let mut found: Vec<Value> = cloud.read(|account| {
        let manual = account.snapshots.iter().filter(is_meant);
        manual
            .map(|snapshot| view(&account.location, snapshot))
            .collect()
    });
    if wants("automated") {
        found.extend(automated_views(cloud, kind, input));
    }
    let start: usize = input
        .text("Marker")
        .and_then(|marker| marker.parse().ok())
        .unwrap_or_default();
    let page: Vec<&Value> = found.iter().skip(start).take(MAX_PAGE).collect();
    let mut answer = json!({ words.snapshots: { words.snapshot: page } });
    if found.len() > start + MAX_PAGE {
        answer["Marker"] = json!((start + MAX_PAGE).to_string());
    }
    answer
}

/// The snapshots that RDS makes by itself.
fn automated_views(cloud: &Cloud, kind: DatabaseKind, input: Input<'_>) -> Vec<Value> {
    let words = words(kind);
    let is_meant = |name: &str| {
        input
            .text(words.database_id)
            .is_none_or(|wanted| wanted == name)
    };
    let databases = cloud.options.databases.iter();
    databases
        .filter(|(name, database)| database.kind == kind && is_meant(name))
        .flat_map(|(name, database)| {
            database.automated_seconds_ago.iter().map(move |age| {
                let at = now_ms() - to_ms(age.saturating_mul(1_000));
                let id = format!("rds:{name}-{age}");
                json!({ words.snapshot_id: id, words.database_id: name, "Engine": "postgres", "AllocatedStorage": 20,
                    "Status": "available", "SnapshotType": "automated", "PercentProgress": 100, "SnapshotCreateTime": format_time(at) })
            })
        })
        .collect()
}

fn view(location: &Location, snapshot: &Snapshot) -> Value {
    let words = words(snapshot.kind);
    let kind = match snapshot.kind {
        DatabaseKind::Instance => "snapshot",
        DatabaseKind::Cluster => "cluster-snapshot",
    };
    let arn = format!(
        "arn:aws:rds:{}:{}:{kind}:{}",
        location.region, location.account, snapshot.id
    );
    let tags: Vec<Value> = snapshot
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    let mut shown = json!({
        words.snapshot_id: snapshot.id, words.database_id: snapshot.database, "Engine": "postgres", "AllocatedStorage": 20,
        "Status": snapshot.status(), "SnapshotType": "manual", "PercentProgress": snapshot.percent(), "TagList": { "Tag": tags },
    });
    let arn_member = match snapshot.kind {
        DatabaseKind::Instance => "DBSnapshotArn",
        DatabaseKind::Cluster => "DBClusterSnapshotArn",
    };
    shown[arn_member] = json!(arn);
    if let Some(at) = snapshot.created_ms() {
        shown["SnapshotCreateTime"] = json!(format_time(at));
    }
    shown
}

fn format_time(at_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}
