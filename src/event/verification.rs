//! What `mode: verify` has found: a line for everything that was looked at before a first write.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// One thing that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct VerifiedItem {
    /// What was looked at, such as `deployment group`.
    pub item: String,
    /// What came of it.
    pub status: VerificationStatus,
    /// What is wrong, why it was skipped, or what was found.
    pub detail: Text,
    /// What to do; empty where nothing is to be done.
    pub remedy: Text,
}

/// What came of looking at something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerificationStatus {
    /// It was read, and nothing is wrong with it.
    Ok,
    /// A deployment would be refused, or fail.
    Failed,
    /// A deployment would go on, and a person should know.
    Warned,
    /// It was not looked at.
    Skipped,
}

impl VerificationStatus {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Failed => "FAILED",
            Self::Warned => "WARNING",
            Self::Skipped => "SKIPPED",
        }
    }
}
