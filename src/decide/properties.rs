//! What holds for any statuses in any order: a follower pursues its goals through random reads, as
//! `steps/rollout` does.
//!
//! AWS is not simulated here: the reads are arbitrary, so that no promise rests on AWS keeping its
//! own order.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const DEADLINE: Duration = Duration::from_mins(30);
/// The order in which a tested rollout is followed.
const GOALS: [Goal; 4] = [
    Goal::TestAtGate,
    Goal::Shifted,
    Goal::Baking,
    Goal::Completed,
];

/// How a walk through all goals ended.
#[derive(Debug, PartialEq)]
enum WalkEnd {
    Done,
    Aborted(Reason),
    Left,
    /// A test or a check of ours failed.
    Failed,
    /// The reads ran out.
    Waiting,
    /// The deadline passed before any traffic moved.
    GivenUp,
}

/// A gate that the follower opened, and the status that was read before it.
#[derive(Debug, PartialEq)]
struct OpenedGate {
    kind: GateKind,
    look: usize,
}

/// A follower: it runs the checks of each gate, and only then opens it.
#[derive(Debug, Default)]
struct Follower {
    opened: Vec<OpenedGate>,
    passes: Vec<OpenedGate>,
}

impl Follower {
    fn walk(&mut self, looks: &[(RolloutStatus, Duration, bool)]) -> WalkEnd {
        let mut looks = looks.iter().enumerate();
        let mut has_moved = false;
        for goal in GOALS {
            loop {
                let Some((look, (seen, elapsed, passes))) = looks.next() else {
                    return WalkEnd::Waiting;
                };
                has_moved |= seen.shows_traffic_on_green();
                match decide(
                    goal,
                    seen,
                    WaitLimits {
                        elapsed: *elapsed,
                        deadline: DEADLINE,
                        has_moved,
                    },
                ) {
                    Verdict::Proceed => {
                        let RolloutStatus::AtGate(kind) = seen else {
                            break;
                        };
                        if !self.check_and_open(*kind, look, *passes) {
                            return WalkEnd::Failed;
                        }
                        break;
                    }
                    Verdict::Open(kind) if !self.check_and_open(kind, look, *passes) => {
                        return WalkEnd::Failed;
                    }
                    Verdict::Wait | Verdict::Open(_) => {}
                    Verdict::Abort(failure) => return WalkEnd::Aborted(failure.reason),
                    Verdict::Leave => return WalkEnd::Left,
                    Verdict::GiveUp => return WalkEnd::GivenUp,
                }
            }
        }
        WalkEnd::Done
    }

    fn check_and_open(&mut self, kind: GateKind, look: usize, passes: bool) -> bool {
        if passes {
            self.passes.push(OpenedGate { kind, look });
            self.opened.push(OpenedGate { kind, look });
        }
        passes
    }
}

fn any_gate() -> impl Strategy<Value = GateKind> {
    prop_oneof![
        Just(GateKind::Green),
        Just(GateKind::Step),
        Just(GateKind::Production),
        Just(GateKind::External)
    ]
}

fn any_failure() -> impl Strategy<Value = RolloutFailure> {
    let reasons = prop_oneof![
        Just(Reason::Alarm),
        Just(Reason::Stopped),
        Just(Reason::Superseded),
        Just(Reason::TasksUnhealthy)
    ];
    reasons.prop_map(|reason| RolloutFailure {
        reason,
        sentence: "it ended".into(),
        cause: None,
    })
}

fn any_outage_cause() -> impl Strategy<Value = OutageCause> {
    prop_oneof![
        1 => Just(OutageCause::Denied("no".into())),
        6 => (0..600_u64).prop_map(|seconds| OutageCause::Failing { since: Duration::from_secs(seconds), why: "500".into() }),
    ]
}

fn any_status() -> impl Strategy<Value = RolloutStatus> {
    prop_oneof![
        6 => Just(RolloutStatus::Preparing),
        8 => any_gate().prop_map(RolloutStatus::AtGate),
        4 => Just(RolloutStatus::Shifting),
        3 => Just(RolloutStatus::Shifted),
        2 => Just(RolloutStatus::Completed),
        1 => any_failure().prop_map(RolloutStatus::Ended),
        1 => any_outage_cause().prop_map(RolloutStatus::Outage),
    ]
}

fn any_goal() -> impl Strategy<Value = Goal> {
    prop_oneof![
        Just(Goal::TestAtGate),
        Just(Goal::Gate),
        Just(Goal::Shifted),
        Just(Goal::Baking),
        Just(Goal::Completed),
        Just(Goal::Watch),
        Just(Goal::Hold)
    ]
}

/// Statuses, when each is read, and whether the checks that follow it pass.
fn any_looks() -> impl Strategy<Value = Vec<(RolloutStatus, Duration, bool)>> {
    let look = (any_status(), 0..40_u64, prop::bool::weighted(0.9));
    prop::collection::vec(look, 1..24).prop_map(|mut looks| {
        looks.sort_by_key(|(_, minutes, _)| *minutes);
        looks
            .into_iter()
            .map(|(seen, minutes, passes)| (seen, Duration::from_mins(minutes), passes))
            .collect()
    })
}

