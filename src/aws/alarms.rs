//! CloudWatch: metric, log and composite alarms and their states.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, LogAlarm, MetricAlarm, StateValue};
use futures_util::future::join_all;
use serde_json::Value;

use super::error::from_sdk;
use super::{Aws, AwsError};
use crate::alarm::{Alarm, AlarmKind, AlarmState};

const ACTION: &str = "cloudwatch:DescribeAlarms";
/// DescribeAlarms takes at most this many names, and returns as many alarms on one page.
const MAX_NAMES: usize = 100;
/// Every name has one alarm, so a second page is rare already.
const MAX_PAGES: usize = 10;

impl Aws {
    /// The alarms of these names, in no particular order; those that do not exist are not among
    /// them.
    pub async fn describe_alarms(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let parts = join_all(
            names
                .chunks(MAX_NAMES)
                .map(|names| self.describe_alarm_batch(names)),
        )
        .await;
        Ok(parts
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// The alarms of these names that are in ALARM.
    pub async fn describe_alarms_in_alarm(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        Ok(self
            .describe_alarms(names)
            .await?
            .into_iter()
            .filter(Alarm::is_in_alarm)
            .collect())
    }

    async fn describe_alarm_batch(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let (mut alarms, mut token) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            // Without the types CloudWatch leaves all but metric alarms out.
            let kinds = vec![
                AlarmType::MetricAlarm,
                AlarmType::CompositeAlarm,
                AlarmType::LogAlarm,
            ];
            let call = self
                .cloudwatch()
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .set_alarm_types(Some(kinds));
            let answer = from_sdk(
                ACTION,
                call.max_records(100)
                    .set_next_token(token.take())
                    .send()
                    .await,
            )?;
            alarms.extend(answer.metric_alarms().iter().map(from_metric_alarm));
            alarms.extend(answer.composite_alarms().iter().map(from_composite_alarm));
            alarms.extend(answer.log_alarms().iter().map(from_log_alarm));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(alarms)
    }
}

fn from_metric_alarm(alarm: &MetricAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        kind: AlarmKind::Metric,
        state: parse_state(alarm.state_value()),
        reason: alarm.state_reason().unwrap_or_default().to_owned(),
        since: transition_time(
            alarm.state_transitioned_timestamp(),
            alarm.state_updated_timestamp(),
        ),
    }
}

fn from_log_alarm(alarm: &LogAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        kind: AlarmKind::Log,
        state: parse_state(alarm.state_value()),
        reason: alarm.state_reason().unwrap_or_default().to_owned(),
        since: transition_time(
            alarm.state_transitioned_timestamp(),
            alarm.state_updated_timestamp(),
        ),
    }
}

fn from_composite_alarm(alarm: &CompositeAlarm) -> Alarm {
    let triggered_by = parse_triggering_alarms(alarm.state_reason_data().unwrap_or_default());
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        kind: AlarmKind::Composite {
            rule: alarm.alarm_rule().unwrap_or_default().to_owned(),
            triggered_by,
        },
        state: parse_state(alarm.state_value()),
        reason: alarm.state_reason().unwrap_or_default().to_owned(),
        since: transition_time(
            alarm.state_transitioned_timestamp(),
            alarm.state_updated_timestamp(),
        ),
    }
}

fn parse_state(value: Option<&StateValue>) -> AlarmState {
    match value.map_or("no state", StateValue::as_str) {
        "OK" => AlarmState::Ok,
        "ALARM" => AlarmState::InAlarm,
        "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
        other => AlarmState::Unknown(other.to_owned()),
    }
}

/// When the state changed; the update time also moves when only the reason changes.
fn transition_time(transitioned: Option<&DateTime>, updated: Option<&DateTime>) -> String {
    transitioned
        .or(updated)
        .map(|time| crate::clock::format_rfc3339(time.as_secs_f64()))
        .unwrap_or_default()
}

/// `{"triggeringAlarms": [{"arn": "arn:…:alarm:NAME", "state": {"value": "ALARM", …}}]}`: the
/// alarms that made a composite one change.
fn parse_triggering_alarms(data: &str) -> Vec<String> {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let alarms = data["triggeringAlarms"].as_array().into_iter().flatten();
    let in_alarm = alarms.filter(|alarm| alarm["state"]["value"] == "ALARM");
    in_alarm
        .filter_map(|alarm| {
            alarm["arn"]
                .as_str()?
                .split_once(":alarm:")
                .map(|(_, name)| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composite_alarm_names_those_that_triggered_it() {
        let data = r#"{"triggeringAlarms":[
            {"arn":"arn:aws:cloudwatch:eu-central-1:1:alarm:errors","state":{"value":"ALARM","timestamp":"2026-01-01T00:00:00Z"}},
            {"arn":"arn:aws:cloudwatch:eu-central-1:1:alarm:latency: p99","state":{"value":"ALARM"}},
            {"arn":"arn:aws:cloudwatch:eu-central-1:1:alarm:maintenance","state":{"value":"OK"}}]}"#;
        assert_eq!(parse_triggering_alarms(data), ["errors", "latency: p99"]);
        assert!(parse_triggering_alarms("").is_empty() && parse_triggering_alarms("{}").is_empty());
    }

    #[test]
    fn a_composite_alarm_is_read_with_its_rule_and_a_new_word_is_no_success() {
        let alarm = CompositeAlarm::builder()
            .alarm_name("all")
            .alarm_rule("ALARM(a)")
            .state_value("NEW".into());
        let alarm = from_composite_alarm(
            &alarm
                .state_updated_timestamp(DateTime::from_secs(7))
                .build(),
        );
        assert_eq!(
            alarm.kind,
            AlarmKind::Composite {
                rule: "ALARM(a)".into(),
                triggered_by: vec![]
            }
        );
        assert_eq!(
            (alarm.state, alarm.since),
            (
                AlarmState::Unknown("NEW".into()),
                "1970-01-01T00:00:07Z".into()
            )
        );
    }
}
