//! CloudWatch: which of some alarms ring.

use super::error::told;
use super::{Aws, AwsError};

/// An alarm that rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// Its name.
    pub name: String,
    /// Why, in CloudWatch's words.
    pub why: String,
}

impl Aws {
    /// Those of the alarms that are in ALARM, metric and composite ones.
    pub async fn ringing(&self, names: &[String]) -> Result<Vec<Ringing>, AwsError> {
        use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
        let call = self.cloudwatch().describe_alarms().set_alarm_names(Some(names.to_vec())).state_value(StateValue::Alarm);
        let answer = told(
            "cloudwatch:DescribeAlarms",
            call.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm).send().await,
        )?;
        let metric = answer.metric_alarms().iter().map(|alarm| (alarm.alarm_name(), alarm.state_reason(), alarm.state_value()));
        let composite = answer.composite_alarms().iter().map(|alarm| (alarm.alarm_name(), alarm.state_reason(), alarm.state_value()));
        let rings = metric.chain(composite).filter(|(_, _, state)| state.is_some_and(|state| state.as_str() == "ALARM"));
        Ok(rings.map(|(name, why, _)| Ringing { name: name.unwrap_or_default().into(), why: why.unwrap_or_default().into() }).collect())
    }
}
