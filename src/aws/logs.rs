//! CloudWatch Logs: the last lines of a container.

use super::error::told;
use super::{Aws, AwsError};

impl Aws {
    /// The last lines of a log stream, oldest first.
    pub async fn last_lines(&self, group: &str, stream: &str, lines: i32) -> Result<Vec<String>, AwsError> {
        let call = self.logs().get_log_events().log_group_name(group).log_stream_name(stream).limit(lines).start_from_head(false);
        let answer = told("logs:GetLogEvents", call.send().await)?;
        Ok(answer.events().iter().filter_map(|event| event.message().map(str::to_owned)).collect())
    }
}
