//! PURE: what one read of a rollout means. The order of the questions is the policy.
//!
//! One file, because the policy and the tests that pin each of its rules are read together.
//!
//! Every kind of rollout translates what AWS says into [`RolloutStatus`]; nothing here knows which
//! kind it was. A status that this action does not know is translated to
//! [`RolloutStatus::Preparing`], which only ever waits.

use std::time::Duration;

use crate::outcome::Reason;

/// What one read of our rollout showed.
#[derive(Debug, Clone, PartialEq)]
pub enum RolloutStatus {
    /// Green is coming up; production is on blue.
    Preparing,
    /// The rollout waits for an answer before it continues.
    AtGate(GateKind),
    /// Production traffic is moving.
    Shifting,
    /// Green serves 100 %, confirmed; blue is still there.
    Shifted,
    /// Green serves 100 %, confirmed; the rollout is over.
    Completed,
    /// The rollout ended without success.
    Ended(RolloutFailure),
    /// The rollout could not be read.
    Outage(OutageCause),
}

impl RolloutStatus {
    /// Whether some traffic is on green, or may be.
    pub fn shows_traffic_on_green(&self) -> bool {
        match self {
            Self::Shifting
            | Self::Shifted
            | Self::Completed
            | Self::AtGate(GateKind::Step | GateKind::Production) => true,
            Self::Preparing
            | Self::AtGate(GateKind::Green | GateKind::External)
            | Self::Ended(_)
            | Self::Outage(_) => false,
        }
    }
}

/// At which gate a rollout waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateKind {
    /// Green is up; no user has reached it.
    Green,
    /// Some traffic may be on green; the next share waits.
    Step,
    /// Green serves 100 %, confirmed; blue is still there.
    Production,
    /// A gate of somebody else, or one that we may not open: somebody else has to answer it.
    External,
}

/// How a rollout ended when it did not succeed.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutFailure {
    /// The reason in the outputs.
    pub reason: Reason,
    /// What happened, in a sentence.
    pub sentence: String,
    /// AWS's own words, where it gave any.
    pub cause: Option<String>,
}

/// Why the rollout could not be read, and for how long already.
#[derive(Debug, Clone, PartialEq)]
pub enum OutageCause {
    /// AWS denies the read: trying again will not help.
    Denied(String),
    /// There are no credentials any more to read it with.
    NoCredentials(String),
    /// AWS failed or could not be reached.
    Failing {
        /// For how long AWS has been failing.
        since: Duration,
        /// The error, in AWS's words.
        why: String,
    },
}

/// What we are waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The gate, with tests to run before anyone passes it.
    TestAtGate,
    /// The gate, or anything past it: there is nothing to test here.
    Gate,
    /// Green serves 100 %.
    Shifted,
    /// Green serves 100 %, and no gate is left that would roll it back if it expired.
    Baking,
    /// The rollout is over, blue is terminated.
    Completed,
    /// Any gate, or the end: we only watch, and never open, roll back or stop anything.
    Watch,
    /// Nothing: the rollout is held where it is until the checks that run beside it have a verdict.
    Hold,
}

/// For how long a rollout is followed.
#[derive(Debug, Clone, Copy)]
pub struct WaitLimits {
    /// Time since the rollout began.
    pub elapsed: Duration,
    /// Our deadline, measured from the same start.
    pub deadline: Duration,
    /// Whether traffic was observed to move.
    pub has_moved: bool,
}

/// For how long we continue although the rollout cannot be read. Long enough for an incident of an
/// AWS API to pass, short enough to leave time for the rollback.
pub const OUTAGE_BUDGET: Duration = Duration::from_mins(5);

/// What to do about the status that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Read again later.
    Wait,
    /// What we waited for is there.
    Proceed,
    /// A gate on the way: run the checks that belong there, and open it.
    Open(GateKind),
    /// Roll it back.
    Abort(RolloutFailure),
    /// Our deadline passed before any traffic moved: nobody needs green any more, and it is rolled
    /// back.
    GiveUp,
    /// Our deadline passed; AWS continues.
    Leave,
}

/// Evaluates one read of the rollout against the goal.
pub fn decide(goal: Goal, status: &RolloutStatus, limits: WaitLimits) -> Verdict {
    match verdict_for(goal, status) {
        Verdict::Wait if limits.elapsed < limits.deadline => Verdict::Wait,
        Verdict::Wait if !limits.has_moved && is_before_traffic(goal, status) => Verdict::GiveUp,
        Verdict::Wait => Verdict::Leave,
        verdict => verdict,
    }
}

