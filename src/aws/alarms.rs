//! CloudWatch: metric, log and composite alarms and their states.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::metrics::CLOUDWATCH;
use super::signed::{SignedCall, entries, number, text};
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
        let call = SignedCall::new(CLOUDWATCH, ACTION, self.partition.region());
        let mut alarms = Vec::new();
        // Without the types CloudWatch leaves all but metric alarms out.
        let mut input = json!({
            "AlarmNames": names,
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm", "LogAlarm"],
            "MaxRecords": MAX_NAMES,
        });
        for _ in 0..MAX_PAGES {
            let answer = self.read_signed(call, &input).await?;
            let of_kind = |name: &str| entries(&answer[name]);
            alarms.extend(
                of_kind("MetricAlarms")
                    .iter()
                    .map(|alarm| from_alarm(alarm, AlarmKind::Metric)),
            );
            alarms.extend(of_kind("CompositeAlarms").iter().map(from_composite_alarm));
            alarms.extend(
                of_kind("LogAlarms")
                    .iter()
                    .map(|alarm| from_alarm(alarm, AlarmKind::Log)),
            );
            match text(&answer["NextToken"]) {
                Some(next) => input["NextToken"] = json!(next),
                None => break,
            }
        }
        Ok(alarms)
    }
}

fn from_alarm(alarm: &Value, kind: AlarmKind) -> Alarm {
    let owned = |name: &str| text(&alarm[name]).unwrap_or_default().to_owned();
    Alarm {
        name: owned("AlarmName"),
        kind,
        state: parse_state(text(&alarm["StateValue"])),
        reason: owned("StateReason"),
        since: transition_time(alarm),
    }
}

fn from_composite_alarm(alarm: &Value) -> Alarm {
    let data = text(&alarm["StateReasonData"]).unwrap_or_default();
    let kind = AlarmKind::Composite {
        rule: text(&alarm["AlarmRule"]).unwrap_or_default().to_owned(),
        triggered_by: parse_triggering_alarms(data),
    };
    from_alarm(alarm, kind)
}

fn parse_state(value: Option<&str>) -> AlarmState {
    match value.unwrap_or("no state") {
        "OK" => AlarmState::Ok,
        "ALARM" => AlarmState::InAlarm,
        "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
        other => AlarmState::Unknown(other.to_owned()),
    }
}

/// When the state changed; the update time also moves when only the reason changes.
fn transition_time(alarm: &Value) -> String {
    number(&alarm["StateTransitionedTimestamp"])
        .or_else(|| number(&alarm["StateUpdatedTimestamp"]))
        .map(crate::clock::format_rfc3339)
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
        let alarm = from_composite_alarm(&json!({
            "AlarmName": "all", "AlarmRule": "ALARM(a)", "StateValue": "NEW", "StateUpdatedTimestamp": 7.0,
        }));
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
