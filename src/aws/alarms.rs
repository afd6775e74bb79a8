//! CloudWatch: alarms of metrics, of logs and composite ones, and how they stand.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, LogAlarm, MetricAlarm, StateValue};
use futures_util::future::join_all;
use serde_json::Value;

use super::error::told;
use super::{Aws, AwsError};
use crate::alarm::{Alarm, AlarmKind, AlarmState};

const ACTION: &str = "cloudwatch:DescribeAlarms";
/// DescribeAlarms takes at most this many names, and gives as many alarms at once.
const NAMES: usize = 100;
/// Every name has one alarm, so a second page is rare already.
const PAGES: usize = 10;

impl Aws {
    /// The alarms of these names, in no particular order; those that do not exist are not among
    /// them.
    pub async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let parts = join_all(names.chunks(NAMES).map(|names| self.some_alarms(names))).await;
        Ok(parts
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Those of the alarms that are in ALARM.
    pub async fn ringing(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        Ok(self
            .alarms(names)
            .await?
            .into_iter()
            .filter(Alarm::rings)
            .collect())
    }

    async fn some_alarms(&self, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
        let (mut alarms, mut token) = (Vec::new(), None);
        for _ in 0..PAGES {
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
            let answer = told(
                ACTION,
                call.max_records(100)
                    .set_next_token(token.take())
                    .send()
                    .await,
            )?;
            alarms.extend(answer.metric_alarms().iter().map(metric));
            alarms.extend(answer.composite_alarms().iter().map(composite));
            alarms.extend(answer.log_alarms().iter().map(log));
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(alarms)
    }
}

fn metric(alarm: &MetricAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        kind: AlarmKind::Metric,
        state: state(alarm.state_value()),
        reason: alarm.state_reason().unwrap_or_default().to_owned(),
        since: since(
            alarm.state_transitioned_timestamp(),
            alarm.state_updated_timestamp(),
        ),
    }
}

fn log(alarm: &LogAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        kind: AlarmKind::Log,
        state: state(alarm.state_value()),
        reason: alarm.state_reason().unwrap_or_default().to_owned(),
        since: since(
            alarm.state_transitioned_timestamp(),
            alarm.state_updated_timestamp(),
        ),
    }
}

fn composite(alarm: &CompositeAlarm) -> Alarm {
    let triggered_by = triggered_by(alarm.state_reason_data().unwrap_or_default());
    Alarm {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        kind: AlarmKind::Composite {
            rule: alarm.alarm_rule().unwrap_or_default().to_owned(),
            triggered_by,
        },
        state: state(alarm.state_value()),
        reason: alarm.state_reason().unwrap_or_default().to_owned(),
        since: since(
            alarm.state_transitioned_timestamp(),
            alarm.state_updated_timestamp(),
        ),
    }
}

fn state(value: Option<&StateValue>) -> AlarmState {
    match value.map_or("no state", StateValue::as_str) {
        "OK" => AlarmState::Ok,
        "ALARM" => AlarmState::Ringing,
        "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
        other => AlarmState::Unknown(other.to_owned()),
    }
}

/// The time of the state; the other one moves with every new reason.
fn since(transitioned: Option<&DateTime>, updated: Option<&DateTime>) -> String {
    transitioned
        .or(updated)
        .map(|time| crate::clock::at(time.as_secs_f64()))
        .unwrap_or_default()
}

/// `{"triggeringAlarms": [{"arn": "arn:…:alarm:NAME", "state": {"value": "ALARM", …}}]}`: the
/// alarms that made a composite one change.
fn triggered_by(data: &str) -> Vec<String> {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let alarms = data["triggeringAlarms"].as_array().into_iter().flatten();
    let rings = alarms.filter(|alarm| alarm["state"]["value"] == "ALARM");
    rings
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
    fn a_composite_alarm_names_those_that_made_it_ring() {
        let data = r#"{"triggeringAlarms":[
            {"arn":"arn:aws:cloudwatch:eu-central-1:1:alarm:errors","state":{"value":"ALARM","timestamp":"2026-01-01T00:00:00Z"}},
            {"arn":"arn:aws:cloudwatch:eu-central-1:1:alarm:latency: p99","state":{"value":"ALARM"}},
            {"arn":"arn:aws:cloudwatch:eu-central-1:1:alarm:maintenance","state":{"value":"OK"}}]}"#;
        assert_eq!(triggered_by(data), ["errors", "latency: p99"]);
        assert!(triggered_by("").is_empty() && triggered_by("{}").is_empty());
    }

    #[test]
    fn a_composite_alarm_is_read_with_its_rule_and_a_new_word_is_no_success() {
        let alarm = CompositeAlarm::builder()
            .alarm_name("all")
            .alarm_rule("ALARM(a)")
            .state_value("NEW".into());
        let alarm = composite(
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