/// Whether only blue serves, and it is for us to change that. A run that only watches rolls nothing
/// back, and a gate of somebody else is answered by them: when it expires, AWS ends the wait.
fn is_before_traffic(goal: Goal, status: &RolloutStatus) -> bool {
    goal != Goal::Watch
        && matches!(
            status,
            RolloutStatus::Preparing | RolloutStatus::AtGate(GateKind::Green)
        )
}

fn verdict_for(goal: Goal, status: &RolloutStatus) -> Verdict {
    match (status, goal) {
        (RolloutStatus::Ended(failure), _) => Verdict::Abort(failure.clone()),
        (RolloutStatus::Outage(cause), _) => verdict_on_outage(cause),
        (RolloutStatus::AtGate(gate), _) => verdict_at_gate(*gate, goal),
        (RolloutStatus::Shifting | RolloutStatus::Shifted | RolloutStatus::Completed, Goal::TestAtGate) => Verdict::Abort(gate_bypassed_failure()),
        (RolloutStatus::Shifting, Goal::Gate)
        | (RolloutStatus::Shifted, Goal::Gate | Goal::Shifted | Goal::Baking)
        | (RolloutStatus::Completed, Goal::Gate | Goal::Shifted | Goal::Baking | Goal::Completed | Goal::Watch)
        // The rollout was not held: somebody else opened its gate, or terminated blue.
        | (RolloutStatus::Shifting | RolloutStatus::Completed, Goal::Hold) => Verdict::Proceed,
        (RolloutStatus::Preparing, _)
        | (RolloutStatus::Shifting, Goal::Shifted | Goal::Baking | Goal::Completed | Goal::Watch)
        | (RolloutStatus::Shifted, Goal::Completed | Goal::Watch | Goal::Hold) => Verdict::Wait,
    }
}

fn verdict_at_gate(gate: GateKind, goal: Goal) -> Verdict {
    match (gate, goal) {
        (_, Goal::Watch)
        | (GateKind::Green, Goal::TestAtGate | Goal::Gate)
        | (GateKind::Step | GateKind::Production, Goal::Gate)
        | (GateKind::Production, Goal::Shifted) => Verdict::Proceed,
        (GateKind::Step | GateKind::Production, Goal::TestAtGate) => {
            Verdict::Abort(gate_bypassed_failure())
        }
        (GateKind::Step, Goal::Shifted | Goal::Baking | Goal::Completed)
        | (GateKind::Production, Goal::Baking | Goal::Completed) => Verdict::Open(gate),
        // Green's gate was opened already: the answer is on its way, or was lost and is sent again.
        (GateKind::Green, Goal::Shifted | Goal::Baking | Goal::Completed)
        | (GateKind::External, _)
        | (_, Goal::Hold) => Verdict::Wait,
    }
}

fn verdict_on_outage(cause: &OutageCause) -> Verdict {
    match cause {
        OutageCause::Failing { since, .. } if *since < OUTAGE_BUDGET => Verdict::Wait,
        OutageCause::Failing { why, .. } => Verdict::Abort(RolloutFailure {
            reason: Reason::AwsFailed,
            sentence: format!(
                "the rollout could not be read for {} minutes",
                OUTAGE_BUDGET.as_secs() / 60
            ),
            cause: Some(why.clone()),
        }),
        OutageCause::Denied(why) => Verdict::Abort(RolloutFailure {
            reason: Reason::Denied,
            sentence: "AWS denies reading the rollout".into(),
            cause: Some(why.clone()),
        }),
        OutageCause::NoCredentials(why) => Verdict::Abort(RolloutFailure {
            reason: Reason::Credentials,
            sentence: "the rollout cannot be read any more: the credentials are no longer good"
                .into(),
            cause: Some(why.clone()),
        }),
    }
}

