//! PURE: of deployments that were started at the same time, which one continues.
//!
//! ECS lets a newer deployment replace an older one. So the newest wins (by time, then by ARN), and
//! every run that reads the list comes to the same answer: the older run notices that its
//! deployment was stopped, and the newer run waits for that.

use crate::aws::ecs_rollout_shapes::{DeploymentStatus, ServiceDeploymentSummary};
use crate::identity::ServiceDeploymentArn;

/// How our deployment relates to older ones that were not there when the run read the service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Conflict<'h> {
    /// None of them continues, or ours does not either: the next look at it shows why.
    Resolved,
    /// An older one is still in progress.
    Unresolved(&'h ServiceDeploymentSummary),
    /// An older one was completed: what served when ours started is not what ours was planned for.
    Overtaken(&'h ServiceDeploymentSummary),
}

pub(super) fn detect_conflict<'h>(
    ours: &ServiceDeploymentArn,
    known: &[ServiceDeploymentArn],
    history: &'h [ServiceDeploymentSummary],
) -> Conflict<'h> {
    let Some(own) = history
        .iter()
        .find(|brief| brief.arn == *ours)
        .filter(|own| own.status() == DeploymentStatus::InProgress)
    else {
        return Conflict::Resolved;
    };
    let older = || {
        history
            .iter()
            .filter(|brief| !known.contains(&brief.arn) && is_newer(own, brief))
    };
    if let Some(completed) = older().find(|brief| brief.status() == DeploymentStatus::Successful) {
        return Conflict::Overtaken(completed);
    }
    older()
        .find(|brief| brief.status() == DeploymentStatus::InProgress)
        .map_or(Conflict::Resolved, Conflict::Unresolved)
}

fn is_newer(one: &ServiceDeploymentSummary, other: &ServiceDeploymentSummary) -> bool {
    one.created_at
        .total_cmp(&other.created_at)
        .then_with(|| one.arn.cmp(&other.arn))
        .is_gt()
}

/// The deployment that replaced ours, which has ended.
pub(super) fn find_successor<'h>(
    ours: &ServiceDeploymentArn,
    existing: &[ServiceDeploymentArn],
    history: &'h [ServiceDeploymentSummary],
) -> Option<&'h ServiceDeploymentSummary> {
    let own = history.iter().find(|brief| brief.arn == *ours)?;
    // Of two that were created at the same time the one that has ended is the older, whatever their
    // ARNs.
    history.iter().find(|brief| {
        brief.arn != *ours && !existing.contains(&brief.arn) && brief.created_at >= own.created_at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(arn: &str, word: &str, created_at: f64) -> ServiceDeploymentSummary {
        ServiceDeploymentSummary {
            arn: arn.into(),
            raw_status: word.into(),
            created_at,
            ..ServiceDeploymentSummary::default()
        }
    }

    #[test]
    fn the_newest_goes_on_and_every_run_comes_to_the_same_answer() {
        let existing = vec!["before".into()];
        for older in ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED"] {
            let history = [
                brief("b", "PENDING", 2.0),
                brief("a", older, 1.0),
                brief("before", "SUCCESSFUL", 0.0),
            ];
            let is_unresolved = ["PENDING", "IN_PROGRESS"].contains(&older);
            assert_eq!(
                detect_conflict(&"b".into(), &existing, &history),
                if is_unresolved {
                    Conflict::Unresolved(&history[1])
                } else {
                    Conflict::Resolved
                },
                "{older}"
            );
            assert_eq!(
                detect_conflict(&"a".into(), &existing, &history),
                Conflict::Resolved,
                "the older one only looks at itself: {older}"
            );
            assert_eq!(
                find_successor(&"a".into(), &existing, &history).map(|newer| newer.arn.as_str()),
                Some("b")
            );
            assert_eq!(find_successor(&"b".into(), &existing, &history), None);
        }
    }

    #[test]
    fn of_two_of_the_same_moment_exactly_one_waits() {
        let history = [
            brief("a", "IN_PROGRESS", 1.0),
            brief("b", "IN_PROGRESS", 1.0),
        ];
        assert_eq!(
            (
                detect_conflict(&"a".into(), &[], &history),
                detect_conflict(&"b".into(), &[], &history)
            ),
            (Conflict::Resolved, Conflict::Unresolved(&history[0]))
        );
        let stopped = [brief("a", "IN_PROGRESS", 1.0), brief("b", "STOPPED", 1.0)];
        assert_eq!(
            detect_conflict(&"b".into(), &[], &stopped),
            Conflict::Resolved,
            "the other one won"
        );
        assert_eq!(
            find_successor(&"b".into(), &[], &stopped).map(|other| other.arn.as_str()),
            Some("a")
        );
    }

    #[test]
    fn one_that_was_completed_meanwhile_serves_and_not_the_blue_of_the_plan() {
        let history = [brief("b", "PENDING", 2.0), brief("a", "SUCCESSFUL", 1.0)];
        assert_eq!(
            detect_conflict(&"b".into(), &[], &history),
            Conflict::Overtaken(&history[1])
        );
        assert_eq!(
            detect_conflict(&"b".into(), &["a".into()], &history),
            Conflict::Resolved
        );
    }
}
