//! What there is to say about a CloudWatch alarm besides its name and state.

use serde::{Deserialize, Serialize};

use crate::event_time::EventTime;

/// A `CloudWatch` alarm's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// `OK`.
    Ok,
    /// `ALARM`.
    Alarm,
    /// It has too few data to say.
    InsufficientData,
}

impl AlarmState {
    /// As CloudWatch writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// An alarm's details.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmDetails {
    /// Of a composite alarm: `ALARM("errors") AND NOT ALARM("deploying")`. Its state follows from
    /// its children.
    pub rule: Option<String>,
    /// It watches logs: only those see it who ask for its type.
    pub is_of_logs: bool,
    /// What it says about itself.
    pub description: Option<String>,
    /// `StateReason` of its first state, and of `ALARM`.
    pub reason: Option<String>,
    /// The event at which it goes to `ALARM`.
    pub rings: Option<EventTime>,
    /// It is OK again at this event.
    pub calms: Option<EventTime>,
}

impl AlarmDetails {
    /// An alarm that goes to `ALARM` at an event.
    pub fn in_alarm_from(when: EventTime) -> Self {
        Self {
            rings: Some(when),
            ..Self::default()
        }
    }

    /// A composite alarm.
    pub fn composite(rule: &str) -> Self {
        Self {
            rule: Some(rule.to_owned()),
            ..Self::default()
        }
    }

    /// An alarm on logs.
    pub fn log_alarm() -> Self {
        Self {
            is_of_logs: true,
            ..Self::default()
        }
    }

    /// The same with a reason.
    #[must_use]
    pub fn with_reason(self, reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            ..self
        }
    }
}
