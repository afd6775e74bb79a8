//! PURE: the gate on scan findings. What the registry's scanner answers about an image, and what
//! that means for the run.
//!
//! Whatever is not known is not a pass: a scan that is missing, early, cut short or spoken of in a
//! new word only ever waits, and refuses when the time is up.

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

/// What the user allows in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The least severity that fails the run.
    pub fail_on: FailOn,
    /// How long the scan is waited for.
    pub wait: Duration,
    /// Vulnerabilities that are known and accepted, by name.
    pub ignore: Vec<String>,
    /// What an image means that the scanner cannot read.
    pub unsupported: Unsupported,
}

impl Policy {
    /// Whether the user has accepted this vulnerability; names differ in case only by accident.
    pub fn ignores(&self, name: &str) -> bool {
        self.ignore
            .iter()
            .any(|ignored| ignored.eq_ignore_ascii_case(name))
    }
}

/// What an image means that the scanner cannot read, such as one that is built from scratch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// Nothing is known about it: the run ends.
    Refuse,
    /// It is deployed unscanned.
    Allow,
}
