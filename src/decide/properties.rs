//! What holds for whatever is seen, in whatever order: a follower walks its goals through random
//! looks, as `steps/rollout` does.
//!
//! Nothing of AWS is played here: the looks are arbitrary, so that a promise does not rest on AWS
//! keeping its own order.

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

/// What a walk came to.
#[derive(Debug, PartialEq)]
enum Walked {
    Done,
    Aborted(Reason),
    Left,
    /// A test or a check of ours failed.
    Failed,
    /// There was nothing more to see.
    Waiting,
    /// The deadline passed before any traffic moved.
    GivenUp,
}

/// A gate of the follower that was opened, and the look that was open before it.
#[derive(Debug, PartialEq)]
struct Opened {
    at: At,
    look: usize,
}

/// A follower: it runs what is to be checked at each gate, and only then opens it.
#[derive(Debug, Default)]
struct Follower {
    opened: Vec<Opened>,
    passes: Vec<Opened>,
}

impl Follower {
    fn walk(&mut self, looks: &[(Seen, Duration, bool)]) -> Walked {
        let mut looks = looks.iter().enumerate();
        let mut has_moved = false;
        for goal in GOALS {
            loop {
                let Some((look, (seen, elapsed, passes))) = looks.next() else {
                    return Walked::Waiting;
                };
                has_moved |= seen.shows_traffic_on_green();
                match decide(
                    goal,
                    seen,
                    Patience {
                        elapsed: *elapsed,
                        deadline: DEADLINE,
                        has_moved,
                    },
                ) {
                    Verdict::Proceed => {
                        let Seen::AtGate(at) = seen else { break };
                        if !self.pass(*at, look, *passes) {
                            return Walked::Failed;
                        }
                        break;
                    }
                    Verdict::Open(at) if !self.pass(at, look, *passes) => return Walked::Failed,
                    Verdict::Wait | Verdict::Open(_) => {}
                    Verdict::Abort(trouble) => return Walked::Aborted(trouble.reason),
                    Verdict::Leave => return Walked::Left,
                    Verdict::GiveUp => return Walked::GivenUp,
                }
            }
        }
        Walked::Done
    }

    fn pass(&mut self, at: At, look: usize, passes: bool) -> bool {
        if passes {
            self.passes.push(Opened { at, look });
            self.opened.push(Opened { at, look });
        }
        passes
    }
}

fn gates() -> impl Strategy<Value = At> {
    prop_oneof![
        Just(At::Green),
        Just(At::Step),
        Just(At::Production),
        Just(At::Foreign)
    ]
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let reasons = prop_oneof![
        Just(Reason::Alarm),
        Just(Reason::Stopped),
        Just(Reason::Superseded),
        Just(Reason::TasksUnhealthy)
    ];
    reasons.prop_map(|reason| Trouble {
        reason,
        sentence: "it ended".into(),
        cause: None,
    })
}

fn blindness() -> impl Strategy<Value = Blindness> {
    prop_oneof![
        1 => Just(Blindness::Denied("no".into())),
        6 => (0..600_u64).prop_map(|seconds| Blindness::Failing { since: Duration::from_secs(seconds), why: "500".into() }),
    ]
}

fn anything() -> impl Strategy<Value = Seen> {
    prop_oneof![
        6 => Just(Seen::Preparing),
        8 => gates().prop_map(Seen::AtGate),
        4 => Just(Seen::Shifting),
        3 => Just(Seen::Shifted),
        2 => Just(Seen::Completed),
        1 => troubles().prop_map(Seen::Ended),
        1 => blindness().prop_map(Seen::Outage),
    ]
}

