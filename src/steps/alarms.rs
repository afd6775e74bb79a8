//! Watches alarms while traffic shifts: one DescribeAlarms for all of them, every few seconds. What
//! a change means is decided in `alarm`.

use std::time::Duration;

use crate::alarm::{Alarm, AlarmChange, AlarmEffect, WatchedAlarms};
use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::measurement::{CheckKind, Measurement, Phase, Weight};
use crate::checks::moment::Moment;
use crate::decide::OUTAGE_BUDGET;
use crate::error::Failure;
use crate::observe::outage::Outage;
use crate::outcome::Reason;
use crate::run::Run;
use crate::scrub::to_one_line;

/// The time between two reads: ten a minute; CloudWatch evaluates an alarm every ten seconds at
/// most.
pub const ALARM_INTERVAL: Duration = Duration::from_secs(6);
/// Longer reasons are cut; CloudWatch's are up to 1,023 characters.
const MAX_TEXT: usize = 600;

/// Reads the alarms of a rollout, as long as they may be read.
pub struct AlarmWatch<'a> {
    run: &'a Run,
    watched: WatchedAlarms,
    outage: Outage,
    access: AlarmAccess,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AlarmAccess {
    Allowed,
    Denied,
}

/// What one read of the alarms showed.
#[derive(Debug, Default)]
pub struct AlarmLook {
    /// Every state that changed since the last read.
    pub measurements: Vec<Measurement>,
    /// Why the rollout has to be rolled back: an alarm is in ALARM, or the alarms cannot be read
    /// any more.
    pub failure: Option<Failure>,
}

impl<'a> AlarmWatch<'a> {
    /// A watch over these alarms; `before` is how they were when the deployment was planned.
    pub fn new(run: &'a Run, names: Vec<String>, before: &[Alarm]) -> Self {
        Self {
            run,
            watched: WatchedAlarms::new(names, before),
            outage: Outage::default(),
            access: AlarmAccess::Allowed,
        }
    }

    /// Whether there is nothing to read: no alarms, or none that may be read.
    pub fn is_idle(&self) -> bool {
        self.watched.names().is_empty() || self.access == AlarmAccess::Denied
    }

    /// Reads the alarms once, for the moment that the rollout is in.
    pub async fn look(&mut self, moment: Moment) -> AlarmLook {
        if self.is_idle() {
            return AlarmLook::default();
        }
        match self.run.aws.describe_alarms(self.watched.names()).await {
            Ok(found) => {
                self.outage.clear();
                evaluate_changes(&self.watched.update(&found), moment)
            }
            Err(error) => AlarmLook {
                measurements: Vec::new(),
                failure: self.failure_of_read(&error),
            },
        }
    }

    fn failure_of_read(&mut self, error: &AwsError) -> Option<Failure> {
        if error.kind == AwsErrorKind::Denied {
            self.access = AlarmAccess::Denied;
            self.run.limit_check("alarms are not watched", error);
            return None;
        }
        let lasts = self.outage.record_failure();
        (lasts > OUTAGE_BUDGET && error.kind != AwsErrorKind::Throttled).then(|| {
            let minutes = OUTAGE_BUDGET.as_secs() / 60;
            Failure::new(
                Reason::AwsFailed,
                format!("the alarms could not be read for {minutes} minutes"),
            )
            .with_cause(error.to_string())
        })
    }
}

fn evaluate_changes(changes: &[AlarmChange], moment: Moment) -> AlarmLook {
    let time = crate::clock::now().0;
    let measurements = changes
        .iter()
        .map(|change| to_measurement(change, moment, &time))
        .collect();
    let in_alarm: Vec<&Alarm> = changes
        .iter()
        .filter(|change| change.alarm.is_in_alarm() && change.effect == AlarmEffect::Counts)
        .map(|change| &change.alarm)
        .collect();
    AlarmLook {
        measurements,
        failure: alarm_failure(&in_alarm),
    }
}