fn early_limits() -> WaitLimits {
    WaitLimits {
        elapsed: Duration::ZERO,
        deadline: DEADLINE,
        has_moved: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_is_done_only_when_the_end_was_seen_after_every_gate_on_the_way_was_passed_for_itself(looks in any_looks()) {
        let mut follower = Follower::default();
        let walked = follower.walk(&looks);
        prop_assert_eq!(&follower.opened, &follower.passes, "a gate was opened without its own pass");
        prop_assert!(follower.opened.iter().all(|gate| looks[gate.look].0 == RolloutStatus::AtGate(gate.kind)), "a gate was opened that was not seen");
        prop_assert!(follower.opened.iter().all(|gate| gate.kind != GateKind::External), "somebody else's gate was opened");
        let green = follower.opened.iter().filter(|gate| gate.kind == GateKind::Green).count();
        prop_assert!(green <= 1 && follower.opened.first().is_none_or(|first| first.kind == GateKind::Green), "green is tested first, and once");
        if walked == WalkEnd::Done {
            let completed = looks.iter().position(|(seen, ..)| *seen == RolloutStatus::Completed);
            prop_assert!(green == 1 && completed.is_some_and(|at| follower.opened.iter().any(|gate| gate.look < at)));
        }
    }

    #[test]
    fn what_is_done_is_aborted_only_where_users_reached_it_untested(goal in any_goal(), elapsed in 0..4000_u64, has_moved in any::<bool>()) {
        let patience = WaitLimits { elapsed: Duration::from_secs(elapsed), deadline: DEADLINE, has_moved };
        match decide(goal, &RolloutStatus::Completed, patience) {
            Verdict::Abort(failure) => prop_assert!(goal == Goal::TestAtGate && failure.reason == Reason::GateBypassed),
            verdict => prop_assert_eq!(verdict, Verdict::Proceed),
        }
    }

    #[test]
    fn success_is_said_only_of_what_was_seen(goal in any_goal(), seen in any_status()) {
        if decide(goal, &seen, early_limits()) == Verdict::Proceed {
            let was_seen = match goal {
                Goal::TestAtGate => seen == RolloutStatus::AtGate(GateKind::Green),
                Goal::Gate => matches!(seen, RolloutStatus::AtGate(GateKind::Green | GateKind::Step | GateKind::Production) | RolloutStatus::Shifting | RolloutStatus::Shifted | RolloutStatus::Completed),
                Goal::Shifted => matches!(seen, RolloutStatus::Shifted | RolloutStatus::Completed | RolloutStatus::AtGate(GateKind::Production)),
                Goal::Baking => matches!(seen, RolloutStatus::Shifted | RolloutStatus::Completed),
                Goal::Completed => seen == RolloutStatus::Completed,
                Goal::Hold => matches!(seen, RolloutStatus::Shifting | RolloutStatus::Completed),
                Goal::Watch => matches!(seen, RolloutStatus::AtGate(_) | RolloutStatus::Completed),
            };
            prop_assert!(was_seen, "{goal:?} is said to be reached at {seen:?}");
        }
    }

    #[test]
    fn a_gate_is_opened_only_where_it_was_seen_and_behind_green_s_own(goal in any_goal(), seen in any_status()) {
        if let Verdict::Open(at) = decide(goal, &seen, early_limits()) {
            prop_assert_eq!(&seen, &RolloutStatus::AtGate(at));
            prop_assert!(matches!(at, GateKind::Step | GateKind::Production) && matches!(goal, Goal::Shifted | Goal::Baking | Goal::Completed));
        }
    }

    #[test]
    fn the_deadline_changes_nothing_but_waiting(goal in any_goal(), seen in any_status(), late in 0..4000_u64, has_moved in any::<bool>()) {
        let patience = WaitLimits { elapsed: DEADLINE + Duration::from_secs(late), deadline: DEADLINE, has_moved };
        let verdict = decide(goal, &seen, patience);
        match decide(goal, &seen, WaitLimits { elapsed: Duration::ZERO, ..patience }) {
            Verdict::Wait => prop_assert!(matches!(verdict, Verdict::Leave | Verdict::GiveUp)),
            early => prop_assert_eq!(verdict, early),
        }
    }

    #[test]
    fn nothing_is_rolled_back_for_its_time_once_traffic_has_moved_or_while_somebody_else_is_to_answer(looks in any_looks()) {
        if Follower::default().walk(&looks) == WalkEnd::GivenUp {
            let last = looks.iter().position(|(seen, elapsed, _)| {
                *elapsed >= DEADLINE && matches!(seen, RolloutStatus::Preparing | RolloutStatus::AtGate(GateKind::Green))
            });
            prop_assert!(last.is_some_and(|last| looks[..last].iter().all(|(seen, ..)| !seen.shows_traffic_on_green())));
        }
    }

    #[test]
    fn a_rollout_whose_green_never_comes_up_is_not_left_to_aws(goal in any_goal(), late in 0..4000_u64) {
        let patience = WaitLimits { elapsed: DEADLINE + Duration::from_secs(late), deadline: DEADLINE, has_moved: false };
        let expected = if goal == Goal::Watch { Verdict::Leave } else { Verdict::GiveUp };
        prop_assert_eq!(decide(goal, &RolloutStatus::Preparing, patience), expected);
    }

    #[test]
    fn what_is_not_understood_is_waited_for(goal in any_goal(), is_external in any::<bool>(), seconds in 0..300_u64) {
        let seen = if is_external { RolloutStatus::AtGate(GateKind::External) } else { RolloutStatus::Preparing };
        let verdict = decide(goal, &seen, early_limits());
        prop_assert!(verdict == Verdict::Wait || (is_external && goal == Goal::Watch), "{verdict:?}");
        let outage = RolloutStatus::Outage(OutageCause::Failing { since: Duration::from_secs(seconds), why: "500".into() });
        prop_assert_eq!(decide(goal, &outage, early_limits()), Verdict::Wait);
    }
}
