//! RDS: snapshots of instances and clusters.

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const RDS: SignedService = SignedService {
    signing_name: "rds",
    host: "rds",
    id: "RDS",
    protocol: SignedProtocol::Query("2014-10-31"),
};
/// A page has a hundred snapshots.
const MAX_PAGES: usize = 20;
/// The state of a snapshot that can be restored.
const AVAILABLE: &str = "available";

/// Whose snapshots are listed.
#[derive(Debug, Clone, Copy)]
pub enum SnapshotOwner<'a> {
    /// An instance, by its identifier.
    Instance(&'a str),
    /// A cluster of Aurora, or a Multi-AZ cluster, by its identifier.
    Cluster(&'a str),
}

impl Aws {
    /// When the newest snapshot that can be restored was made, in seconds since 1970; none where
    /// there is none, also where there is no such database.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn newest_snapshot(&self, owner: SnapshotOwner<'_>) -> Result<Option<f64>, AwsError> {
        let (call, member, id) = self.list_call(owner);
        let (mut newest, mut marker) = (None::<f64>, None::<String>);
        for _ in 0..MAX_PAGES {
            let mut input = json!({ member: id });
            if let Some(marker) = marker.take() {
                input["Marker"] = json!(marker);
            }
            let answer = self.read_signed(call, &input).await?;
            let times = snapshots(&answer).into_iter().filter_map(available_since);
            newest = times.chain(newest).reduce(f64::max);
            match answer["Marker"]
                .as_str()
                .filter(|marker| !marker.is_empty())
            {
                Some(next) => marker = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(newest)
    }

    fn list_call<'a>(
        &'a self,
        owner: SnapshotOwner<'a>,
    ) -> (SignedCall<'a>, &'static str, &'a str) {
        let call = |action| SignedCall::new(RDS, action, self.partition.region());
        match owner {
            SnapshotOwner::Instance(id) => {
                (call("rds:DescribeDBSnapshots"), "DBInstanceIdentifier", id)
            }
            SnapshotOwner::Cluster(id) => (
                call("rds:DescribeDBClusterSnapshots"),
                "DBClusterIdentifier",
                id,
            ),
        }
    }
}

/// The snapshots of an answer: a list, or a single one below its name.
fn snapshots(answer: &Value) -> Vec<&Value> {
    let [instances, clusters] = ["DBSnapshots", "DBClusterSnapshots"].map(|name| &answer[name]);
    let list = if instances.is_null() {
        clusters
    } else {
        instances
    };
    match list {
        Value::Array(several) => several.iter().collect(),
        Value::Object(one) => one.values().collect(),
        _ => Vec::new(),
    }
}

fn available_since(snapshot: &Value) -> Option<f64> {
    let created = snapshot["SnapshotCreateTime"].as_str()?;
    crate::clock::parse_rfc3339(created).filter(|_| snapshot["Status"] == AVAILABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_snapshot_and_several_are_read_and_only_those_that_are_complete() {
        let snapshot = |status: &str| json!({ "SnapshotCreateTime": "2026-11-30T17:00:00.5Z", "Status": status });
        let times = |list: Value| {
            let answer = json!({ "DBClusterSnapshots": list });
            snapshots(&answer)
                .into_iter()
                .filter_map(available_since)
                .map(f64::floor)
                .collect::<Vec<_>>()
        };
        let one = json!({ "DBClusterSnapshot": snapshot("available") });
        assert_eq!(times(one), [1_796_058_000.0]);
        let several = json!([snapshot("creating"), snapshot("available")]);
        assert_eq!(times(several), [1_796_058_000.0]);
        assert!(times(json!("")).is_empty());
    }
}
