//! PURE: the gate on scan findings: what the registry's scanner answers about an image, and what
//! that means for the run.
//!
//! An unknown result is never a pass: a missing, early or incomplete scan, or an unknown status,
//! only ever waits, and is refused when the time is up.

use std::time::Duration;

mod answer;
mod manifest;
mod refusal;
mod result;
mod severity;
mod verdict;

pub use answer::{
    Finding, Findings, NoFindingsReason, Package, ScanAnswer, ScannerKind, Suppression,
};
pub use manifest::{ScannedManifest, select_manifests};
pub use refusal::ScanRefusal;
pub use result::{Ruling, ScanResult, describe_counts};
pub use severity::{FailOn, Severity};
pub use verdict::{ScanObservation, ScanStart, ScanVerdict, TimeLimit, evaluate};

/// Which findings the user allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The least severity that fails the run.
    pub fail_on: FailOn,
    /// How long the scan is waited for.
    pub wait: Duration,
    /// Vulnerabilities that are known and accepted, by name.
    pub ignore: Vec<String>,
    /// What happens with an image that the scanner cannot read.
    pub unsupported: Unsupported,
}

impl Policy {
    /// Whether the user has accepted this vulnerability. Upper and lower case are not
    /// distinguished.
    pub fn ignores(&self, name: &str) -> bool {
        self.ignore
            .iter()
            .any(|ignored| ignored.eq_ignore_ascii_case(name))
    }
}

/// What happens with an image that the scanner cannot read, such as one built from scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// It is refused, because nothing is known about it.
    Refuse,
    /// It is deployed without a scan.
    Allow,
}