fn goals() -> impl Strategy<Value = Goal> {
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

/// Looks with the time they came at and whether what is checked then passes.
fn looks() -> impl Strategy<Value = Vec<(Seen, Duration, bool)>> {
    let look = (anything(), 0..40_u64, prop::bool::weighted(0.9));
    prop::collection::vec(look, 1..24).prop_map(|mut looks| {
        looks.sort_by_key(|(_, minutes, _)| *minutes);
        looks
            .into_iter()
            .map(|(seen, minutes, passes)| (seen, Duration::from_mins(minutes), passes))
            .collect()
    })
}

fn early() -> Patience {
    Patience {
        elapsed: Duration::ZERO,
        deadline: DEADLINE,
        has_moved: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_is_done_only_when_the_end_was_seen_after_every_gate_on_the_way_was_passed_for_itself(looks in looks()) {
        let mut follower = Follower::default();
        let walked = follower.walk(&looks);
        prop_assert_eq!(&follower.opened, &follower.passes, "a gate was opened without its own pass");
        prop_assert!(follower.opened.iter().all(|gate| looks[gate.look].0 == Seen::AtGate(gate.at)), "a gate was opened that was not seen");
        prop_assert!(follower.opened.iter().all(|gate| gate.at != At::Foreign), "somebody else's gate was opened");
        let green = follower.opened.iter().filter(|gate| gate.at == At::Green).count();
        prop_assert!(green <= 1 && follower.opened.first().is_none_or(|first| first.at == At::Green), "green is tested first, and once");
        if walked == Walked::Done {
            let completed = looks.iter().position(|(seen, ..)| *seen == Seen::Completed);
            prop_assert!(green == 1 && completed.is_some_and(|at| follower.opened.iter().any(|gate| gate.look < at)));
        }
    }

    #[test]
    fn what_is_done_is_aborted_only_where_users_reached_it_untested(goal in goals(), elapsed in 0..4000_u64, has_moved in any::<bool>()) {
        let patience = Patience { elapsed: Duration::from_secs(elapsed), deadline: DEADLINE, has_moved };
        match decide(goal, &Seen::Completed, patience) {
            Verdict::Abort(trouble) => prop_assert!(goal == Goal::TestAtGate && trouble.reason == Reason::GateBypassed),
            verdict => prop_assert_eq!(verdict, Verdict::Proceed),
        }
    }

    #[test]
    fn success_is_said_only_of_what_was_seen(goal in goals(), seen in anything()) {
        if decide(goal, &seen, early()) == Verdict::Proceed {
            let was_seen = match goal {
                Goal::TestAtGate => seen == Seen::AtGate(At::Green),
                Goal::Gate => matches!(seen, Seen::AtGate(At::Green | At::Step | At::Production) | Seen::Shifting | Seen::Shifted | Seen::Completed),
                Goal::Shifted => matches!(seen, Seen::Shifted | Seen::Completed | Seen::AtGate(At::Production)),
                Goal::Baking => matches!(seen, Seen::Shifted | Seen::Completed),
                Goal::Completed => seen == Seen::Completed,
                Goal::Hold => matches!(seen, Seen::Shifting | Seen::Completed),
                Goal::Watch => matches!(seen, Seen::AtGate(_) | Seen::Completed),
            };
            prop_assert!(was_seen, "{goal:?} is said to be reached at {seen:?}");
        }
    }

    #[test]
    fn a_gate_is_opened_only_where_it_was_seen_and_behind_green_s_own(goal in goals(), seen in anything()) {
        if let Verdict::Open(at) = decide(goal, &seen, early()) {
            prop_assert_eq!(&seen, &Seen::AtGate(at));
            prop_assert!(matches!(at, At::Step | At::Production) && matches!(goal, Goal::Shifted | Goal::Baking | Goal::Completed));
        }
    }

    #[test]
    fn the_deadline_changes_nothing_but_waiting(goal in goals(), seen in anything(), late in 0..4000_u64, has_moved in any::<bool>()) {
        let patience = Patience { elapsed: DEADLINE + Duration::from_secs(late), deadline: DEADLINE, has_moved };
        let verdict = decide(goal, &seen, patience);
        match decide(goal, &seen, Patience { elapsed: Duration::ZERO, ..patience }) {
            Verdict::Wait => prop_assert!(matches!(verdict, Verdict::Leave | Verdict::GiveUp)),
            early => prop_assert_eq!(verdict, early),
        }
    }

    #[test]
    fn nothing_is_rolled_back_for_its_time_once_traffic_has_moved_or_while_somebody_else_is_to_answer(looks in looks()) {
        if Follower::default().walk(&looks) == Walked::GivenUp {
            let last = looks.iter().position(|(seen, elapsed, _)| {
                *elapsed >= DEADLINE && matches!(seen, Seen::Preparing | Seen::AtGate(At::Green))
            });
            prop_assert!(last.is_some_and(|last| looks[..last].iter().all(|(seen, ..)| !seen.shows_traffic_on_green())));
        }
    }

    #[test]
    fn a_rollout_whose_green_never_comes_up_is_not_left_to_aws(goal in goals(), late in 0..4000_u64) {
        let patience = Patience { elapsed: DEADLINE + Duration::from_secs(late), deadline: DEADLINE, has_moved: false };
        let expected = if goal == Goal::Watch { Verdict::Leave } else { Verdict::GiveUp };
        prop_assert_eq!(decide(goal, &Seen::Preparing, patience), expected);
    }

    #[test]
    fn what_is_not_understood_is_waited_for(goal in goals(), is_foreign in any::<bool>(), seconds in 0..300_u64) {
        let seen = if is_foreign { Seen::AtGate(At::Foreign) } else { Seen::Preparing };
        let verdict = decide(goal, &seen, early());
        prop_assert!(verdict == Verdict::Wait || (is_foreign && goal == Goal::Watch), "{verdict:?}");
        let blind = Seen::Outage(Blindness::Failing { since: Duration::from_secs(seconds), why: "500".into() });
        prop_assert_eq!(decide(goal, &blind, early()), Verdict::Wait);
    }
}
