//! PURE: of deployments that were started at the same time, which one goes on.
//!
//! ECS lets a newer deployment take the place of an older one. So the newest wins (by time, then by
//! ARN), and every run that reads the list comes to the same answer: whoever is older notices that
//! its deployment was stopped, and whoever is newer waits for that.

use crate::aws::ecs_rollout_shapes::{Brief, DeploymentStatus};

/// How our deployment stands to older ones that were not there when the run looked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Contest<'h> {
    /// None of them goes on, or ours does not either: the next look at it says why.
    Settled,
    /// An older one still goes on.
    Open(&'h Brief),
    /// An older one was completed: what served when ours came is not what it was planned for.
    Overtaken(&'h Brief),
}

/// Where ours stands.
pub(super) fn contest<'h>(ours: &str, known: &[String], history: &'h [Brief]) -> Contest<'h> {
    let Some(own) = history
        .iter()
        .find(|brief| brief.arn == ours)
        .filter(|own| own.status() == DeploymentStatus::Going)
    else {
        return Contest::Settled;
    };
    let older = || {
        history
            .iter()
            .filter(|brief| !known.contains(&brief.arn) && is_newer(own, brief))
    };
    if let Some(completed) = older().find(|brief| brief.status() == DeploymentStatus::Successful) {
        return Contest::Overtaken(completed);
    }
    older()
        .find(|brief| brief.status() == DeploymentStatus::Going)
        .map_or(Contest::Settled, Contest::Open)
}

fn is_newer(one: &Brief, other: &Brief) -> bool {
    one.created_at
        .total_cmp(&other.created_at)
        .then_with(|| one.arn.cmp(&other.arn))
        .is_gt()
}

/// The deployment that took the place of ours, which does not go on any more.
pub(super) fn successor<'h>(
    ours: &str,
    known: &[String],
    history: &'h [Brief],
) -> Option<&'h Brief> {
    let own = history.iter().find(|brief| brief.arn == ours)?;
    // Two of the same moment: the one that does not go on is the older, whatever their ARNs say.
    history.iter().find(|brief| {
        brief.arn != ours && !known.contains(&brief.arn) && brief.created_at >= own.created_at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(arn: &str, word: &str, created_at: f64) -> Brief {
        Brief {
            arn: arn.into(),
            word: word.into(),
            created_at,
            ..Brief::default()
        }
    }

    #[test]
    fn the_newest_goes_on_and_every_run_comes_to_the_same_answer() {
        let known = vec!["before".to_owned()];
        for older in ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED"] {
            let history = [
                brief("b", "PENDING", 2.0),
                brief("a", older, 1.0),
                brief("before", "SUCCESSFUL", 0.0),
            ];
            let is_open = ["PENDING", "IN_PROGRESS"].contains(&older);
            assert_eq!(
                contest("b", &known, &history),
                if is_open {
                    Contest::Open(&history[1])
                } else {
                    Contest::Settled
                },
                "{older}"
            );
            assert_eq!(
                contest("a", &known, &history),
                Contest::Settled,
                "the older one only looks at itself: {older}"
            );
            assert_eq!(
                successor("a", &known, &history).map(|newer| newer.arn.as_str()),
                Some("b")
            );
            assert_eq!(successor("b", &known, &history), None);
        }
    }

    #[test]
    fn of_two_of_the_same_moment_exactly_one_waits() {
        let history = [
            brief("a", "IN_PROGRESS", 1.0),
            brief("b", "IN_PROGRESS", 1.0),
        ];
        assert_eq!(
            (contest("a", &[], &history), contest("b", &[], &history)),
            (Contest::Settled, Contest::Open(&history[0]))
        );
        let stopped = [brief("a", "IN_PROGRESS", 1.0), brief("b", "STOPPED", 1.0)];
        assert_eq!(
            contest("b", &[], &stopped),
            Contest::Settled,
            "the other one won"
        );
        assert_eq!(
            successor("b", &[], &stopped).map(|other| other.arn.as_str()),
            Some("a")
        );
    }

    #[test]
    fn one_that_was_completed_meanwhile_serves_and_not_the_blue_of_the_plan() {
        let history = [brief("b", "PENDING", 2.0), brief("a", "SUCCESSFUL", 1.0)];
        assert_eq!(contest("b", &[], &history), Contest::Overtaken(&history[1]));
        assert_eq!(contest("b", &["a".to_owned()], &history), Contest::Settled);
    }
}
