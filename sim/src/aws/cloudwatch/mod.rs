//! Amazon `CloudWatch`: which operation goes where.

mod alarms;
mod metric_data;

use std::sync::Arc;

use crate::aws::{Answer, Asked};
use crate::cloud::Cloud;

/// Answers an operation of `CloudWatch`.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "GetMetricData" => metric_data::answer(cloud, asked),
        "DescribeAlarms" => cloud.look(|account| alarms::describe(account, asked)),
        _ => return None,
    })
}
