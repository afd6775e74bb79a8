//! Amazon `CloudWatch`: which operation goes where.

mod alarms;
mod metric_data;

use std::sync::Arc;

use crate::aws::{Answer, Input};
use crate::cloud::Cloud;

pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetMetricData" => metric_data::answer(cloud, input),
        "DescribeAlarms" => cloud.read(|account| alarms::describe(account, input)),
        _ => return None,
    })
}
