//! What one read of a scan means. The order of the checks is the policy.

use std::time::Duration;

use super::{
    Findings, NoFindingsReason, Policy, ScanAnswer, ScanRefusal, ScannerKind, Unsupported,
};

/// A scan on push takes a few seconds to appear. Until then, no scan is started instead.
const APPEARANCE_TIME: Duration = Duration::from_secs(10);
/// A basic scan's list arrives as a whole, but may arrive a little after its status.
const BASIC_SETTLE_TIME: Duration = Duration::from_secs(2);
/// Inspector's list grows while it is read: one finding at first and three a minute later were
/// observed (aws-sdk#288, #289).
const INSPECTOR_SETTLE_TIME: Duration = Duration::from_secs(15);
/// The list of a scan that was completed so long ago does not grow any more.
const SETTLED_AGE: Duration = Duration::from_mins(1);

/// One read of a scan, with what else is needed to evaluate it.
#[derive(Debug, Clone, Copy)]
pub struct ScanObservation<'a> {
    /// The repository, for hints.
    pub repository: &'a str,
    /// The registry's answer.
    pub answer: &'a ScanAnswer,
    /// For how long the answer has been the same.
    pub unchanged: Duration,
    /// How long ago the scan was completed, if that is shown.
    pub age: Option<Duration>,
    /// How long the run has waited so far.
    pub waited: Duration,
    /// Whether there is time to look again.
    pub time: TimeLimit,
    /// What came of starting a scan.
    pub start: &'a ScanStart,
}

/// Whether there is time to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// There is time.
    NotReached,
    /// This was the last read.
    Reached,
}

/// What came of starting a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanStart {
    /// No scan was requested.
    NotRequested,
    /// One was started by this run.
    Started,
    /// AWS did not start one.
    Refused {
        /// AWS's reason.
        why: String,
        /// What to do about it, if that is known.
        hint: Option<String>,
    },
}

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanVerdict {
    /// Read again.
    Wait,
    /// Start a scan.
    Start,
    /// The image may be deployed.
    Pass,
    /// It may not.
    Refuse(ScanRefusal),
}

/// What a read means under a policy.
pub fn evaluate(policy: &Policy, look: &ScanObservation<'_>) -> ScanVerdict {
    match look.answer {
        ScanAnswer::Absent => evaluate_absent(policy, look),
        ScanAnswer::InProgress(word) => wait_or_refuse(look, || ScanRefusal::NotDone {
            word: word.clone(),
            waited: look.waited,
        }),
        ScanAnswer::NoFindings(NoFindingsReason::Unsupported, _)
            if policy.unsupported == Unsupported::Allow =>
        {
            ScanVerdict::Pass
        }
        ScanAnswer::NoFindings(why, words) => ScanVerdict::Refuse(ScanRefusal::NoFindings {
            why: *why,
            words: words.clone(),
        }),
        ScanAnswer::Found(findings) => evaluate_findings(policy, look, findings),
    }
}

fn wait_or_refuse(
    look: &ScanObservation<'_>,
    refusal: impl FnOnce() -> ScanRefusal,
) -> ScanVerdict {
    match look.time {
        TimeLimit::NotReached => ScanVerdict::Wait,
        TimeLimit::Reached => ScanVerdict::Refuse(refusal()),
    }
}

fn evaluate_absent(policy: &Policy, look: &ScanObservation<'_>) -> ScanVerdict {
    // Only a third of a short wait, so that a scan that is started then has time to finish.
    let patience = APPEARANCE_TIME.min(policy.wait / 3);
    match (look.time, look.start) {
        (TimeLimit::NotReached, ScanStart::NotRequested) if look.unchanged >= patience => {
            ScanVerdict::Start
        }
        (TimeLimit::NotReached, _) => ScanVerdict::Wait,
        (TimeLimit::Reached, start) => ScanVerdict::Refuse(ScanRefusal::NoScan {
            repository: look.repository.to_owned(),
            waited: look.waited,
            start: start.clone(),
        }),
    }
}

fn evaluate_findings(
    policy: &Policy,
    look: &ScanObservation<'_>,
    findings: &Findings,
) -> ScanVerdict {
    let failing: Vec<_> = findings
        .open_findings(policy)
        .into_iter()
        .filter(|finding| policy.fail_on.fails(finding.severity))
        .collect();
    let unlisted = findings.count_unlisted(policy.fail_on);
    let is_whole = !findings.is_early() && unlisted == 0;
    let settles = if findings.kind == ScannerKind::Basic || !failing.is_empty() {
        BASIC_SETTLE_TIME
    } else {
        INSPECTOR_SETTLE_TIME
    };
    let is_settled =
        is_whole && (look.unchanged >= settles || look.age.is_some_and(|age| age >= SETTLED_AGE));
    if !is_settled && look.time == TimeLimit::NotReached {
        return ScanVerdict::Wait;
    }
    if !failing.is_empty() {
        let severities = failing.iter().map(|finding| finding.severity).collect();
        return ScanVerdict::Refuse(ScanRefusal::findings(severities, policy.fail_on));
    }
    if findings.is_early() {
        return ScanVerdict::Refuse(ScanRefusal::Early {
            waited: look.waited,
        });
    }
    if unlisted > 0 {
        return ScanVerdict::Refuse(ScanRefusal::Unlisted {
            unlisted,
            fail_on: policy.fail_on,
        });
    }
    if is_settled {
        ScanVerdict::Pass
    } else {
        ScanVerdict::Refuse(ScanRefusal::Unsettled {
            waited: look.waited,
        })
    }
}

#[cfg(test)]
mod tests;
