//! What one measurement of a check came to: the one form in which metrics, comparisons, logs, load,
//! alarms and testers are reported.
//!
//! A fact for the journal: every text in it is free of secrets and stands on one line.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::text::Text;

/// One measurement of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measurement {
    /// The check's name, as the user gave it or as its preset reads.
    pub check: String,
    /// What kind of check it is.
    pub kind: CheckKind,
    /// When it was made, in the rollout.
    pub moment: Moment,
    /// What was asked, in words: the metric, the query, the pattern.
    pub query: Text,
    /// What was found, in words: `0.4 %`, `green 3.1 % (93 of 3,001), blue 1.0 % (30 of 3,000)`;
    /// empty when nothing was.
    pub value: Text,
    /// What it was held against: `< 5 %`, `green no worse than blue (p < 0.05)`.
    pub condition: Text,
    /// What it came to.
    pub phase: Phase,
    /// Why, where the value does not say it: the error, the missing data, p, effect and n.
    pub note: Option<Text>,
    /// Whether it decides anything.
    pub weight: Weight,
    /// When it was made: RFC 3339.
    pub time: String,
}

/// What kind of check a measurement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// A metric held against a condition.
    Metric,
    /// Green held against blue.
    Comparison,
    /// Lines of logs, counted.
    Logs,
    /// An alarm's state.
    Alarm,
    /// A load probe.
    Load,
    /// A user's own test tool.
    Tester,
}

/// Whether a measurement decides anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It does.
    #[default]
    Counts,
    /// `dry-run`: measured and shown.
    DryRun,
}

/// What a measurement, a metric or a whole analysis came to: Argo Rollouts' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Good.
    Successful,
    /// Neither good nor bad could be said.
    Inconclusive,
    /// It could not be measured.
    Error,
    /// Bad.
    Failed,
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Successful => "successful",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::Failed => "failed",
        })
    }
}
