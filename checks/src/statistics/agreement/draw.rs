//! Drawn samples for both tests: usual ones, tiny and huge ones, with ties and without, and the
//! edges.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::statistics::proportion::Counts;
use crate::statistics::{Direction, Method, mann_whitney, two_proportion};

/// Of every kind.
const SAMPLES_PER_KIND: usize = 1200;

pub(super) struct Sample {
    direction: Direction,
    input: TestInput,
    /// The SciPy method that is compared.
    pub(super) method: &'static str,
    /// p and the two effects.
    pub(super) ours: [f64; 3],
}

enum TestInput {
    Proportion {
        blue: Counts,
        green: Counts,
    },
    Ranks {
        blue: Vec<f64>,
        green: Vec<f64>,
        ties: Ties,
    },
}

/// The SciPy method for samples with ties: for small samples it can enumerate all permutations.
#[derive(Clone, Copy)]
enum Ties {
    None,
    Permutation,
    Counted,
}

impl Sample {
    fn new(input: TestInput, direction: Direction) -> Self {
        let (method, ours) = match &input {
            TestInput::Proportion { blue, green } => {
                let tested = two_proportion(*blue, *green, direction).unwrap();
                (
                    scipy_method(tested.method, Ties::None),
                    [tested.p, tested.effect.difference, tested.effect.ratio],
                )
            }
            TestInput::Ranks { blue, green, ties } => {
                let tested = mann_whitney(blue, green, direction).unwrap();
                (
                    scipy_method(tested.method, *ties),
                    [tested.p, tested.effect.probability, tested.effect.shift],
                )
            }
        };
        Self {
            direction,
            input,
            method,
            ours,
        }
    }

    pub(super) fn to_json_line(&self) -> String {
        let direction = match self.direction {
            Direction::Increase => "increase",
            Direction::Decrease => "decrease",
            Direction::Either => "either",
        };
        let (test, blue, green) = match &self.input {
            TestInput::Proportion { blue, green } => {
                ("proportion", counts_to_json(*blue), counts_to_json(*green))
            }
            TestInput::Ranks { blue, green, .. } => ("ranks", json!(blue), json!(green)),
        };
        json!({ "test": test, "blue": blue, "green": green, "direction": direction, "method": self.method }).to_string()
    }
}

fn counts_to_json(counts: Counts) -> Value {
    json!([counts.errors(), counts.requests()])
}

fn scipy_method(method: Method, ties: Ties) -> &'static str {
    match (method, ties) {
        (Method::Fisher, _) => "fisher",
        (Method::PooledZ, _) => "pooled-z",
        (Method::MannWhitneyNormal, _) => "asymptotic",
        (Method::MannWhitneyExact, Ties::None) => "exact",
        (Method::MannWhitneyExact, Ties::Permutation) => "permutation",
        (Method::MannWhitneyExact, Ties::Counted) => "counted",
    }
}

/// Draws one of a kind.
type Generator = fn(&mut Rng) -> TestInput;

pub(super) fn draw_samples(rng: &mut Rng) -> Vec<Sample> {
    let kinds: [(usize, Generator); 9] = [
        (SAMPLES_PER_KIND, few_errors),
        (SAMPLES_PER_KIND, many_errors),
        (SAMPLES_PER_KIND / 2, tiny_counts),
        (SAMPLES_PER_KIND / 2, no_errors_on_a_side),
        (SAMPLES_PER_KIND, untied_values),
        (SAMPLES_PER_KIND, few_tied_values),
        (SAMPLES_PER_KIND / 10, more_tied_values),
        (SAMPLES_PER_KIND, many_values),
        (SAMPLES_PER_KIND / 4, extreme_values),
    ];
    let mut samples = Vec::new();
    for (count, kind) in kinds {
        samples.extend((0..count).map(|_| Sample::new(kind(rng), draw_direction(rng))));
    }
    samples
}

fn draw_direction(rng: &mut Rng) -> Direction {
    [Direction::Increase, Direction::Decrease, Direction::Either][rng.usize(..3)]
}

fn few_errors(rng: &mut Rng) -> TestInput {
    draw_counts(rng, 50..1_000_000, 0.002)
}

