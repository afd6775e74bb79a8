//! PURE: CloudWatch alarms: whether a deployment may start while they are in their present state,
//! and what a change of state means during it.
//!
//! The alarms of the input `alarms`, of a CodeDeploy group and of a service are treated the same
//! way. AWS ignores an alarm that is already in ALARM when an ECS deployment begins, so such an
//! alarm is refused here unless it is waived by name; a waived alarm counts again once it has been
//! OK.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::checks::measurement::Phase;
use crate::scrub::mask;

/// An alarm as CloudWatch shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// The alarm's name.
    pub name: String,
    /// What it watches.
    pub kind: AlarmKind,
    /// The alarm's state.
    pub state: AlarmState,
    /// CloudWatch's reason for the state.
    pub reason: String,
    /// Since when it is in this state: RFC 3339; empty when CloudWatch does not say.
    pub since: String,
}

/// The kind of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmKind {
    /// An alarm on a metric.
    Metric,
    /// An alarm on log lines, by a scheduled query.
    Log,
    /// An alarm on other alarms.
    Composite {
        /// The rule that combines them.
        rule: String,
        /// The alarms that triggered it, where CloudWatch names them.
        triggered_by: Vec<String>,
    },
}

/// The state of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmState {
    /// OK.
    Ok,
    /// ALARM.
    InAlarm,
    /// INSUFFICIENT_DATA.
    InsufficientData,
    /// A state that is newer than this action.
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
    /// An alarm that does not exist.
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

    /// Whether its state is ALARM.
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

    /// Why it is in this state: CloudWatch's reason, and which alarms triggered a composite one.
    pub fn explanation(&self) -> String {
        let children = match &self.kind {
            AlarmKind::Composite { triggered_by, .. } if !triggered_by.is_empty() => {
                format!("in ALARM: {}", triggered_by.join(", "))
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

/// The alarms that are watched, with their last known states.
#[derive(Debug, Clone, Default)]
pub struct WatchedAlarms {
    names: Vec<String>,
    /// They were in ALARM before the start, and have not been OK since.
    waived: BTreeSet<String>,
    last_states: BTreeMap<String, AlarmState>,
}

/// A change of an alarm's state since it was last read.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmChange {
    /// The alarm as it is now.
    pub alarm: Alarm,
    /// What the new state means.
    pub phase: Phase,
    /// Whether it counts.
    pub effect: AlarmEffect,
}

/// Whether an alarm counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmEffect {
    /// If it goes into ALARM, the rollout is rolled back.
    Counts,
    /// It was in ALARM before the start, and has not been OK since.
    Waived,
}

impl WatchedAlarms {
    /// Watches the alarms of these names; those of `before` that are in ALARM were waived when the
    /// deployment was planned.
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

    /// The names of the watched alarms.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The alarms that changed, in the order of the names; `found` is what CloudWatch returned.
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

/// An alarm without data says nothing. It is no reason to roll back either: most alarms of a new
/// service have no data for a while.
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
