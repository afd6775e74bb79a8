//! The unwind matrix: every mutating call of every strategy's happy path × what can become of it.
//!
//! The calls are not listed here: each test plays the happy path first, once, and takes them from
//! its ledger. Whatever is done to a call, production ends whole on one side and nothing of ours is
//! left, or the run says that a person is needed.

mod happy;
mod mode;
mod strategy;
mod world;

use std::io::Write as _;

use futures_util::{StreamExt as _, stream};

use happy::{Cell, HappyPath};
use mode::Mode;
use strategy::Strategy;

/// Cells of a test that are played at once: they wait more than they compute. Each test has two of
/// the runner's threads for it (`.config/nextest.toml`).
const AT_ONCE: usize = 6;

macro_rules! matrix {
    ($($name:ident: $strategy:ident;)*) => {
        /// The tests there are.
        const PLAYED: &[Strategy] = &[$(Strategy::$strategy),*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                play(Strategy::$strategy).await;
            }
        )*
    };
}

matrix! {
    codedeploy_ends_on_one_side_whatever_becomes_of_a_call: CodeDeploy;
    rolling_ends_on_one_side_whatever_becomes_of_a_call: Rolling;
    blue_green_ends_on_one_side_whatever_becomes_of_a_call: BlueGreen;
    canary_ends_on_one_side_whatever_becomes_of_a_call: Canary;
    linear_ends_on_one_side_whatever_becomes_of_a_call: Linear;
    without_marks_it_ends_on_one_side_whatever_becomes_of_a_call: Dropped;
    with_marks_refused_it_ends_on_one_side_whatever_becomes_of_a_call: Refused;
}

#[test]
fn every_strategy_is_played() {
    for strategy in Strategy::ALL {
        assert!(PLAYED.contains(&strategy), "nobody plays {strategy:?}");
    }
}

/// Plays every mode on every mutating call of a strategy's happy path, and prints what came of it.
/// All are played, whichever of them fail.
async fn play(strategy: Strategy) {
    let happy = HappyPath::of(strategy).await;
    let all: Vec<(Mode, Cell)> = Mode::ALL
        .into_iter()
        .flat_map(|mode| happy.cells.iter().map(move |cell| (mode, cell.clone())))
        .collect();
    let cells = stream::iter(all.clone()).map(|(mode, cell)| {
        let happy = happy.clone();
        async move {
            let name = format!("{strategy:?} | {cell} | {mode:?}");
            // On a task of its own: a failure is reported there, and the others continue.
            let played = tokio::spawn(async move { mode.play(&happy, &cell).await }).await;
            let shown = played.as_deref().unwrap_or("FAILED, see above");
            let _ = writeln!(std::io::stdout(), "{name} → {shown}");
            played.is_err().then_some(name)
        }
    });
    let played: Vec<Option<String>> = cells.buffer_unordered(AT_ONCE).collect().await;
    assert_eq!(played.len(), Mode::ALL.len() * happy.cells.len());
    let failed: Vec<String> = played.into_iter().flatten().collect();
    assert_eq!(failed, Vec::<String>::new(), "of {} cells", all.len());
}