fn many_errors(rng: &mut Rng) -> TestInput {
    draw_counts(rng, 20_000..5_000_000, 0.4)
}

fn tiny_counts(rng: &mut Rng) -> TestInput {
    draw_counts(rng, 1..12, 0.9)
}

fn no_errors_on_a_side(rng: &mut Rng) -> TestInput {
    let (blue, green) = (rng.u64(1..1_000_000), rng.u64(1..1_000_000));
    let errors = rng.u64(..blue.min(40));
    TestInput::Proportion {
        blue: Counts::new(errors, blue),
        green: Counts::new(if rng.bool() { 0 } else { green }, green),
    }
}

/// Requests are drawn evenly over the orders of magnitude, green's share of errors around blue's.
fn draw_counts(rng: &mut Rng, requests: std::ops::Range<u64>, rate: f64) -> TestInput {
    let rate = rate * rng.f64();
    let other = rate * (0.8 + 0.4 * rng.f64());
    let [blue, green] = [rate, other].map(|rate| {
        let all = (to_float(requests.start).ln()
            + rng.f64() * (to_float(requests.end) / to_float(requests.start)).ln())
        .exp();
        Counts::new(
            to_count(all * rate + 3.0 * (rng.f64() - 0.5) * (all * rate).sqrt()),
            to_count(all),
        )
    });
    TestInput::Proportion { blue, green }
}

fn untied_values(rng: &mut Rng) -> TestInput {
    let (blue, green) = draw_sizes(rng, 1..64);
    let shift = rng.f64();
    TestInput::Ranks {
        blue: draw_values(rng, blue, Rng::f64),
        green: draw_values(rng, green, |rng| rng.f64() + shift),
        ties: Ties::None,
    }
}

fn few_tied_values(rng: &mut Rng) -> TestInput {
    let (blue, green) = draw_sizes(rng, 2..6);
    draw_tied_values(rng, blue, green, Ties::Permutation)
}

fn more_tied_values(rng: &mut Rng) -> TestInput {
    let (blue, green) = draw_sizes(rng, 1..25);
    draw_tied_values(rng, blue, green, Ties::Counted)
}

/// At least one pair is the same, so that it is always the way of ties that is taken.
fn draw_tied_values(rng: &mut Rng, blue: usize, green: usize, ties: Ties) -> TestInput {
    let different = rng.u8(1..12);
    let mut blue = draw_values(rng, blue, |rng| f64::from(rng.u8(..different)) / 10.0);
    let green = draw_values(rng, green, |rng| {
        f64::from(rng.u8(..different) + different / 4) / 10.0
    });
    blue[0] = green[0];
    TestInput::Ranks { blue, green, ties }
}

fn many_values(rng: &mut Rng) -> TestInput {
    let (blue, green) = draw_sizes(rng, 70..150);
    let grain = if rng.bool() { 10.0 } else { 1e9 };
    let shift = rng.f64() * 0.3;
    let blue = draw_values(rng, blue, |rng| (rng.f64() * grain).round() / grain);
    let green = draw_values(rng, green, |rng| {
        ((rng.f64() + shift) * grain).round() / grain
    });
    TestInput::Ranks {
        blue,
        green,
        ties: Ties::None,
    }
}

fn extreme_values(rng: &mut Rng) -> TestInput {
    let (blue, green) = draw_sizes(rng, 1..9);
    let extreme = |rng: &mut Rng| (rng.f64() - 0.5) * [1e300, 1e-300, 1.0, 1e15][rng.usize(..4)];
    TestInput::Ranks {
        blue: draw_values(rng, blue, extreme),
        green: draw_values(rng, green, extreme),
        ties: Ties::None,
    }
}

fn draw_sizes(rng: &mut Rng, sizes: std::ops::Range<usize>) -> (usize, usize) {
    (rng.usize(sizes.clone()), rng.usize(sizes))
}

fn draw_values(rng: &mut Rng, count: usize, value: impl Fn(&mut Rng) -> f64) -> Vec<f64> {
    (0..count).map(|_| value(rng)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "millions")]
fn to_float(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "millions; below zero is zero"
)]
fn to_count(count: f64) -> u64 {
    count.round() as u64
}
