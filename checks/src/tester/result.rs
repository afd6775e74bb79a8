//! The result of a tester for the journal: free of secrets, each text on one line.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::text::Text;

/// The result of a tester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TesterResult {
    /// The tester's name.
    pub name: String,
    /// The moment of the rollout at which it ran.
    pub moment: Moment,
    /// Where it ran, in words.
    pub place: String,
    /// Passed, failed or timed out.
    pub verdict: TesterVerdict,
    /// Its exit code; none when it did not end by itself.
    pub exit_code: Option<i64>,
    /// How long it ran.
    pub milliseconds: u64,
    /// How many cases its reports name.
    pub tally: CaseCounts,
    /// The cases, those that failed first; limited to what a summary can show.
    pub cases: Vec<Case>,
    /// The end of its log when it did not pass, oldest line first.
    pub lines: Vec<Text>,
    /// How many log lines were not printed while it ran, because there were too many.
    pub untold: usize,
    /// Why its reports could not be read, where that is so.
    pub note: Option<Text>,
}

/// The result of a tester.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TesterVerdict {
    /// It exited with 0.
    Passed,
    /// It exited with something else.
    Failed,
    /// It did not end in its time.
    TimedOut,
}

/// How many cases there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseCounts {
    /// Passed.
    pub passed: usize,
    /// Failed, or ended in an error.
    pub failed: usize,
    /// Skipped.
    pub skipped: usize,
}

impl CaseCounts {
    /// All of them.
    pub fn total(self) -> usize {
        self.passed
            .saturating_add(self.failed)
            .saturating_add(self.skipped)
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, verdict: CaseVerdict) {
        match verdict {
            CaseVerdict::Passed => self.passed += 1,
            CaseVerdict::Failed => self.failed += 1,
            CaseVerdict::Skipped => self.skipped += 1,
        }
    }
}

/// A case of a JUnit report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Case {
    /// Its class, or the suite it belongs to; empty when the report names neither.
    pub suite: Text,
    /// Its name.
    pub name: Text,
    /// Passed, skipped or failed.
    pub verdict: CaseVerdict,
    /// How long it took, where the report says so.
    pub milliseconds: Option<u64>,
    /// Why it failed or was skipped, where the report says so.
    pub message: Option<Text>,
}

/// The result of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseVerdict {
    /// Failed, or ended in an error.
    Failed,
    /// Skipped.
    Skipped,
    /// Passed.
    Passed,
}

impl TesterResult {
    /// How it ended, in words: `exit code 3`.
    pub fn describe_exit(&self) -> String {
        match (self.verdict, self.exit_code) {
            (TesterVerdict::TimedOut, _) => "timed out".to_owned(),
            (TesterVerdict::Passed | TesterVerdict::Failed, Some(code)) => {
                format!("exit code {code}")
            }
            (TesterVerdict::Passed | TesterVerdict::Failed, None) => "it never ran".to_owned(),
        }
    }

    /// The cases of its reports, counted, in words; none when there are none.
    pub fn describe_cases(&self) -> Option<String> {
        let CaseCounts {
            passed,
            failed,
            skipped,
        } = self.tally;
        let parts = [(passed, "passed"), (failed, "failed"), (skipped, "skipped")];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!parts.is_empty()).then(|| format!("{} cases: {}", self.tally.total(), parts.join(", ")))
    }
}
