//! The result of one measurement of a check: the common form in which metrics, comparisons, logs,
//! load, alarms and testers are reported.
//!
//! It is written to the journal: every text is free of secrets and on one line.

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
    /// Metric, comparison, logs, alarm, load probe or tester.
    pub kind: CheckKind,
    /// The moment of the rollout at which it was made.
    pub moment: Moment,
    /// What was asked, in words: the metric, the query, the pattern.
    pub query: Text,
    /// What was found, in words: `0.4 %`, `green 3.1 % (93 of 3,001), blue 1.0 % (30 of 3,000)`;
    /// empty when nothing was.
    pub value: Text,
    /// The condition or comparison: `< 5 %`, `green no worse than blue (p < 0.05)`.
    pub condition: Text,
    /// The result.
    pub phase: Phase,
    /// Why, where the value does not say it: the error, the missing data, p, effect and n.
    pub note: Option<Text>,
    /// Whether it affects the verdict.
    pub weight: Weight,
    /// RFC 3339.
    pub time: String,
}

/// What kind of check a measurement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// A metric with a condition.
    Metric,
    /// Green compared with blue.
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

/// Whether a measurement affects the verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It does.
    #[default]
    Counts,
    /// `dry-run`: measured and shown.
    DryRun,
}

/// The result of a measurement, a metric or a whole analysis, in the terms of Argo Rollouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Good.
    Successful,
    /// Neither good nor bad.
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
