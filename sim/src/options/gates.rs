//! What AWS knows of times and states in which nothing should be deployed: calendars, error
//! budgets, backups.

use serde::{Deserialize, Serialize};

/// What a Change Calendar answers, line by line: one for each read, the last one again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarReading {
    /// Whether changes are allowed.
    pub state: CalendarState,
    /// In how many seconds the state changes; nothing is ahead when absent.
    #[serde(default)]
    pub changes_in_seconds: Option<i64>,
}

impl CalendarReading {
    /// An open calendar without anything ahead.
    pub const OPEN: Self = Self {
        state: CalendarState::Open,
        changes_in_seconds: None,
    };
    /// A closed calendar without anything ahead.
    pub const CLOSED: Self = Self {
        state: CalendarState::Closed,
        changes_in_seconds: None,
    };
}

/// Whether a calendar allows changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CalendarState {
    /// `OPEN`.
    Open,
    /// `CLOSED`.
    Closed,
}

/// The error budget of a service level objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveOptions {
    /// `OK`, `WARNING`, `BREACHED` or `INSUFFICIENT_DATA`.
    pub status: String,
    /// How many seconds of the budget are left, of 1000; no numbers when absent.
    #[serde(default)]
    pub seconds_left: Option<i64>,
}

impl ObjectiveOptions {
    /// An objective of which so much of 1000 seconds is left.
    pub fn new(status: &str, seconds_left: i64) -> Self {
        Self {
            status: status.to_owned(),
            seconds_left: Some(seconds_left),
        }
    }
}

/// A recovery point of AWS Backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryPointOptions {
    /// How old it is.
    pub age_seconds: u64,
    /// `COMPLETED`, `PARTIAL`, `CREATING`, …
    pub status: String,
}
