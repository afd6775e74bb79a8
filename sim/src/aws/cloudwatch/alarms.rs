//! `DescribeAlarms`: alarms of metrics, of logs and composite ones, filtered and paged.

use serde_json::{Value, json};

use crate::account::{Account, Alarm, epoch_seconds};
use crate::aws::{Answer, Input, ServiceError};

/// As the parameter documents: between 1 and 100. What is answered without it is not documented; 50
/// is what was seen.
const DEFAULT_RECORDS: u64 = 50;
const MAX_RECORDS: u64 = 100;
/// "AlarmNames: array members: maximum number of 100 items."
const MAX_NAMES: usize = 100;

/// Answers the operation.
pub(super) fn describe(account: &Account, input: Input<'_>) -> Answer {
    let (names, prefix) = (input.text_list("AlarmNames"), input.text("AlarmNamePrefix"));
    if !names.is_empty() && prefix.is_some() {
        return Err(validation_error(
            "AlarmNamePrefix and AlarmNames cannot be specified together.",
        ));
    }
    if names.len() > MAX_NAMES {
        return Err(validation_error(
            "The collection AlarmNames must not have a size greater than 100.",
        ));
    }
    let related = related_alarms(account, input)?;
    let is_match = |(name, alarm): &(&String, &Alarm)| {
        (names.is_empty() || names.contains(&name.as_str()))
            && prefix.is_none_or(|prefix| name.starts_with(prefix))
            && input
                .text("StateValue")
                .is_none_or(|state| state == alarm.state.as_str())
            && related
                .as_ref()
                .map_or_else(|| is_of_type(alarm, input), |family| family.contains(*name))
    };
    paginate(
        account,
        input,
        &account.alarms.iter().filter(is_match).collect::<Vec<_>>(),
    )
}

fn validation_error(message: &str) -> ServiceError {
    ServiceError::new("ValidationError", message)
}

/// "If you omit this parameter, only metric alarms are returned, even if composite alarms exist in
/// the account."
fn is_of_type(alarm: &Alarm, input: Input<'_>) -> bool {
    let (types, own) = (input.text_list("AlarmTypes"), alarm_type(alarm));
    if types.is_empty() {
        own == "MetricAlarm"
    } else {
        types.contains(&own)
    }
}

fn alarm_type(alarm: &Alarm) -> &'static str {
    match (&alarm.details.rule, alarm.details.is_of_logs) {
        (Some(_), _) => "CompositeAlarm",
        (None, true) => "LogAlarm",
        (None, false) => "MetricAlarm",
    }
}

/// The alarms that a composite speaks of, or the composites that speak of an alarm, when these are
/// asked for.
fn related_alarms(
    account: &Account,
    input: Input<'_>,
) -> Result<Option<Vec<String>>, ServiceError> {
    let children = |alarm: &Alarm| {
        alarm.rule().map(|rule| {
            rule.children()
                .into_iter()
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>()
        })
    };
    match (
        input.text("ChildrenOfAlarmName"),
        input.text("ParentsOfAlarmName"),
    ) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(validation_error(
            "ChildrenOfAlarmName and ParentsOfAlarmName cannot be specified together.",
        )),
        (Some(parent), None) => Ok(Some(
            account
                .alarms
                .get(parent)
                .and_then(children)
                .unwrap_or_default(),
        )),
        (None, Some(child)) => {
            let names_child = |alarm: &Alarm| {
                children(alarm).is_some_and(|children| children.iter().any(|name| name == child))
            };
            Ok(Some(
                account
                    .alarms
                    .iter()
                    .filter(|(_, alarm)| names_child(alarm))
                    .map(|(name, _)| name.clone())
                    .collect(),
            ))
        }
    }
}

