//! Simulated canaries with a known truth: how often an equal green is called worse, how often a
//! worse one is not, and how soon it is seen.
//!
//! Only the judgement is measured, by the functions that the product uses. Every run is drawn from
//! a seed of its own: the table is the same each time.

mod evaluation;
mod traffic;

use ecs_bluegreen_checks::measurement::Phase;
use ecs_bluegreen_sim::rehearse::table::align_with_rule;
use rand_pcg::Pcg64;

use super::benchmark::{Benchmark, median};
use super::extent::Extent;
use evaluation::{ALPHA, Canary};
use traffic::{Traffic, Truth, draw_minute};

/// Runs of each kind.
const RUNS: u32 = 500;

/// Seed; each run has its own stream.
const SEED: u128 = 20_260_731;

/// Of both sides together, a minute.
const REQUESTS: [u32; 4] = [60, 300, 1200, 6000];

/// Green's share in per cent, and how long it is watched in minutes.
const CANARIES: [(u32, u32); 5] = [(10, 10), (10, 30), (50, 10), (50, 30), (90, 30)];

/// Of both sides together, a minute: with so much a worse green must be seen.
const ENOUGH: f64 = 1200.0;

/// The table of all canaries as lines, and the bars.
pub(super) fn measure(extent: Extent) -> (Vec<String>, Vec<Benchmark>) {
    let mut rows = vec![header_row()];
    let mut bars = Vec::new();
    let (mut alarms, mut passes): (f64, f64) = (0.0, 0.0);
    let runs = extent.choose(RUNS, 2);
    for (share, minutes) in CANARIES {
        let measured: Vec<CanaryResults> = REQUESTS
            .iter()
            .map(|requests| {
                CanaryResults::simulate(
                    Traffic {
                        requests: *requests,
                        share,
                    },
                    minutes,
                    runs,
                )
            })
            .collect();
        alarms = measured
            .iter()
            .map(|measured| measured.equal.percent_failed())
            .fold(alarms, f64::max);
        passes = measured
            .iter()
            .map(|measured| measured.worse.percent(measured.worse.passed))
            .fold(passes, f64::max);
        rows.extend(measured.iter().map(CanaryResults::row));
        bars.push(required_traffic(share, minutes, &measured));
    }
    let note = "of 500 runs, at the traffic where it is most";
    bars.push(Benchmark::at_most(
        "canaries: equal green called worse",
        alarms,
        100.0 * ALPHA,
        "%",
        note,
    ));
    bars.push(Benchmark::at_most(
        "canaries: worse green called no worse",
        passes,
        100.0 * ALPHA,
        "%",
        note,
    ));
    (align_with_rule(&rows), bars)
}

/// The least traffic at which a worse green is missed in no more than one of twenty runs.
fn required_traffic(share: u32, minutes: u32, measured: &[CanaryResults]) -> Benchmark {
    let name = format!("canaries: traffic for {share} % watched for {minutes} minutes");
    match measured
        .iter()
        .find(|measured| measured.worse.percent_missed() <= 100.0 * ALPHA)
    {
        Some(enough) => {
            let note = format!(
                "misses {:.1} %, seen after {:.0} minutes",
                enough.worse.percent_missed(),
                median(&enough.worse.failed)
            );
            Benchmark::at_most(
                &name,
                f64::from(enough.traffic.requests),
                ENOUGH,
                "requests/min",
                &note,
            )
        }
        None => Benchmark::at_most(
            &name,
            f64::INFINITY,
            ENOUGH,
            "requests/min",
            "a worse green is missed too often at all of them",
        ),
    }
}

/// What came of all runs of all kinds, for some traffic.
struct CanaryResults {
    traffic: Traffic,
    minutes: u32,
    equal: RunOutcomes,
    worse: RunOutcomes,
    more_errors: RunOutcomes,
    slower: RunOutcomes,
}

impl CanaryResults {
    fn simulate(traffic: Traffic, minutes: u32, runs: u32) -> Self {
        let [equal, worse, more_errors, slower] =
            [Truth::Equal, Truth::Worse, Truth::MoreErrors, Truth::Slower]
                .map(|truth| simulate_runs(traffic, minutes, truth, runs));
        Self {
            traffic,
            minutes,
            equal,
            worse,
            more_errors,
            slower,
        }
    }

    fn row(&self) -> Vec<String> {
        let words = |percent: f64| format!("{percent:.1} %");
        let soon = |ends: &RunOutcomes| {
            if ends.failed.is_empty() {
                "–".to_owned()
            } else {
                format!("{:.0} min", median(&ends.failed))
            }
        };
        vec![
            format!("{} % for {} min", self.traffic.share, self.minutes),
            self.traffic.requests.to_string(),
            words(self.equal.percent_failed()),
            words(self.equal.percent(self.equal.undecided)),
            words(self.worse.percent_missed()),
            words(self.worse.percent(self.worse.passed)),
            soon(&self.worse),
            words(self.more_errors.percent_missed()),
            words(self.slower.percent_missed()),
        ]
    }
}

fn header_row() -> Vec<String> {
    let equal_columns = [
        "canary",
        "requests/min",
        "false alarms",
        "equal: no verdict",
    ];
    let worse_columns = [
        "misses",
        "of them passed",
        "seen after",
        "errors × 3: misses",
        "p95 × 2: misses",
    ];
    equal_columns
        .iter()
        .chain(&worse_columns)
        .map(ToString::to_string)
        .collect()
}

/// What came of all runs of one kind.
#[derive(Default)]
struct RunOutcomes {
    /// How many there were.
    runs: u32,
    /// The minute in which green was called worse, of the runs in which it was.
    failed: Vec<f64>,
    /// How many ended with green called no worse.
    passed: u32,
    /// How many ended without a verdict.
    undecided: u32,
}

impl RunOutcomes {
    fn percent_failed(&self) -> f64 {
        self.percent(self.runs - self.passed - self.undecided)
    }

    fn percent_missed(&self) -> f64 {
        self.percent(self.passed + self.undecided)
    }

    fn percent(&self, runs: u32) -> f64 {
        100.0 * f64::from(runs) / f64::from(self.runs)
    }
}

fn simulate_runs(traffic: Traffic, minutes: u32, truth: Truth, runs: u32) -> RunOutcomes {
    let mut ends = RunOutcomes {
        runs,
        ..RunOutcomes::default()
    };
    for run in 0..runs {
        match simulate_run(
            traffic,
            minutes,
            truth,
            &mut Pcg64::new(SEED, u128::from(run)),
        ) {
            RunOutcome::Failed(minute) => ends.failed.push(f64::from(minute)),
            RunOutcome::Passed => ends.passed += 1,
            RunOutcome::Undecided => ends.undecided += 1,
        }
    }
    ends
}

enum RunOutcome {
    Failed(u32),
    Passed,
    Undecided,
}

fn simulate_run(traffic: Traffic, minutes: u32, truth: Truth, random: &mut Pcg64) -> RunOutcome {
    let mut canary = Canary::new(minutes);
    let mut last = Phase::Inconclusive;
    for now in 1..=minutes {
        last = canary.evaluate(draw_minute(traffic, truth, random));
        if last == Phase::Failed {
            return RunOutcome::Failed(now);
        }
    }
    match last {
        Phase::Successful => RunOutcome::Passed,
        Phase::Inconclusive | Phase::Error | Phase::Failed => RunOutcome::Undecided,
    }
}
