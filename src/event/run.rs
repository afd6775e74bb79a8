//! How a run begins and ends, and why it was refused.

use serde::{Deserialize, Serialize};

use crate::identity::{ClusterName, ServiceName};
use crate::outcome::{Mode, Outcome, Reason};
use crate::text::Text;

/// The run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStart {
    /// The run's id, which AWS sees too.
    pub run: String,
    /// The wall clock, RFC 3339.
    pub time: String,
    /// The region.
    pub region: String,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The service's name; none if the run has no service.
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
    /// The problems, each with its remedy.
    pub problems: Vec<ReportedProblem>,
    /// Whether the run had already changed something in AWS.
    #[serde(default)]
    pub after_changes: bool,
    /// The output `reason`.
    #[serde(default = "invalid_inputs")]
    pub reason: Reason,
}

/// The run's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The output `outcome`: what serves traffic.
    pub outcome: Outcome,
    /// The output `reason`.
    pub reason: Reason,
    /// A sentence that says what serves traffic now.
    pub sentence: Text,
}

/// A problem with an input, as the report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedProblem {
    /// The input, the place in it, and what is wrong.
    pub problem: Text,
    /// What to do.
    pub remedy: Text,
    /// The place in a file of the repository, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<FilePlace>,
}

/// A place in a file of the repository; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// The file as the user wrote it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// Default for journals of older versions, which have no reason here.
const fn invalid_inputs() -> Reason {
    Reason::InvalidInputs
}