fn paginate(account: &Account, input: Input<'_>, found: &[(&String, &Alarm)]) -> Answer {
    let size = input.number("MaxRecords").unwrap_or(DEFAULT_RECORDS);
    if !(1..=MAX_RECORDS).contains(&size) {
        return Err(validation_error(
            "The parameter MaxRecords must be between 1 and 100.",
        ));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let from = match input.text("NextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("alarms-")
            .and_then(|position| position.parse::<usize>().ok())
            .ok_or_else(invalid_token)?,
    };
    let views = |alarm_kind: &str| {
        let here = found
            .iter()
            .skip(from)
            .take(size)
            .filter(|(_, alarm)| alarm_type(alarm) == alarm_kind);
        here.map(|(name, alarm)| view(account, name, alarm))
            .collect::<Vec<_>>()
    };
    let mut answer = json!({ "CompositeAlarms": views("CompositeAlarm"), "MetricAlarms": views("MetricAlarm"), "LogAlarms": views("LogAlarm") });
    if found.len() > from + size {
        answer["NextToken"] = json!(format!("alarms-{}", from + size));
    }
    Ok(answer)
}

fn invalid_token() -> ServiceError {
    ServiceError::new("InvalidNextToken", "The next token specified is invalid.")
}

fn view(account: &Account, name: &str, alarm: &Alarm) -> Value {
    let mut view = json!({
        "AlarmName": name, "AlarmArn": account.location.alarm_arn(name), "AlarmConfigurationUpdatedTimestamp": epoch_seconds(1_700_000_000_000),
        "ActionsEnabled": true, "OKActions": [], "AlarmActions": [], "InsufficientDataActions": [],
        "StateValue": alarm.state.as_str(), "StateReason": alarm.reason, "StateUpdatedTimestamp": epoch_seconds(alarm.since_ms),
        "StateTransitionedTimestamp": epoch_seconds(alarm.since_ms),
    });
    let details = match &alarm.details.rule {
        Some(rule) => {
            json!({ "AlarmRule": rule, "StateReasonData": triggering_alarms(account, alarm).to_string() })
        }
        None if alarm.details.is_of_logs => {
            json!({ "QueryResultsToEvaluate": 1, "QueryResultsToAlarm": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching" })
        }
        None => {
            json!({ "MetricName": "HTTPCode_Target_5XX_Count", "Namespace": "AWS/ApplicationELB", "Statistic": "Sum", "Dimensions": [],
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching" })
        }
    };
    if let (Some(view), Some(own)) = (view.as_object_mut(), details.as_object()) {
        view.extend(own.clone());
        view.extend(
            alarm
                .details
                .description
                .iter()
                .map(|text| ("AlarmDescription".to_owned(), json!(text))),
        );
    }
    view
}

/// The children that caused a composite alarm's state, as CloudWatch answers them.
fn triggering_alarms(account: &Account, alarm: &Alarm) -> Value {
    let child = |name: &String| {
        let child = account.alarms.get(name)?;
        let state =
            json!({ "value": child.state.as_str(), "timestamp": format_time(child.since_ms) });
        Some(json!({ "arn": account.location.alarm_arn(name), "state": state }))
    };
    json!({ "triggeringAlarms": alarm.triggering_children.iter().filter_map(child).collect::<Vec<_>>() })
}

/// `2026-11-21T12:24:19.752+0000`
fn format_time(at_ms: i64) -> String {
    let form = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000"
    );
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    at.format(form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::new_account;
    use crate::options::{AlarmDetails, AlarmState, StageOptions};

    fn three_alarms() -> Account {
        let details = [
            (
                "any".to_owned(),
                AlarmDetails::composite("ALARM(errors) OR ALARM(latency)"),
            ),
            ("lines".to_owned(), AlarmDetails::log_alarm()),
        ];
        let alarms = [
            ("errors".to_owned(), AlarmState::Alarm),
            ("latency".to_owned(), AlarmState::Ok),
        ];
        new_account(&StageOptions {
            alarms: alarms.into(),
            alarm_details: details.into(),
            ..StageOptions::default()
        })
    }

    fn names(answer: &Value) -> Vec<&str> {
        let listed = |kind: &str| {
            answer[kind]
                .as_array()
                .unwrap()
                .iter()
                .map(|alarm| alarm["AlarmName"].as_str().unwrap())
        };
        listed("CompositeAlarms")
            .chain(listed("MetricAlarms"))
            .chain(listed("LogAlarms"))
            .collect()
    }

    #[test]
    fn filters_choose_and_composites_are_only_shown_when_they_are_asked_for() {
        let account = three_alarms();
        let both = json!(["CompositeAlarm", "MetricAlarm"]);
        let table = [
            (json!({}), vec!["errors", "latency"]),
            (
                json!({ "AlarmTypes": both }),
                vec!["any", "errors", "latency"],
            ),
            (json!({ "AlarmTypes": ["CompositeAlarm"] }), vec!["any"]),
            (json!({ "AlarmTypes": ["LogAlarm"] }), vec!["lines"]),
            (json!({ "AlarmNames": ["errors", "lines"] }), vec!["errors"]),
            (
                json!({ "AlarmNames": ["any", "errors", "nope"] }),
                vec!["errors"],
            ),
            (
                json!({ "AlarmNames": ["any", "errors"], "AlarmTypes": both }),
                vec!["any", "errors"],
            ),
            (json!({ "AlarmNamePrefix": "la" }), vec!["latency"]),
            (
                json!({ "StateValue": "ALARM", "AlarmTypes": both }),
                vec!["any", "errors"],
            ),
            (
                json!({ "ChildrenOfAlarmName": "any" }),
                vec!["errors", "latency"],
            ),
            (json!({ "ParentsOfAlarmName": "errors" }), vec!["any"]),
        ];
        for (asked, expected) in table {
            assert_eq!(
                names(&describe(&account, Input(&asked)).unwrap()),
                expected,
                "{asked}"
            );
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let account = three_alarms();
        let first = describe(&account, Input(&json!({ "MaxRecords": 1 }))).unwrap();
        let second = describe(
            &account,
            Input(&json!({ "MaxRecords": 1, "NextToken": first["NextToken"] })),
        )
        .unwrap();
        assert_eq!(
            (names(&first), names(&second), second.get("NextToken")),
            (vec!["errors"], vec!["latency"], None)
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let account = three_alarms();
        let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
        let table = [
            (
                json!({ "AlarmNames": ["a"], "AlarmNamePrefix": "a" }),
                "ValidationError",
            ),
            (json!({ "AlarmNames": many }), "ValidationError"),
            (json!({ "MaxRecords": 101 }), "ValidationError"),
            (json!({ "NextToken": "x" }), "InvalidNextToken"),
        ];
        for (asked, code) in table {
            assert_eq!(
                describe(&account, Input(&asked)).unwrap_err().code,
                code,
                "{asked}"
            );
        }
    }

    #[test]
    fn a_composite_names_the_child_that_is_in_alarm() {
        let answer = describe(
            &three_alarms(),
            Input(&json!({ "AlarmTypes": ["CompositeAlarm"] })),
        )
        .unwrap();
        let alarm = &answer["CompositeAlarms"][0];
        assert_eq!(alarm["StateReason"], "errors transitioned to ALARM");
        assert!(
            alarm["StateReasonData"]
                .as_str()
                .unwrap()
                .contains(":alarm:errors"),
            "{alarm}"
        );
    }
}
