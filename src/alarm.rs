//! PURE: CloudWatch alarms. Whether a deployment may start with them as they are, and what a change
//! of one means while it is watched.
//!
//! One way for all of them: those of the input `alarms`, those of a CodeDeploy group, those of a
//! service. AWS itself ignores an alarm that rings when a deployment of ECS's own begins, so one
//! that rings is refused here, or waived by name: then it does not count until it was OK once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::checks::measurement::Phase;
use crate::scrub::mask;

/// An alarm as CloudWatch shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// What it watches.
    pub kind: AlarmKind,
    /// Whether it rings.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
    /// Since when: RFC 3339; empty when CloudWatch does not say.
    pub since: String,
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmKind {
    /// A metric.
    Metric,
    /// Lines of logs, by a scheduled query.
    Log,
    /// Other alarms.
    Composite {
        /// The rule over them.
        rule: String,
        /// Those that made it ring, where CloudWatch says.
        triggered_by: Vec<String>,
    },
}

/// The state of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It rings.
    InAlarm,
    /// It has nothing to judge by.
    InsufficientData,
    /// A word that is newer than this action.
    Unknown(String),
    /// There is no such alarm.
    Missing,
}

impl fmt::Display for AlarmState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ok => "OK",
            Self::InAlarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
            Self::Unknown(word) => word,
            Self::Missing => "missing",
        })
    }
}

impl Alarm {
    /// One that is not there.
    pub fn missing(name: &str) -> Self {
        let (name, kind) = (name.to_owned(), AlarmKind::Metric);
        Self {
            name,
            kind,
            state: AlarmState::Missing,
            reason: String::new(),
            since: String::new(),
        }
    }

    /// Whether it rings.
    pub fn is_in_alarm(&self) -> bool {
        self.state == AlarmState::InAlarm
    }

    /// `ALARM since 2026-01-02T03:04:05Z`.
    pub fn describe_state(&self) -> String {
        if self.since.is_empty() {
            self.state.to_string()
        } else {
            format!("{} since {}", self.state, self.since)
        }
    }

    /// Why it is as it is: CloudWatch's words, and which alarms made a composite one ring.
    pub fn explanation(&self) -> String {
        let children = match &self.kind {
            AlarmKind::Composite { triggered_by, .. } if !triggered_by.is_empty() => {
                format!("ringing: {}", triggered_by.join(", "))
            }
            AlarmKind::Composite { rule, .. } if self.is_in_alarm() && !rule.is_empty() => {
                format!("its rule: {rule}")
            }
            AlarmKind::Composite { .. } | AlarmKind::Metric | AlarmKind::Log => String::new(),
        };
        let parts = [mask(&self.reason), children];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// `metric alarm`, `log alarm`, `composite alarm`.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            AlarmKind::Metric => "metric alarm",
            AlarmKind::Log => "log alarm",
            AlarmKind::Composite { .. } => "composite alarm",
        }
    }
}

/// Alarms that are watched, and what is known of each.
#[derive(Debug, Clone, Default)]
pub struct WatchedAlarms {
    names: Vec<String>,
    /// They have been ringing since before the start.
    waived: BTreeSet<String>,
    last_states: BTreeMap<String, AlarmState>,
}

/// What a look at an alarm showed that was not so before.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmChange {
    /// The alarm as it is now.
    pub alarm: Alarm,
    /// What that comes to.
    pub phase: Phase,
    /// Whether it counts.
    pub effect: AlarmEffect,
}

/// Whether an alarm counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmEffect {
    /// When it rings, the rollout is rolled back.
    Counts,
    /// It has been ringing since before the start.
    Waived,
}

impl WatchedAlarms {
    /// Those of these names; whichever of `before` rings was let pass when the deployment was
    /// planned.
    pub fn new(names: Vec<String>, before: &[Alarm]) -> Self {
        let waived = before
            .iter()
            .filter(|alarm| alarm.is_in_alarm())
            .map(|alarm| alarm.name.clone())
            .collect();
        Self {
            names,
            waived,
            last_states: BTreeMap::new(),
        }
    }

    /// Their names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What is new, in the order of the names; `found` is what CloudWatch showed of them.
    pub fn update(&mut self, found: &[Alarm]) -> Vec<AlarmChange> {
        let names = self.names.clone();
        let seen = names.iter().map(|name| {
            found
                .iter()
                .find(|alarm| alarm.name == *name)
                .cloned()
                .unwrap_or_else(|| Alarm::missing(name))
        });
        seen.filter_map(|alarm| self.update_alarm(alarm)).collect()
    }

    fn update_alarm(&mut self, alarm: Alarm) -> Option<AlarmChange> {
        if alarm.state == AlarmState::Ok {
            self.waived.remove(&alarm.name);
        }
        let effect = if self.waived.contains(&alarm.name) {
            AlarmEffect::Waived
        } else {
            AlarmEffect::Counts
        };
        let before = self
            .last_states
            .insert(alarm.name.clone(), alarm.state.clone());
        let phase = phase(&alarm.state);
        (before.as_ref() != Some(&alarm.state)).then_some(AlarmChange {
            alarm,
            phase,
            effect,
        })
    }
}

/// An alarm without data says nothing; it is no reason to go back either, because most alarms of a
/// new service are so for a while.
fn phase(state: &AlarmState) -> Phase {
    match state {
        AlarmState::Ok => Phase::Successful,
        AlarmState::InAlarm => Phase::Failed,
        AlarmState::InsufficientData | AlarmState::Unknown(_) => Phase::Inconclusive,
        AlarmState::Missing => Phase::Error,
    }
}

#[cfg(test)]
mod tests;
