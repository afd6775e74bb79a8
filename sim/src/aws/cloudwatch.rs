//! Amazon `CloudWatch`: the alarms and their states.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Asked};
use crate::account::{Account, Alarm, seconds};
use crate::cloud::Cloud;
use crate::options::AlarmState;

/// Answers an operation of `CloudWatch`.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    match operation {
        "DescribeAlarms" => Some(Ok(cloud.look(|account| alarms(account, asked)))),
        _ => None,
    }
}

fn alarms(account: &Account, asked: Asked<'_>) -> Value {
    let (names, prefix, state) = (asked.texts("AlarmNames"), asked.text("AlarmNamePrefix"), asked.text("StateValue"));
    let fits = |(name, alarm): &(&String, &Alarm)| {
        (names.is_empty() || names.contains(&name.as_str()))
            && prefix.is_none_or(|prefix| name.starts_with(prefix))
            && state.is_none_or(|state| state == state_value(alarm.state))
    };
    let found: Vec<Value> = account.alarms.iter().filter(fits).map(|(name, alarm)| view(account, name, *alarm)).collect();
    json!({ "CompositeAlarms": [], "MetricAlarms": found })
}

const fn state_value(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Ok => "OK",
        AlarmState::Alarm => "ALARM",
        AlarmState::InsufficientData => "INSUFFICIENT_DATA",
    }
}

fn view(account: &Account, name: &str, alarm: Alarm) -> Value {
    json!({
        "AlarmName": name, "AlarmArn": account.place.alarm_arn(name), "AlarmConfigurationUpdatedTimestamp": seconds(1_700_000_000_000),
        "ActionsEnabled": true, "OKActions": [], "AlarmActions": [], "InsufficientDataActions": [],
        "StateValue": state_value(alarm.state), "StateReason": "Set on the stage", "StateUpdatedTimestamp": seconds(alarm.since_ms),
        "StateTransitionedTimestamp": seconds(alarm.since_ms), "MetricName": "HTTPCode_Target_5XX_Count", "Namespace": "AWS/ApplicationELB",
        "Statistic": "Sum", "Dimensions": [], "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
    })
}
