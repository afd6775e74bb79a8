//! What one look at a scan means. The order of the questions is the policy.

use std::time::Duration;

use super::{Findings, Policy, ScanAnswer, ScanRefusal, ScannerKind, Unsupported, Without};

/// A scan on push takes a moment to appear; so long nothing is started in its place.
const APPEARS_WITHIN: Duration = Duration::from_secs(10);
/// A basic scan's list comes as a whole, but may come a moment after its status.
const SETTLES: Duration = Duration::from_secs(2);
/// Inspector's list grows while it is read: one finding at first, three a minute later were seen
/// (aws-sdk#288, #289).
const INSPECTOR_SETTLES: Duration = Duration::from_secs(15);
/// A scan that was completed so long ago does not grow any more.
const SETTLED: Duration = Duration::from_mins(1);

/// One look at a scan, and what is known around it.
#[derive(Debug, Clone, Copy)]
pub struct ScanObservation<'a> {
    /// The repository, for what to do.
    pub repository: &'a str,
    /// What the registry answers.
    pub answer: &'a ScanAnswer,
    /// How long it has answered the same.
    pub unchanged: Duration,
    /// How long ago the scan was completed, where that is shown.
    pub age: Option<Duration>,
    /// How long was waited so far.
    pub waited: Duration,
    /// Whether there is time to look again.
    pub time: Time,
    /// What became of starting a scan.
    pub start: &'a Start,
}

/// Whether there is time to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// There is.
    Left,
    /// This was the last look.
    Up,
}

/// What became of starting a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nobody was asked to.
    NotAsked,
    /// One was started by this run.
    Started,
    /// AWS did not start one.
    Refused {
        /// In AWS's words.
        why: String,
        /// What to do about it, where that is known.
        hint: Option<String>,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanVerdict {
    /// Look again.
    Wait,
    /// Have a scan started.
    Start,
    /// The image may be deployed.
    Pass,
    /// It may not.
    Refuse(ScanRefusal),
}

/// What a look means under a policy.
pub fn judge(policy: &Policy, look: &ScanObservation<'_>) -> ScanVerdict {
    match look.answer {
        ScanAnswer::Absent => absent(policy, look),
        ScanAnswer::GoingOn(word) => in_time(look, || ScanRefusal::NotDone {
            word: word.clone(),
            waited: look.waited,
        }),
        ScanAnswer::Without(Without::Unsupported, _)
            if policy.unsupported == Unsupported::Allow =>
        {
            ScanVerdict::Pass
        }
        ScanAnswer::Without(why, words) => ScanVerdict::Refuse(ScanRefusal::Without {
            why: *why,
            words: words.clone(),
        }),
        ScanAnswer::Found(findings) => found(policy, look, findings),
    }
}

fn in_time(look: &ScanObservation<'_>, refusal: impl FnOnce() -> ScanRefusal) -> ScanVerdict {
    match look.time {
        Time::Left => ScanVerdict::Wait,
        Time::Up => ScanVerdict::Refuse(refusal()),
    }
}

fn absent(policy: &Policy, look: &ScanObservation<'_>) -> ScanVerdict {
    // A third of a short wait, so that there is time for the scan that is started then.
    let patience = APPEARS_WITHIN.min(policy.wait / 3);
    match (look.time, look.start) {
        (Time::Left, Start::NotAsked) if look.unchanged >= patience => ScanVerdict::Start,
        (Time::Left, _) => ScanVerdict::Wait,
        (Time::Up, start) => ScanVerdict::Refuse(ScanRefusal::NoScan {
            repository: look.repository.to_owned(),
            waited: look.waited,
            start: start.clone(),
        }),
    }
}

fn found(policy: &Policy, look: &ScanObservation<'_>, findings: &Findings) -> ScanVerdict {
    let failing: Vec<_> = findings
        .open(policy)
        .into_iter()
        .filter(|finding| policy.fail_on.fails(finding.severity))
        .collect();
    let unlisted = findings.unlisted(policy.fail_on);
    let is_whole = !findings.is_early() && unlisted == 0;
    let settles = if findings.kind == ScannerKind::Basic || !failing.is_empty() {
        SETTLES
    } else {
        INSPECTOR_SETTLES
    };
    let is_settled =
        is_whole && (look.unchanged >= settles || look.age.is_some_and(|age| age >= SETTLED));
    if !is_settled && look.time == Time::Left {
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
