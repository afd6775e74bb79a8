//! Watches alarms while traffic shifts: one DescribeAlarms for all of them, every few seconds. What
//! a change means is decided in `alarm`.

use std::time::Duration;

use crate::alarm::{Alarm, AlarmChange, AlarmEffect, WatchedAlarms};
use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::measurement::{CheckKind, Measurement, Phase, Weight};
use crate::checks::moment::Moment;
use crate::decide::BLIND_BUDGET;
use crate::error::Failure;
use crate::observe::outage::Outage;
use crate::outcome::Reason;
use crate::run::Run;
use crate::scrub::one_line;

/// The time between two looks: ten reads a minute; CloudWatch evaluates an alarm every ten seconds
/// at most.
pub const EVERY: Duration = Duration::from_secs(6);
/// Longer reasons are cut; CloudWatch's are up to 1,023 characters.
const LONGEST: usize = 600;

/// The alarms of a rollout.
pub struct AlarmWatch<'a> {
    run: &'a Run,
    watched: WatchedAlarms,
    blind: Outage,
    sight: Sight,
}

/// Whether the alarms can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Allowed,
    Denied,
}

/// What one look at the alarms showed.
#[derive(Debug, Default)]
pub struct AlarmLook {
    /// Every change of a state.
    pub measurements: Vec<Measurement>,
    /// Why the rollout is to be rolled back.
    pub failure: Option<Failure>,
}

impl<'a> AlarmWatch<'a> {
    /// A watch over these alarms, as they stood when the deployment was planned.
    pub fn new(run: &'a Run, names: Vec<String>, before: &[Alarm]) -> Self {
        Self {
            run,
            watched: WatchedAlarms::new(names, before),
            blind: Outage::default(),
            sight: Sight::Allowed,
        }
    }

    /// Whether there is nothing to look at: no alarms, or none that may be read.
    pub fn is_idle(&self) -> bool {
        self.watched.names().is_empty() || self.sight == Sight::Denied
    }

    /// One look, for the moment that the rollout is in.
    pub async fn look(&mut self, moment: Moment) -> AlarmLook {
        if self.is_idle() {
            return AlarmLook::default();
        }
        match self.run.aws.alarms(self.watched.names()).await {
            Ok(found) => {
                self.blind.sees();
                seen(&self.watched.look(&found), moment)
            }
            Err(error) => AlarmLook {
                measurements: Vec::new(),
                failure: self.unseen(&error),
            },
        }
    }

    fn unseen(&mut self, error: &AwsError) -> Option<Failure> {
        if error.kind == AwsErrorKind::Denied {
            self.sight = Sight::Denied;
            self.run.limit_check("alarms are not watched", error);
            return None;
        }
        let lasts = self.blind.lasts();
        (lasts > BLIND_BUDGET && error.kind != AwsErrorKind::Throttled).then(|| {
            let minutes = BLIND_BUDGET.as_secs() / 60;
            Failure::new(
                Reason::AwsFailed,
                format!("the alarms could not be read for {minutes} minutes"),
            )
            .caused_by(error.to_string())
        })
    }
}

fn seen(changes: &[AlarmChange], moment: Moment) -> AlarmLook {
    let time = crate::clock::now().0;
    let measurements = changes
        .iter()
        .map(|change| measurement(change, moment, &time))
        .collect();
    let ringing: Vec<&Alarm> = changes
        .iter()
        .filter(|change| change.alarm.rings() && change.effect == AlarmEffect::Counts)
        .map(|change| &change.alarm)
        .collect();
    AlarmLook {
        measurements,
        failure: failure(&ringing),
    }
}

fn measurement(change: &AlarmChange, moment: Moment, time: &str) -> Measurement {
    let alarm = &change.alarm;
    let waived = (change.effect == AlarmEffect::Waived)
        .then(|| "it has been ringing since before the start, and counts once it was OK".into());
    let missing = (change.phase == Phase::Error).then(|| "there is no such alarm".to_owned());
    let why = Some(alarm.why()).filter(|why| !why.is_empty() && change.phase != Phase::Successful);
    let note = [waived, missing, why]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ");
    Measurement {
        check: one_line(&alarm.name, LONGEST),
        kind: CheckKind::Alarm,
        moment,
        query: alarm.kind_words().into(),
        value: one_line(&alarm.standing(), LONGEST).into(),
        condition: "not ALARM".into(),
        phase: change.phase,
        note: Some(one_line(&note, LONGEST))
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

/// The first one that rings is the reason; the others are named with it.
fn failure(ringing: &[&Alarm]) -> Option<Failure> {
    let (first, others) = ringing.split_first()?;
    let mut failure = Failure::new(Reason::Alarm, format!("alarm {} rings", named(first)));
    if !first.why().is_empty() {
        failure = failure.caused_by(one_line(&first.why(), LONGEST));
    }
    for other in others {
        failure = failure.caused_by(format!(
            "{} rings too: {}",
            named(other),
            one_line(&other.why(), LONGEST)
        ));
    }
    Some(failure.hint("look at what the alarm measures while green served traffic"))
}

/// `errors (ALARM since …)`.
fn named(alarm: &Alarm) -> String {
    format!("{} ({})", one_line(&alarm.name, LONGEST), alarm.standing())
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
        seen(&WatchedAlarms::new(names, before).look(found), Moment::Step)
    }

    #[test]
    fn the_one_that_rings_is_named_with_its_reason_and_since_when() {
        let all = [
            alarm("errors", AlarmState::Ringing),
            alarm("latency", AlarmState::Ringing),
            alarm("cpu", AlarmState::Ok),
        ];
        let failure = look(&all, &[]).failure.unwrap();
        assert_eq!(failure.reason, Reason::Alarm);
        let chain = [
            "alarm errors (ALARM since 2023-11-14T22:13:20Z) rings",
            "Threshold Crossed",
            "latency (ALARM since 2023-11-14T22:13:20Z) rings too: Threshold Crossed",
        ];
        assert_eq!(failure.chain, chain);
    }

    #[test]
    fn a_waived_one_is_shown_and_decides_nothing() {
        let ringing = [alarm("errors", AlarmState::Ringing)];
        let look = look(&ringing, &ringing);
        assert!(look.failure.is_none());
        let shown = &look.measurements[0];
        assert_eq!((shown.phase, shown.weight), (Phase::Failed, Weight::DryRun));
        assert!(
            shown
                .note
                .as_ref()
                .unwrap()
                .starts_with("it has been ringing since before the start")
        );
        assert_eq!(shown.value, "ALARM since 2023-11-14T22:13:20Z");
    }
}