fn to_measurement(change: &AlarmChange, moment: Moment, time: &str) -> Measurement {
    let alarm = &change.alarm;
    let waived = (change.effect == AlarmEffect::Waived)
        .then(|| "it was in ALARM before the start, and is ignored until it has been OK".into());
    let missing = (change.phase == Phase::Error).then(|| "there is no such alarm".to_owned());
    let why = Some(alarm.explanation())
        .filter(|why| !why.is_empty() && change.phase != Phase::Successful);
    let note = [waived, missing, why]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ");
    Measurement {
        check: to_one_line(&alarm.name, MAX_TEXT),
        kind: CheckKind::Alarm,
        moment,
        query: alarm.kind_name().into(),
        value: to_one_line(&alarm.describe_state(), MAX_TEXT).into(),
        condition: "not ALARM".into(),
        phase: change.phase,
        note: Some(to_one_line(&note, MAX_TEXT))
            .filter(|note| !note.is_empty())
            .map(Into::into),
        weight: if change.effect == AlarmEffect::Waived {
            Weight::DryRun
        } else {
            Weight::Counts
        },
        time: time.to_owned(),
    }
}

/// The first one in ALARM is the reason; the others are named with it.
fn alarm_failure(in_alarm: &[&Alarm]) -> Option<Failure> {
    let (first, others) = in_alarm.split_first()?;
    let mut failure = Failure::new(Reason::Alarm, format!("alarm {}", describe_alarm(first)));
    if !first.explanation().is_empty() {
        failure = failure.with_cause(to_one_line(&first.explanation(), MAX_TEXT));
    }
    for other in others {
        failure = failure.with_cause(format!(
            "{} too: {}",
            describe_alarm(other),
            to_one_line(&other.explanation(), MAX_TEXT)
        ));
    }
    Some(failure.with_hint("look at what the alarm measures while green served traffic"))
}

/// `errors is in ALARM since …`.
fn describe_alarm(alarm: &Alarm) -> String {
    format!(
        "{} is in {}",
        to_one_line(&alarm.name, MAX_TEXT),
        alarm.describe_state()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::{AlarmKind, AlarmState};

    fn alarm(name: &str, state: AlarmState) -> Alarm {
        Alarm {
            name: name.into(),
            kind: AlarmKind::Metric,
            state,
            reason: "Threshold\nCrossed".into(),
            since: "2023-11-14T22:13:20Z".into(),
        }
    }

    fn look(found: &[Alarm], before: &[Alarm]) -> AlarmLook {
        let names = found.iter().map(|alarm| alarm.name.clone()).collect();
        evaluate_changes(
            &WatchedAlarms::new(names, before).update(found),
            Moment::Step,
        )
    }

    #[test]
    fn the_one_in_alarm_is_named_with_its_reason_and_since_when() {
        let all = [
            alarm("errors", AlarmState::InAlarm),
            alarm("latency", AlarmState::InAlarm),
            alarm("cpu", AlarmState::Ok),
        ];
        let failure = look(&all, &[]).failure.unwrap();
        assert_eq!(failure.reason, Reason::Alarm);
        let chain = [
            "alarm errors is in ALARM since 2023-11-14T22:13:20Z",
            "Threshold Crossed",
            "latency is in ALARM since 2023-11-14T22:13:20Z too: Threshold Crossed",
        ];
        assert_eq!(failure.chain, chain);
    }

    #[test]
    fn a_waived_one_is_shown_and_decides_nothing() {
        let in_alarm = [alarm("errors", AlarmState::InAlarm)];
        let look = look(&in_alarm, &in_alarm);
        assert!(look.failure.is_none());
        let shown = &look.measurements[0];
        assert_eq!((shown.phase, shown.weight), (Phase::Failed, Weight::DryRun));
        assert!(
            shown
                .note
                .as_ref()
                .unwrap()
                .starts_with("it was in ALARM before the start")
        );
        assert_eq!(shown.value, "ALARM since 2023-11-14T22:13:20Z");
    }
}
