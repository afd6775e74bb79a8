//! How a run begins and ends, and what it refuses.

use serde::{Deserialize, Serialize};

use crate::identity::{ClusterName, ServiceName};
use crate::outcome::{Mode, Outcome, Reason};
use crate::text::Text;

/// The run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStart {
    /// The run's id, which AWS sees too.
    pub run: String,
    /// Wall clock, RFC 3339.
    pub time: String,
    /// The region.
    pub region: String,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The service's name, if one is deployed to.
    pub service: Option<ServiceName>,
    /// The version users see.
    pub version: Option<String>,
    /// What the run does.
    #[serde(default)]
    pub mode: Mode,
}

/// The inputs were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedInputs {
    /// `input: what is wrong`, with its remedy.
    pub problems: Vec<ReportedProblem>,
    /// Whether something was changed in AWS before they were found.
    #[serde(default)]
    pub after_changes: bool,
    /// Why.
    #[serde(default = "invalid_inputs")]
    pub reason: Reason,
}

/// The run's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// What serves traffic.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// In a sentence: what serves traffic now.
    pub sentence: Text,
}

/// A problem with an input, as the report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedProblem {
    /// Input, place and what is wrong.
    pub problem: Text,
    /// What to do.
    pub remedy: Text,
    /// Where in a file of the repository it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<FilePlace>,
}

/// A place in a file of the repository; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// The file as the user wrote it.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Of a journal that was written before refusals had a reason.
const fn invalid_inputs() -> Reason {
    Reason::InvalidInputs
}
