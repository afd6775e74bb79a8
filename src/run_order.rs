//! PURE: which of two workflow runs goes first, and how long the other one waits.

use std::time::Duration;

use crate::choices::{IfRunning, StaleRun};
use crate::error::Failure;
use crate::outcome::Reason;

/// The longest job GitHub runs.
const LONGEST_JOB: Duration = Duration::from_hours(6);

/// How a run behaves towards others that deploy the same service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOrder {
    /// What it does while another one's rollout or task is in progress, where that was asked for.
    pub if_running: Option<IfRunning>,
    /// What it does when it is the older one.
    pub stale_run: StaleRun,
    /// The whole time that the run may take, where given.
    pub deadline: Option<Duration>,
}

impl RunOrder {
    /// Whether a run that has waited this long continues to wait for another run's rollout. Only
    /// rollouts that move traffic by weights are refused because of another one.
    pub fn waits_for_a_rollout(&self, waited: Duration) -> bool {
        self.if_running.unwrap_or(IfRunning::Wait) == IfRunning::Wait
            && waited < self.longest_wait()
    }

    /// Whether it waits for another run's task. A rollout can be superseded; a task that is stopped
    /// half-way is of no use.
    pub fn waits_for_a_task(&self) -> bool {
        self.if_running != Some(IfRunning::Fail)
    }

    /// How long it waits for another run.
    pub fn longest_wait(&self) -> Duration {
        self.deadline.unwrap_or(LONGEST_JOB)
    }

    /// Whether another workflow run is newer, and goes first: GitHub numbers runs in the order in
    /// which they were made.
    pub fn gives_way_to(&self, own: &str, other: &str) -> bool {
        self.stale_run == StaleRun::Refuse && is_newer(other, own)
    }
}

fn is_newer(other: &str, own: &str) -> bool {
    let number = |run: &str| {
        run.split('-')
            .next()
            .and_then(|number| number.parse::<u64>().ok())
    };
    number(other)
        .zip(number(own))
        .is_some_and(|(other, own)| other > own)
}

/// The failure of an older run, which must not deploy after a newer one.
pub fn stale_failure(sentence: String) -> Failure {
    let hint = "set stale-run: allow to deploy the older commit all the same once that is over, or mode: rollback to go back on purpose";
    Failure::new(Reason::StaleRun, sentence).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_workflows_are_newer_by_their_number_and_what_has_none_never_is() {
        let table = [
            ("43-1-ab", "42-1-cd", true),
            ("42-2-ab", "42-1-cd", false),
            ("9-1-ab", "10-1-cd", false),
            ("local-ab", "42-1-cd", false),
            ("43-1-ab", "local-cd", false),
        ];
        for (other, own, expected) in table {
            assert_eq!(is_newer(other, own), expected, "{other} {own}");
        }
    }

    #[test]
    fn a_run_waits_unless_it_was_told_otherwise_and_no_longer_than_its_deadline() {
        let order = |if_running, deadline| RunOrder {
            if_running,
            stale_run: StaleRun::Refuse,
            deadline,
        };
        let minutes = Duration::from_mins;
        let table = [
            (order(None, None), minutes(359), true),
            (order(None, None), minutes(360), false),
            (
                order(Some(IfRunning::Wait), Some(minutes(5))),
                minutes(4),
                true,
            ),
            (
                order(Some(IfRunning::Wait), Some(minutes(5))),
                minutes(5),
                false,
            ),
            (order(Some(IfRunning::Fail), None), minutes(0), false),
            (order(Some(IfRunning::Supersede), None), minutes(0), false),
        ];
        for (order, waited, expected) in table {
            assert_eq!(
                order.waits_for_a_rollout(waited),
                expected,
                "{order:?} {waited:?}"
            );
        }
        assert!(order(Some(IfRunning::Supersede), None).waits_for_a_task());
        assert!(!order(Some(IfRunning::Fail), None).waits_for_a_task());
    }
}
