//! PURE: the job and its credentials last as long as the rollout.

use std::time::Duration;

use super::{LineResult, Subject};
use crate::checks::duration::HumanDuration;

/// How long GitHub lets a job run on its own runners.
const LONGEST_JOB: Duration = Duration::from_hours(6);

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(rollout) = subject.plan.and_then(|plan| plan.rollout.as_ref()) else {
        return vec![LineResult::skipped("there is no plan of a rollout")];
    };
    let (expected, deadline) = (rollout.expected_duration, rollout.deadline);
    let seen = &subject.snapshot.prerequisites;
    let shown = HumanDuration(expected);
    let mut findings = Vec::new();
    if expected > LONGEST_JOB {
        findings.push(LineResult::warned(
            format!("the rollout takes about {shown}, and GitHub ends a job on its own runners after 6 h"),
            "set wait-until: shifted, keep blue for a shorter time, or use a self-hosted runner",
        ));
    }
    if deadline < expected {
        findings.push(LineResult::warned(
            format!(
                "the rollout takes about {shown}, and the run follows it for {} only",
                HumanDuration(deadline)
            ),
            "set deadline or wait-for-minutes higher",
        ));
    }
    let left = seen.session_end.map(|end| (end - seen.looked_at).max(0.0));
    if let Some(left) = left.filter(|left| *left < expected.as_secs_f64()) {
        findings.push(LineResult::warned(
            format!(
                "the credentials end in {}, and the rollout takes about {shown}: nobody could roll it back then",
                HumanDuration(Duration::from_secs_f64(left))
            ),
            "give the session a longer duration (role-duration-seconds), or assume the role in this action",
        ));
    }
    if findings.is_empty() {
        let limit = HumanDuration(deadline);
        let session = if left.is_some() {
            "the credentials last longer"
        } else {
            "how long the credentials last is not known"
        };
        findings.push(LineResult::Ok(format!(
            "the rollout itself takes about {shown}, and is followed for at most {limit}; {session}"
        )));
    }
    findings
}