fn gate_bypassed_failure() -> RolloutFailure {
    RolloutFailure {
        reason: Reason::GateBypassed,
        sentence: "the gate was opened before the smoke tests had run, by somebody else or by the rollout's own settings".into(),
        cause: None,
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const EARLY: WaitLimits = WaitLimits {
        elapsed: Duration::from_secs(1),
        deadline: Duration::from_secs(10),
        has_moved: false,
    };
    const LATE: WaitLimits = WaitLimits {
        elapsed: Duration::from_secs(10),
        ..EARLY
    };
    const LATE_AND_MOVED: WaitLimits = WaitLimits {
        has_moved: true,
        ..LATE
    };

    fn failed_status() -> RolloutStatus {
        RolloutStatus::Ended(RolloutFailure {
            reason: Reason::Alarm,
            sentence: "in ALARM".into(),
            cause: None,
        })
    }

    #[test]
    fn tests_come_before_traffic_or_the_rollout_is_rolled_back() {
        assert_eq!(
            decide(
                Goal::TestAtGate,
                &RolloutStatus::AtGate(GateKind::Green),
                EARLY
            ),
            Verdict::Proceed
        );
        for bypassed in [
            RolloutStatus::Shifting,
            RolloutStatus::Shifted,
            RolloutStatus::Completed,
        ] {
            assert!(
                matches!(decide(Goal::TestAtGate, &bypassed, EARLY), Verdict::Abort(failure) if failure.reason == Reason::GateBypassed)
            );
        }
    }

    #[test]
    fn only_what_was_observed_counts_as_success() {
        for not_yet in [
            RolloutStatus::Preparing,
            RolloutStatus::AtGate(GateKind::Green),
            RolloutStatus::AtGate(GateKind::External),
            RolloutStatus::Shifting,
        ] {
            assert_eq!(decide(Goal::Shifted, &not_yet, EARLY), Verdict::Wait);
            assert_eq!(decide(Goal::Completed, &not_yet, EARLY), Verdict::Wait);
        }
        assert_eq!(
            decide(Goal::Completed, &RolloutStatus::Shifted, EARLY),
            Verdict::Wait
        );
        assert_eq!(
            decide(Goal::Shifted, &RolloutStatus::Shifted, EARLY),
            Verdict::Proceed
        );
        assert_eq!(
            decide(Goal::Completed, &RolloutStatus::Completed, EARLY),
            Verdict::Proceed
        );
    }

    #[test]
    fn what_is_held_waits_at_its_gate_and_is_let_go_when_it_moves_by_itself() {
        for held in [
            RolloutStatus::AtGate(GateKind::Step),
            RolloutStatus::AtGate(GateKind::Production),
            RolloutStatus::Shifted,
            RolloutStatus::Preparing,
        ] {
            assert_eq!(decide(Goal::Hold, &held, EARLY), Verdict::Wait);
        }
        for moved in [RolloutStatus::Shifting, RolloutStatus::Completed] {
            assert_eq!(decide(Goal::Hold, &moved, EARLY), Verdict::Proceed);
        }
        assert_eq!(
            decide(Goal::Hold, &failed_status(), EARLY),
            decide(Goal::Shifted, &failed_status(), EARLY)
        );
    }

    #[test]
    fn an_end_in_trouble_is_an_abort_whatever_we_waited_for_and_however_late_it_is() {
        for goal in [
            Goal::TestAtGate,
            Goal::Gate,
            Goal::Shifted,
            Goal::Baking,
            Goal::Completed,
        ] {
            assert!(matches!(
                decide(goal, &failed_status(), LATE),
                Verdict::Abort(_)
            ));
        }
    }

    #[test]
    fn the_deadline_leaves_what_aws_is_doing_but_never_hides_a_success() {
        assert_eq!(
            decide(Goal::Completed, &RolloutStatus::Shifting, LATE),
            Verdict::Leave
        );
        assert_eq!(
            decide(Goal::Completed, &RolloutStatus::Completed, LATE),
            Verdict::Proceed
        );
    }

    #[test]
    fn a_deadline_before_any_traffic_rolls_green_back_unless_somebody_else_is_to_answer() {
        for goal in [
            Goal::TestAtGate,
            Goal::Gate,
            Goal::Shifted,
            Goal::Baking,
            Goal::Completed,
            Goal::Hold,
        ] {
            assert_eq!(
                decide(goal, &RolloutStatus::Preparing, LATE),
                Verdict::GiveUp,
                "{goal:?}"
            );
            assert_eq!(
                decide(goal, &RolloutStatus::Preparing, LATE_AND_MOVED),
                Verdict::Leave,
                "{goal:?}"
            );
            assert_eq!(
                decide(goal, &RolloutStatus::AtGate(GateKind::External), LATE),
                Verdict::Leave,
                "{goal:?}"
            );
        }
        assert_eq!(
            decide(Goal::Shifted, &RolloutStatus::AtGate(GateKind::Green), LATE),
            Verdict::GiveUp
        );
        assert_eq!(
            decide(Goal::Watch, &RolloutStatus::Preparing, LATE),
            Verdict::Leave
        );
    }

    #[test]
    fn an_outage_has_a_budget_of_its_own_and_a_denial_has_none() {
        let failing = |since| {
            RolloutStatus::Outage(OutageCause::Failing {
                since,
                why: "500".into(),
            })
        };
        assert_eq!(
            decide(Goal::Gate, &failing(Duration::from_secs(30)), EARLY),
            Verdict::Wait
        );
        assert!(
            matches!(decide(Goal::Gate, &failing(OUTAGE_BUDGET), EARLY), Verdict::Abort(failure) if failure.reason == Reason::AwsFailed)
        );
        assert!(
            matches!(decide(Goal::Gate, &RolloutStatus::Outage(OutageCause::Denied("no".into())), EARLY), Verdict::Abort(failure) if failure.reason == Reason::Denied)
        );
    }
}
