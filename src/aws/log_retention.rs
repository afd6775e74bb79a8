//! CloudWatch Logs: how long a log group keeps its lines.

use serde_json::{Value, json};

use super::signed::{SignedCall, entries};
use super::{Aws, AwsError};
use crate::aws::logs::LOGS;

/// What was found of a log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogGroupLookup {
    /// There is none of this name.
    Missing,
    /// It keeps its lines for ever.
    KeepsForEver,
    /// It keeps them for so many days.
    KeepsDays(i64),
}

impl Aws {
    /// How long a log group of exactly this name keeps its lines. Groups come in the order of
    /// their names, so that it is the first of those that begin with it.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn read_log_retention(&self, group: &str) -> Result<LogGroupLookup, AwsError> {
        let call = SignedCall::new(LOGS, "logs:DescribeLogGroups", self.partition.region());
        let input = json!({ "logGroupNamePrefix": group, "limit": 1 });
        let answer = self.read_signed(call, &input).await?;
        let found = entries(&answer["logGroups"])
            .iter()
            .find(|found| found["logGroupName"] == group);
        Ok(match found.map(|found| found["retentionInDays"].as_i64()) {
            None => LogGroupLookup::Missing,
            Some(None) => LogGroupLookup::KeepsForEver,
            Some(Some(days)) => LogGroupLookup::KeepsDays(days),
        })
    }

    /// From now on the log group keeps its lines for so many days.
    ///
    /// # Errors
    ///
    /// AWS refused, or did not answer.
    pub async fn set_log_retention(&self, group: &str, days: i64) -> Result<(), AwsError> {
        let input: Value = json!({ "logGroupName": group, "retentionInDays": days });
        self.write_retry
            .send(async || {
                let call =
                    SignedCall::new(LOGS, "logs:PutRetentionPolicy", self.partition.region());
                self.send_signed(call, &input).await.map(drop)
            })
            .await
    }
}
