//! CloudWatch Logs: whether a log group exists.

use serde_json::json;

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const LOGS: SignedService = SignedService {
    signing_name: "logs",
    host: "logs",
    id: "CloudWatch Logs",
    protocol: SignedProtocol::Json("Logs_20140328"),
};
/// The action by which log groups are looked for.
pub const DESCRIBE_LOG_GROUPS: &str = "logs:DescribeLogGroups";

impl Aws {
    /// Whether a log group of exactly this name exists. Groups come in the order of their names, so
    /// that it would be the first of those that begin with it.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn has_log_group(&self, region: &str, name: &str) -> Result<bool, AwsError> {
        let call = SignedCall {
            service: LOGS,
            action: DESCRIBE_LOG_GROUPS,
            region,
            host: None,
            path: "/",
            operation: "DescribeLogGroups",
        };
        let input = json!({ "logGroupNamePrefix": name, "limit": 1 });
        let answer = self.read_signed(call, &input).await?;
        let groups = answer["logGroups"].as_array().into_iter().flatten();
        Ok(groups
            .into_iter()
            .any(|group| group["logGroupName"] == name))
    }
}
