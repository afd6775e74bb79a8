//! Tables: what changes of state mean, and when a waived alarm counts again.

use super::*;

fn alarm(name: &str, state: AlarmState) -> Alarm {
    Alarm {
        name: name.to_owned(),
        kind: AlarmKind::Metric,
        state,
        reason: "Threshold Crossed".into(),
        since: "2023-11-14T22:13:20Z".into(),
    }
}

fn describe_changes(changes: &[AlarmChange]) -> Vec<String> {
    changes
        .iter()
        .map(|change| {
            format!(
                "{} {} {:?}",
                change.alarm.name, change.alarm.state, change.effect
            )
        })
        .collect()
}

#[test]
fn an_alarm_is_told_when_it_changes_and_not_again() {
    let mut watched = WatchedAlarms::new(vec!["a".into(), "b".into()], &[]);
    let both = [alarm("b", AlarmState::Ok), alarm("a", AlarmState::Ok)];
    assert_eq!(
        describe_changes(&watched.update(&both)),
        ["a OK Counts", "b OK Counts"]
    );
    assert!(watched.update(&both).is_empty());
    let changes = watched.update(&[alarm("a", AlarmState::Ok), alarm("b", AlarmState::InAlarm)]);
    assert_eq!(describe_changes(&changes), ["b ALARM Counts"]);
    assert_eq!(changes[0].phase, Phase::Failed);
}

#[test]
fn one_that_was_in_alarm_before_the_start_counts_again_once_it_was_ok() {
    let mut watched = WatchedAlarms::new(vec!["a".into()], &[alarm("a", AlarmState::InAlarm)]);
    let mut look = |state| describe_changes(&watched.update(&[alarm("a", state)]));
    assert_eq!(look(AlarmState::InAlarm), ["a ALARM Waived"]);
    assert_eq!(
        look(AlarmState::InsufficientData),
        ["a INSUFFICIENT_DATA Waived"]
    );
    assert_eq!(look(AlarmState::InAlarm), ["a ALARM Waived"]);
    assert_eq!(look(AlarmState::Ok), ["a OK Counts"]);
    assert_eq!(look(AlarmState::InAlarm), ["a ALARM Counts"]);
}

#[test]
fn no_data_a_new_word_and_an_alarm_that_is_gone_are_neither_good_nor_bad() {
    let mut watched = WatchedAlarms::new(vec!["a".into()], &[]);
    let mut look = |found: &[Alarm]| watched.update(found)[0].phase;
    assert_eq!(
        look(&[alarm("a", AlarmState::InsufficientData)]),
        Phase::Inconclusive
    );
    assert_eq!(
        look(&[alarm("a", AlarmState::Unknown("NEW".into()))]),
        Phase::Inconclusive
    );
    assert_eq!(look(&[]), Phase::Error);
}

#[test]
fn an_alarm_says_since_when_and_why() {
    let mut composite = alarm("all", AlarmState::InAlarm);
    composite.kind = AlarmKind::Composite {
        rule: "ALARM(a) OR ALARM(b)".into(),
        triggered_by: vec!["a".into()],
    };
    assert_eq!(
        composite.describe_state(),
        "ALARM since 2023-11-14T22:13:20Z"
    );
    assert_eq!(composite.explanation(), "Threshold Crossed; in ALARM: a");
    composite.kind = AlarmKind::Composite {
        rule: "ALARM(a) OR ALARM(b)".into(),
        triggered_by: vec![],
    };
    assert_eq!(
        composite.explanation(),
        "Threshold Crossed; its rule: ALARM(a) OR ALARM(b)"
    );
    assert_eq!(Alarm::missing("x").describe_state(), "missing");
}
