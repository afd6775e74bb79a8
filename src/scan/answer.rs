//! One read of an image's scan, from either scanner.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FailOn, Policy, Severity};

/// The registry's answer about an image's scan.
#[derive(Debug, Clone, PartialEq)]
pub enum ScanAnswer {
    /// No scan of the image is known.
    Absent,
    /// The scan is in progress, with ECR's status. A status that is newer than this action counts
    /// as in progress, too.
    InProgress(String),
    /// There is a list of findings, which may be empty.
    Found(Findings),
    /// The scan ended, or will never start, without findings. The text is ECR's own, if it gave
    /// any.
    NoFindings(NoFindingsReason, Option<String>),
}

/// Why there will be no findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFindingsReason {
    /// The scan failed.
    Failed,
    /// The scanner cannot read the image.
    Unsupported,
    /// Inspector no longer scans it.
    Expired,
    /// The findings cannot be read.
    Unavailable,
    /// The account's limit of scans is reached.
    Limit,
    /// The image is archived.
    Archived,
    /// The image is too large for the scanner.
    TooLarge,
}

/// The scanner of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScannerKind {
    /// ECR's own scanner, which scans once for each push or start.
    Basic,
    /// Amazon Inspector, which scans once or continuously.
    Enhanced,
}

impl fmt::Display for ScannerKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Basic => "basic",
            Self::Enhanced => "enhanced",
        })
    }
}

/// All findings, of every page.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The scanner that found them.
    pub kind: ScannerKind,
    /// When the scan was completed, in seconds since 1970; none if that is not shown.
    pub completed: Option<f64>,
    /// The findings, the worst first.
    pub listed: Vec<Finding>,
    /// The number of findings by severity, as ECR counts them beside the list.
    pub counted: BTreeMap<Severity, u64>,
}

/// One finding of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// The vulnerability: `CVE-2024-6387`.
    pub name: String,
    /// The severity.
    pub severity: Severity,
    /// The affected packages.
    pub packages: Vec<Package>,
    /// Whether Inspector itself leaves it out.
    pub hidden: Suppression,
}

/// Whether Inspector itself leaves a finding out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suppression {
    /// It is listed.
    #[default]
    No,
    /// It matches a suppression rule of the account, or is closed.
    Suppressed,
}

/// A package that is vulnerable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// The version in the image.
    pub version: Option<String>,
    /// The version that fixes it, if the scanner names one.
    pub fixed_in: Option<String>,
}

impl fmt::Display for Package {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        self.version
            .as_ref()
            .map_or(Ok(()), |version| write!(out, " {version}"))
    }
}

impl Findings {
    /// The findings that count, the worst first.
    pub fn open_findings(&self, policy: &Policy) -> Vec<&Finding> {
        let is_open = |finding: &&Finding| {
            finding.hidden == Suppression::No && !policy.ignores(&finding.name)
        };
        let mut open: Vec<&Finding> = self.listed.iter().filter(is_open).collect();
        open.sort_by_key(|finding| (finding.severity, finding.name.as_str()));
        open
    }

    /// How many findings that fail are counted but not listed.
    pub fn count_unlisted(&self, fail_on: FailOn) -> u64 {
        let missing = |(severity, counted): (&Severity, &u64)| {
            counted.saturating_sub(self.count_of(*severity))
        };
        self.counted
            .iter()
            .filter(|(severity, _)| fail_on.fails(**severity))
            .map(missing)
            .sum()
    }

    /// A scan whose findings have not arrived yet looks like one without any, except that its time
    /// of completion is missing.
    pub fn is_early(&self) -> bool {
        self.completed.is_none()
            && self.listed.is_empty()
            && self.counted.values().all(|count| *count == 0)
    }

    fn count_of(&self, severity: Severity) -> u64 {
        let count = self
            .listed
            .iter()
            .filter(|finding| finding.severity == severity)
            .count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}
