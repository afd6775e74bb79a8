//! What the registry's scanner would say about a repository's images: a script, one line for each
//! look.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::switches::Toggle;

/// How a repository's images are scanned.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanOptions {
    /// The scanner.
    pub kind: ScanKind,
    /// Whether every pushed image is scanned; otherwise a scan has to be started.
    pub on_push: Toggle,
    /// What each `DescribeImageScanFindings` of an image answers; the last one stays.
    pub looks: Vec<ScanReading>,
    /// The most findings in a page.
    pub page: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            kind: ScanKind::Basic,
            on_push: Toggle::Off,
            looks: vec![ScanReading::completed(Vec::new())],
            page: 100,
        }
    }
}

/// The scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanKind {
    /// ECR itself.
    Basic,
    /// Amazon Inspector.
    Enhanced,
}

/// The answer to one `DescribeImageScanFindings`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanReading {
    /// The status as ECR names it; `NOT_FOUND` is a `ScanNotFoundException`.
    pub status: String,
    /// ECR's words about the status.
    #[serde(default)]
    pub description: Option<String>,
    /// How long before the first look the scan was completed; not shown when absent.
    #[serde(default)]
    pub completed_seconds_ago: Option<u32>,
    /// The findings.
    #[serde(default)]
    pub findings: Vec<ScanFinding>,
    /// The counts by severity; those of the findings when absent.
    #[serde(default)]
    pub counts: Option<BTreeMap<String, u64>>,
}

impl ScanReading {
    /// A status without findings.
    pub fn status(status: &str) -> Self {
        Self {
            status: status.to_owned(),
            description: None,
            completed_seconds_ago: None,
            findings: Vec::new(),
            counts: None,
        }
    }

    /// A scan that was completed five minutes before.
    pub fn completed(findings: Vec<ScanFinding>) -> Self {
        Self {
            findings,
            completed_seconds_ago: Some(300),
            ..Self::status("COMPLETE")
        }
    }

    /// The same with ECR's words about the status.
    #[must_use]
    pub fn with_description(self, description: &str) -> Self {
        Self {
            description: Some(description.to_owned()),
            ..self
        }
    }
}

/// A finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanFinding {
    /// `CVE-2024-6387`.
    pub name: String,
    /// `CRITICAL`, `UNDEFINED` (basic), `UNTRIAGED` (enhanced).
    pub severity: String,
    /// Name of the vulnerable package.
    pub package: String,
    /// Version of that package.
    pub version: String,
    /// The version to move to; only Inspector says so.
    #[serde(default)]
    pub fixed_in: Option<String>,
    /// `ACTIVE`, `SUPPRESSED`, `CLOSED`; only Inspector says so.
    #[serde(default = "default_status")]
    pub status: String,
}

impl ScanFinding {
    /// A finding in a package that has no fix yet.
    pub fn new(severity: &str, name: &str, (package, version): (&str, &str)) -> Self {
        let (name, severity) = (name.to_owned(), severity.to_owned());
        Self {
            name,
            severity,
            package: package.to_owned(),
            version: version.to_owned(),
            fixed_in: None,
            status: default_status(),
        }
    }

    /// The same with the version to move to.
    #[must_use]
    pub fn with_fix(self, version: &str) -> Self {
        Self {
            fixed_in: Some(version.to_owned()),
            ..self
        }
    }

    /// The same, left out by a suppression rule.
    #[must_use]
    pub fn with_suppression(self) -> Self {
        Self {
            status: "SUPPRESSED".to_owned(),
            ..self
        }
    }
}

fn default_status() -> String {
    "ACTIVE".to_owned()
}
