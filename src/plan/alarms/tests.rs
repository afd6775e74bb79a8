//! Tables: alarms before the start.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::alarm::AlarmKind;
use crate::inputs;
use crate::runner::Runner;
use crate::survey::SurveyedAlarms;

fn settings(more: &[(&str, &str)]) -> Settings {
    let always = [
        ("INPUT_SERVICE", "api"),
        ("INPUT_AWS-REGION", "eu-central-1"),
        ("INPUT_ALARMS", "errors, latency"),
    ];
    let variables: BTreeMap<String, String> = always
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::from_inputs(
        &inputs::read(&variables).unwrap(),
        &Runner::from_variables(&variables),
    )
    .unwrap()
}

fn alarm(name: &str, state: AlarmState) -> Alarm {
    let (kind, reason, since) = (
        AlarmKind::Metric,
        "Threshold Crossed".to_owned(),
        "2026-01-01T00:00:00Z".to_owned(),
    );
    Alarm {
        name: name.into(),
        kind,
        state,
        reason,
        since,
    }
}

fn snapshot(own: &[&str], found: Option<Vec<Alarm>>) -> Snapshot {
    let service = serde_json::from_value(
        json!({ "status": "ACTIVE", "deploymentController": { "type": "ECS" } }),
    )
    .unwrap();
    let alarms = SurveyedAlarms {
        own: own.iter().map(|name| (*name).to_owned()).collect(),
        found,
    };
    Snapshot {
        service: Some(service),
        alarms,
        ..Snapshot::default()
    }
}

fn both_alarms(errors: AlarmState, latency: AlarmState) -> Vec<Alarm> {
    vec![alarm("errors", errors), alarm("latency", latency)]
}

#[test]
fn an_alarm_that_does_not_exist_is_refused_and_one_that_cannot_be_read_is_not() {
    let found = snapshot(&["gone"], Some(vec![alarm("errors", AlarmState::Ok)]));
    let problems = find_problems(&settings(&[]), &found);
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["alarms: there is no alarm `latency`"]
    );
    let warned = find_warnings(&settings(&[]), &found);
    assert_eq!(
        warned,
        ["alarm gone of the deployment group or service does not exist"]
    );
    assert!(super::find_problems(&settings(&[]), &snapshot(&[], None)).is_empty());
}

#[test]
fn one_that_is_in_alarm_already_is_refused_unless_it_is_waived_by_name_whoever_s_it_is() {
    for own in [&[] as &[&str], &["errors"]] {
        let found = snapshot(own, Some(both_alarms(AlarmState::InAlarm, AlarmState::Ok)));
        let failure = check_alarms(&settings(&[]), &found).unwrap_err();
        assert_eq!(failure.reason, Reason::Alarm);
        let cause = "errors (ALARM since 2026-01-01T00:00:00Z): Threshold Crossed";
        assert_eq!(
            failure.chain,
            [
                "errors is already in ALARM, and could not show that green is worse",
                cause
            ]
        );
        assert!(check_alarms(&settings(&[("INPUT_WAIVE-ALARMS", "errors")]), &found).is_ok());
        assert!(check_alarms(&settings(&[("INPUT_WAIVE-ALARMS", "latency")]), &found).is_err());
    }
}

#[test]
fn going_back_is_not_kept_by_the_alarm_that_is_the_reason_for_it() {
    let found = snapshot(
        &["errors"],
        Some(vec![alarm("errors", AlarmState::InAlarm)]),
    );
    let settings = settings(&[("INPUT_MODE", "rollback")]);
    assert!(check_alarms(&settings, &found).is_ok() && find_problems(&settings, &found).is_empty());
    let told = [
        "errors is already in ALARM: ECS does not watch a deployment's alarms when one of them is in ALARM at its start; the checks before each step ignore it too",
        "alarm latency does not exist, and is not watched",
    ];
    assert_eq!(find_warnings(&settings, &found), told);
}

#[test]
fn no_data_and_a_waiver_of_nothing_are_told() {
    let found = snapshot(
        &[],
        Some(both_alarms(
            AlarmState::InsufficientData,
            AlarmState::InAlarm,
        )),
    );
    let settings = settings(&[("INPUT_WAIVE-ALARMS", "latency\nmemory")]);
    let told = [
        "latency is already in ALARM: it counts again once it has been OK",
        "alarm errors has no data yet (INSUFFICIENT_DATA): it may never go into ALARM",
        "waive-alarms names memory, which is not an alarm of this deployment",
    ];
    assert_eq!(find_warnings(&settings, &found), told);
}

#[test]
fn the_service_s_own_alarms_are_watched_where_aws_does_not() {
    let watched_with = |errors| {
        plan(
            &settings(&[]),
            &snapshot(
                &["cpu", "errors"],
                Some(both_alarms(errors, AlarmState::Ok)),
            ),
        )
        .all_names()
    };
    assert_eq!(watched_with(AlarmState::Ok), ["errors", "latency"]);
    assert_eq!(
        watched_with(AlarmState::InAlarm),
        ["errors", "latency", "cpu"]
    );
}
