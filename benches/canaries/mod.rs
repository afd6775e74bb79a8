//! Simulated canaries with a known truth: how often an equal green is called worse, how often a
//! worse one is not, and how soon it is seen.
//!
//! Only the judgement is measured, by the functions that the product uses. Every run is drawn from
//! a seed of its own: the table is the same each time.

mod judge;
mod traffic;

use ecs_bluegreen_checks::measurement::Phase;
use ecs_bluegreen_sim::rehearse::table::ruled;
use rand_pcg::Pcg64;

use super::bar::{Bar, median};
use super::extent::Extent;
use judge::{ALPHA, Canary};
use traffic::{Traffic, Truth, minute};

/// Runs of each kind.
const RUNS: u32 = 500;

/// Of each run: 500 of a kind differ by it.
const SEED: u128 = 20_260_731;

/// Of both sides together, a minute.
const REQUESTS: [u32; 4] = [60, 300, 1200, 6000];

/// Green's share in per cent, and how long it is watched in minutes.
const CANARIES: [(u32, u32); 5] = [(10, 10), (10, 30), (50, 10), (50, 30), (90, 30)];

/// Of both sides together, a minute: with so much a worse green must be seen.
const ENOUGH: f64 = 1200.0;

/// The table of all canaries as lines, and the bars.
pub(super) fn bars(extent: Extent) -> (Vec<String>, Vec<Bar>) {
    let mut rows = vec![head()];
    let mut bars = Vec::new();
    let (mut alarms, mut passes): (f64, f64) = (0.0, 0.0);
    let runs = extent.of(RUNS, 2);
    for (share, minutes) in CANARIES {
        let measured: Vec<Measured> = REQUESTS
            .iter()
            .map(|requests| {
                Measured::of(
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
        rows.extend(measured.iter().map(Measured::row));
        bars.push(needed(share, minutes, &measured));
    }
    let note = "of 500 runs, at the traffic where it is most";
    bars.push(Bar::at_most(
        "canaries: equal green called worse",
        alarms,
        100.0 * ALPHA,
        "%",
        note,
    ));
    bars.push(Bar::at_most(
        "canaries: worse green called no worse",
        passes,
        100.0 * ALPHA,
        "%",
        note,
    ));
    (ruled(&rows), bars)
}

/// The least traffic at which a worse green is missed in no more than one of twenty runs.
fn needed(share: u32, minutes: u32, measured: &[Measured]) -> Bar {
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
            Bar::at_most(
                &name,
                f64::from(enough.traffic.requests),
                ENOUGH,
                "requests/min",
                &note,
            )
        }
        None => Bar::at_most(
            &name,
            f64::INFINITY,
            ENOUGH,
            "requests/min",
            "a worse green is missed too often at all of them",
        ),
    }
}

/// What came of all runs of all kinds, for some traffic.
struct Measured {
    traffic: Traffic,
    minutes: u32,
    equal: Ends,
    worse: Ends,
    more_errors: Ends,
    slower: Ends,
}

impl Measured {
    fn of(traffic: Traffic, minutes: u32, runs: u32) -> Self {
        let [equal, worse, more_errors, slower] =
            [Truth::Equal, Truth::Worse, Truth::MoreErrors, Truth::Slower]
                .map(|truth| ends(traffic, minutes, truth, runs));
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
        let soon = |ends: &Ends| {
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
            words(self.equal.percent(self.equal.open)),
            words(self.worse.percent_missed()),
            words(self.worse.percent(self.worse.passed)),
            soon(&self.worse),
            words(self.more_errors.percent_missed()),
            words(self.slower.percent_missed()),
        ]
    }
}

fn head() -> Vec<String> {
    let known = [
        "canary",
        "requests/min",
        "false alarms",
        "equal: no verdict",
    ];
    let worse = [
        "misses",
        "of them passed",
        "seen after",
        "errors × 3: misses",
        "p95 × 2: misses",
    ];
    known
        .iter()
        .chain(&worse)
        .map(ToString::to_string)
        .collect()
}

/// What came of all runs of one kind.
#[derive(Default)]
struct Ends {
    /// How many there were.
    runs: u32,
    /// The minute in which green was called worse, of the runs in which it was.
    failed: Vec<f64>,
    /// How many ended with green called no worse.
    passed: u32,
    /// How many ended without a verdict.
    open: u32,
}

impl Ends {
    fn percent_failed(&self) -> f64 {
        self.percent(self.runs - self.passed - self.open)
    }

    fn percent_missed(&self) -> f64 {
        self.percent(self.passed + self.open)
    }

    fn percent(&self, runs: u32) -> f64 {
        100.0 * f64::from(runs) / f64::from(self.runs)
    }
}

fn ends(traffic: Traffic, minutes: u32, truth: Truth, runs: u32) -> Ends {
    let mut ends = Ends {
        runs,
        ..Ends::default()
    };
    for run in 0..runs {
        match canary(
            traffic,
            minutes,
            truth,
            &mut Pcg64::new(SEED, u128::from(run)),
        ) {
            End::Failed(minute) => ends.failed.push(f64::from(minute)),
            End::Passed => ends.passed += 1,
            End::Open => ends.open += 1,
        }
    }
    ends
}

enum End {
    Failed(u32),
    Passed,
    Open,
}

fn canary(traffic: Traffic, minutes: u32, truth: Truth, random: &mut Pcg64) -> End {
    let mut canary = Canary::new(minutes);
    let mut last = Phase::Inconclusive;
    for now in 1..=minutes {
        last = canary.judge(minute(traffic, truth, random));
        if last == Phase::Failed {
            return End::Failed(now);
        }
    }
    match last {
        Phase::Successful => End::Passed,
        Phase::Inconclusive | Phase::Error | Phase::Failed => End::Open,
    }
}
