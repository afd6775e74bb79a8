//! The unwind matrix: every mutating call of every strategy's happy line × what can become of it.
//!
//! The calls are not listed here: each test plays the happy line first and takes them from its
//! ledger. Whatever is done to a call, production ends whole on one side and nothing of ours is
//! left, or the run says that a person is needed.

mod happy;
mod mode;
mod strategy;
mod world;

use std::io::Write as _;

use tokio::task::JoinSet;

use happy::Happy;
use mode::Mode;
use strategy::Strategy;

/// Cells of a test that are played at once: they wait more than they compute.
const AT_ONCE: usize = 3;

macro_rules! matrix {
    ($($name:ident: $strategy:ident, $mode:ident;)*) => {
        /// The tests there are.
        const PLAYED: &[(Strategy, Mode)] = &[$((Strategy::$strategy, Mode::$mode)),*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                play(Strategy::$strategy, Mode::$mode).await;
            }
        )*
    };
}

matrix! {
    codedeploy_is_refused_a_call: CodeDeploy, Refused;
    codedeploy_loses_an_answer: CodeDeploy, Lost;
    codedeploy_is_killed_and_post_runs: CodeDeploy, KilledThenPost;
    codedeploy_is_killed_and_the_job_is_run_again: CodeDeploy, KilledThenRerun;
    rolling_is_refused_a_call: Rolling, Refused;
    rolling_loses_an_answer: Rolling, Lost;
    rolling_is_killed_and_post_runs: Rolling, KilledThenPost;
    rolling_is_killed_and_the_job_is_run_again: Rolling, KilledThenRerun;
    blue_green_is_refused_a_call: BlueGreen, Refused;
    blue_green_loses_an_answer: BlueGreen, Lost;
    blue_green_is_killed_and_post_runs: BlueGreen, KilledThenPost;
    blue_green_is_killed_and_the_job_is_run_again: BlueGreen, KilledThenRerun;
    canary_is_refused_a_call: Canary, Refused;
    canary_loses_an_answer: Canary, Lost;
    canary_is_killed_and_post_runs: Canary, KilledThenPost;
    canary_is_killed_and_the_job_is_run_again: Canary, KilledThenRerun;
    linear_is_refused_a_call: Linear, Refused;
    linear_loses_an_answer: Linear, Lost;
    linear_is_killed_and_post_runs: Linear, KilledThenPost;
    linear_is_killed_and_the_job_is_run_again: Linear, KilledThenRerun;
    without_marks_a_call_is_refused: Dropped, Refused;
    without_marks_an_answer_is_lost: Dropped, Lost;
    without_marks_it_is_killed_and_post_runs: Dropped, KilledThenPost;
    without_marks_it_is_killed_and_the_job_is_run_again: Dropped, KilledThenRerun;
    with_marks_refused_a_call_is_refused: Refused, Refused;
    with_marks_refused_an_answer_is_lost: Refused, Lost;
    with_marks_refused_it_is_killed_and_post_runs: Refused, KilledThenPost;
    with_marks_refused_it_is_killed_and_the_job_is_run_again: Refused, KilledThenRerun;
}

#[test]
fn every_strategy_meets_every_mischief() {
    for strategy in Strategy::ALL {
        for mode in Mode::ALL {
            assert!(
                PLAYED.contains(&(strategy, mode)),
                "nobody plays {strategy:?} {mode:?}"
            );
        }
    }
}

/// Plays a mode on every mutating call of a strategy's happy line, and prints what came of it.
async fn play(strategy: Strategy, mode: Mode) {
    let happy = Happy::of(strategy).await;
    let mut waiting = happy.cells.clone().into_iter();
    let (mut playing, mut played) = (JoinSet::new(), Vec::new());
    loop {
        for cell in waiting.by_ref().take(AT_ONCE - playing.len()) {
            let happy = happy.clone();
            playing.spawn(async move { (mode.play(&happy, &cell).await, cell) });
        }
        let Some(ended) = playing.join_next().await else {
            break;
        };
        let (came, cell) =
            ended.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
        let _ = writeln!(
            std::io::stdout(),
            "{strategy:?} | {cell} | {mode:?} → {came}"
        );
        played.push(cell);
    }
    assert!(
        happy.cells.iter().all(|cell| played.contains(cell)),
        "{:?} were to be played, and {played:?} were",
        happy.cells
    );
}
