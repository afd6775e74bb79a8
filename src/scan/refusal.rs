//! Why an image is not deployed, as a sentence, and what to do about it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{FailOn, NoFindingsReason, ScanStart, Severity, describe_counts};
use crate::duration::HumanDuration;
use crate::error::Explain;
use crate::outcome::Reason;
use crate::scrub::mask;

/// Why an image is not deployed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanRefusal {
    /// It has findings of a severity that fails.
    #[error("the image has {}; fail-on is {fail_on}", describe_counts(counts))]
    Findings {
        /// The findings that fail, by severity.
        counts: BTreeMap<Severity, u64>,
        /// The least severity that fails.
        fail_on: FailOn,
    },
    /// There is no scan of it.
    #[error("there is no scan of the image, after {}", HumanDuration(*waited))]
    NoScan {
        /// The image's repository.
        repository: String,
        /// How long the run waited.
        waited: Duration,
        /// What came of starting a scan.
        start: ScanStart,
    },
    /// The scan is still in progress.
    #[error("the scan of the image was not done after {} (ECR says {word})", HumanDuration(*waited))]
    NotDone {
        /// ECR's status of the scan.
        word: String,
        /// How long the run waited.
        waited: Duration,
    },
    /// The scan's status is complete, but its findings have not arrived.
    #[error("the scan of the image is said to be done, but its findings were not there after {}", HumanDuration(*waited))]
    Early {
        /// How long the run waited.
        waited: Duration,
    },
    /// More findings are counted than listed.
    #[error("ECR counts {unlisted} more findings at or above fail-on ({fail_on}) than it lists")]
    Unlisted {
        /// The number of findings that are not listed.
        unlisted: u64,
        /// The least severity that fails.
        fail_on: FailOn,
    },
    /// The list of findings was still too new to be complete.
    #[error("the scan of the image finished too late to know that its list of findings is complete, after {}", HumanDuration(*waited))]
    Unsettled {
        /// How long the run waited.
        waited: Duration,
    },
    /// The scan ended without findings.
    #[error("{}{}", why.sentence(), words.as_ref().map(|words| format!(" (ECR says: {})", mask(words))).unwrap_or_default())]
    NoFindings {
        /// The reason.
        why: NoFindingsReason,
        /// ECR's description of the reason.
        words: Option<String>,
    },
    /// The image is not in a registry that scans.
    #[error(
        "the image is deployed by its name, not from an ECR registry, so there is no scan to read"
    )]
    NotInRegistry,
}

impl ScanRefusal {
    /// A refusal because of these findings.
    pub fn findings(severities: Vec<Severity>, fail_on: FailOn) -> Self {
        let mut counts = BTreeMap::new();
        for severity in severities {
            *counts.entry(severity).or_default() += 1;
        }
        Self::Findings { counts, fail_on }
    }

    /// A one-word answer for the report.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Findings { .. } => "findings",
            Self::NoScan { .. } => "no-scan",
            Self::NotDone { .. } => "not-done",
            Self::Early { .. } | Self::Unlisted { .. } | Self::Unsettled { .. } => "incomplete",
            Self::NoFindings { why, .. } => why.word(),
            Self::NotInRegistry => "not-in-registry",
        }
    }
}

impl NoFindingsReason {
    /// A one-word answer for the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unsupported => "unsupported",
            Self::Expired => "expired",
            Self::Unavailable => "unavailable",
            Self::Limit => "limit",
            Self::Archived => "archived",
            Self::TooLarge => "too-large",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Failed => "the scan of the image failed",
            Self::Unsupported => {
                "the scanner cannot read the image: its system or its type is not supported"
            }
            Self::Expired => {
                "Inspector does not scan the image any more: its eligibility has expired"
            }
            Self::Unavailable => "the findings of the image's scan are not available",
            Self::Limit => "the image is not scanned: a limit of the account is reached",
            Self::Archived => "the image is archived, so its scan cannot be read",
            Self::TooLarge => "the image is too large for the scanner",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Failed => {
                "have it scanned again (aws ecr start-image-scan, which ECR allows once in 24 hours for an image), then run the job again"
            }
            Self::Unsupported => {
                "images from scratch, distroless ones and systems out of support cannot be read by basic scanning: use enhanced scanning, \
                 or set `unsupported: allow` in scan"
            }
            Self::Expired => {
                "push the image again, or lengthen the re-scan duration in Inspector's settings"
            }
            Self::Unavailable => {
                "look at the image in the ECR console; when Inspector was just turned on or off, try again later"
            }
            Self::Limit => "ask AWS for a higher limit, or try again later",
            Self::Archived => "restore the image to the standard storage class, or push it again",
            Self::TooLarge => "make the image smaller, or leave scan out for it",
        }
    }
}

/// How to have every pushed image scanned.
fn scan_on_push(repository: &str) -> String {
    format!(
        "let ECR scan what is pushed: aws ecr put-image-scanning-configuration --repository-name {repository} --image-scanning-configuration \
         scanOnPush=true; with enhanced scanning, include the repository in the registry's scan filters"
    )
}

impl Explain for ScanRefusal {
    fn reason(&self) -> Reason {
        Reason::ScanFailed
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Findings { .. } => {
                "update the packages, or list under `ignore` of scan what is known and accepted (docs/scan.md)".to_owned()
            }
            Self::NoScan { start: ScanStart::Refused { hint: Some(hint), .. }, .. } => hint.clone(),
            Self::NoScan { repository, .. } => scan_on_push(repository),
            Self::NotDone { .. } | Self::Early { .. } | Self::Unsettled { .. } => {
                "raise `wait` of scan, or run the job again later".to_owned()
            }
            Self::Unlisted { .. } => "look at the image in the ECR console, and run the job again later".to_owned(),
            Self::NoFindings { why, .. } => why.hint().to_owned(),
            Self::NotInRegistry => "set repository, so that the image is pushed to ECR; or leave scan out".to_owned(),
        })
    }
}
