//! A scan's answer as the log, the summary and the report show it: counts, the worst findings, and
//! what was left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Finding, Findings, Policy, ScanAnswer, ScanRefusal, ScannedManifest, ScannerKind, Severity,
    Suppression,
};

/// How many findings are shown: more than anyone reads, and few enough for a summary.
const SHOWN: usize = 20;

/// What a scan's answer means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The image may be deployed.
    Passed,
    /// The image may not be deployed.
    Refused,
}

/// A scan's answer and what it means for the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScanResult {
    /// The digest that was read: an image's, never an index's.
    pub digest: String,
    /// Its platform, where an index has several.
    pub platform: Option<String>,
    /// A one-word answer: `findings`, `no-scan`, `unsupported`.
    pub answer: String,
    /// Whether the image may be deployed.
    pub ruling: Ruling,
    /// The least severity that fails.
    pub fail_on: String,
    /// The scanner, if there are findings.
    pub kind: Option<ScannerKind>,
    /// When the scan was completed, RFC 3339, if that is shown.
    pub completed: Option<String>,
    /// The findings that count, by severity.
    pub counts: BTreeMap<Severity, u64>,
    /// The worst of the findings that count.
    pub worst: Vec<Finding>,
    /// How many more findings count.
    pub more: u64,
    /// Ignored vulnerabilities by name, with the number of their findings.
    pub ignored: BTreeMap<String, u64>,
    /// Findings that Inspector itself leaves out.
    pub suppressed: u64,
    /// Names in `ignore` that match no finding.
    pub needless: Vec<String>,
}

impl ScanResult {
    /// The result for an answer. `completed` is the time of the scan's completion by the wall
    /// clock.
    pub fn from_answer(
        scanned: &ScannedManifest,
        policy: &Policy,
        answer: &ScanAnswer,
        refusal: Option<&ScanRefusal>,
        completed: Option<String>,
    ) -> Self {
        let blank = Self {
            digest: scanned.digest.to_string(),
            platform: scanned.platform.clone(),
            answer: refusal
                .map_or_else(|| answer_word(answer), ScanRefusal::word)
                .to_owned(),
            ruling: if refusal.is_some() {
                Ruling::Refused
            } else {
                Ruling::Passed
            },
            fail_on: policy.fail_on.to_string(),
            kind: None,
            completed,
            counts: BTreeMap::new(),
            worst: Vec::new(),
            more: 0,
            ignored: BTreeMap::new(),
            suppressed: 0,
            needless: Vec::new(),
        };
        match answer {
            ScanAnswer::Found(findings) => blank.with_findings(policy, findings),
            ScanAnswer::Absent | ScanAnswer::InProgress(_) | ScanAnswer::NoFindings(..) => blank,
        }
    }

    fn with_findings(self, policy: &Policy, findings: &Findings) -> Self {
        let open = findings.open_findings(policy);
        let hidden = findings
            .listed
            .iter()
            .filter(|finding| finding.hidden == Suppression::Suppressed);
        let names: BTreeSet<String> = findings
            .listed
            .iter()
            .map(|finding| finding.name.to_lowercase())
            .collect();
        Self {
            kind: Some(findings.kind),
            counts: count_by_key(open.iter().map(|finding| finding.severity)),
            worst: open
                .iter()
                .take(SHOWN)
                .map(|finding| (*finding).clone())
                .collect(),
            more: to_u64(open.len().saturating_sub(SHOWN)),
            ignored: count_by_key(ignored_names(policy, findings)),
            suppressed: to_u64(hidden.count()),
            needless: policy
                .ignore
                .iter()
                .filter(|name| !names.contains(&name.to_lowercase()))
                .cloned()
                .collect(),
            ..self
        }
    }

    /// A short form: `1 critical and 2 high findings`, or the answer if there are no findings.
    pub fn describe(&self) -> String {
        let is_left_out = self.suppressed > 0 || !self.ignored.is_empty();
        match (self.kind, self.ruling) {
            (None, Ruling::Passed) => format!("{}, deployed unscanned, as allowed", self.answer),
            (None, Ruling::Refused) => self.answer.clone(),
            (Some(_), _) if self.counts.is_empty() && is_left_out => {
                "no findings besides those that are ignored".to_owned()
            }
            (Some(_), _) => describe_counts(&self.counts),
        }
    }
}

impl ScanAnswer {
    /// What it says, for people: the findings by severity, or why there are none.
    pub fn describe(&self) -> String {
        match self {
            Self::Found(findings) => {
                let listed = findings.listed.iter();
                let shown = listed.filter(|finding| finding.hidden == Suppression::No);
                let counts = count_by_key(shown.map(|finding| finding.severity));
                format!("{} ({} scan)", describe_counts(&counts), findings.kind)
            }
            Self::Absent => "no scan of it is known".to_owned(),
            Self::InProgress(word) => format!("its scan is {word}"),
            Self::NoFindings(why, words) => match words {
                Some(words) => format!("no findings are known ({}: {words})", why.word()),
                None => format!("no findings are known ({})", why.word()),
            },
        }
    }
}

fn answer_word(answer: &ScanAnswer) -> &'static str {
    match answer {
        ScanAnswer::Found(_) => "findings",
        ScanAnswer::NoFindings(why, _) => why.word(),
        ScanAnswer::Absent => "no-scan",
        ScanAnswer::InProgress(_) => "not-done",
    }
}

fn ignored_names<'f>(
    policy: &'f Policy,
    findings: &'f Findings,
) -> impl Iterator<Item = String> + 'f {
    let is_ignored =
        |finding: &&Finding| finding.hidden == Suppression::No && policy.ignores(&finding.name);
    findings
        .listed
        .iter()
        .filter(is_ignored)
        .map(|finding| finding.name.clone())
}

fn count_by_key<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// `1 critical and 2 high findings`, the worst first.
pub fn describe_counts(counts: &BTreeMap<Severity, u64>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let noun = if counts
        .values()
        .fold(0_u64, |sum, count| sum.saturating_add(*count))
        == 1
    {
        "finding"
    } else {
        "findings"
    };
    match parts.split_last() {
        None => "no findings".to_owned(),
        Some((only, [])) => format!("{only} {noun}"),
        Some((last, others)) => format!("{} and {last} {noun}", others.join(", ")),
    }
}
