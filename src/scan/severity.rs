//! The severity of a finding, and the least severity that fails the run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The severity of a finding, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A severity that is missing or newer than this action: it may be the worst of all.
    Unknown,
    /// `CRITICAL`.
    Critical,
    /// `HIGH`.
    High,
    /// `MEDIUM`.
    Medium,
    /// `LOW`.
    Low,
    /// `INFORMATIONAL`.
    Informational,
    /// Not rated yet: `UNDEFINED` of basic scanning, `UNTRIAGED` of Inspector.
    Unrated,
}

impl Severity {
    /// The word in texts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Informational => "informational",
            Self::Unrated => "unrated",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// The least severity that fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// This severity and every worse one.
    AtLeast(Severity),
    /// Every finding, rated or not.
    Any,
}

impl FailOn {
    /// The values of the input.
    pub const WORDS: &[(&str, Self)] = &[
        ("critical", Self::AtLeast(Severity::Critical)),
        ("high", Self::AtLeast(Severity::High)),
        ("medium", Self::AtLeast(Severity::Medium)),
        ("low", Self::AtLeast(Severity::Low)),
        ("informational", Self::AtLeast(Severity::Informational)),
        ("any", Self::Any),
    ];

    /// Whether a finding of this severity fails the run.
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Any => true,
            Self::AtLeast(least) => severity != Severity::Unrated && severity <= least,
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(severity) => out.write_str(severity.word()),
            Self::Any => out.write_str("any"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_fails_with_every_worse_one_and_an_unrated_one_only_where_any_does() {
        use Severity::{Critical, High, Informational, Low, Medium, Unknown, Unrated};
        let table: [(FailOn, &[Severity]); 4] = [
            (FailOn::AtLeast(Critical), &[Unknown, Critical]),
            (FailOn::AtLeast(High), &[Unknown, Critical, High]),
            (
                FailOn::AtLeast(Informational),
                &[Unknown, Critical, High, Medium, Low, Informational],
            ),
            (
                FailOn::Any,
                &[Unknown, Critical, High, Medium, Low, Informational, Unrated],
            ),
        ];
        for (fail_on, expected) in table {
            let all = [Unknown, Critical, High, Medium, Low, Informational, Unrated];
            let failing: Vec<_> = all
                .into_iter()
                .filter(|severity| fail_on.fails(*severity))
                .collect();
            assert_eq!(failing, expected, "{fail_on}");
        }
    }
}
