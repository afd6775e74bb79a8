//! The proof that the numbers are right: thousands of drawn samples, compared with SciPy's results
//! for the same samples.
//!
//! SciPy is in the Python environment of the tests (`make test` installs it). Without it this is
//! left out, but never where CI=true.

mod draw;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use draw::Sample;
use serde_json::Value;

/// Draws the same samples each time.
const SEED: u64 = 20_260_731;

/// Relative to the value.
const TOLERANCE: f64 = 1e-9;

/// Below, both may run out of numbers: a double has its full precision down to 2e-308, and no
/// decision asks for a p so small.
const FLOOR: f64 = 1e-300;

#[test]
fn p_and_effects_agree_with_scipy() {
    println!("seed {SEED}");
    let Some(python) = find_python() else {
        assert!(
            !is_ci(),
            "there is no Python environment below target/venv, and under CI=true nothing may be skipped: `make setup`"
        );
        println!(
            "SKIPPED: there is no Python environment below target/venv; `make setup` installs it"
        );
        return;
    };
    let samples = draw::draw_samples(&mut fastrand::Rng::with_seed(SEED));
    let answers = ask_scipy(&python, &samples);
    assert_eq!(answers.len(), samples.len());
    for method in ["fisher", "pooled-z", "exact", "permutation", "asymptotic"] {
        let count = samples
            .iter()
            .filter(|sample| sample.method == method)
            .count();
        assert!(count >= 1000, "only {count} samples of {method}");
    }
    let wrong: Vec<String> = samples
        .iter()
        .zip(&answers)
        .filter_map(|(sample, answer)| describe_difference(sample, answer))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} disagree:\n{}",
        wrong.len(),
        samples.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

fn find_python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/python");
    python.exists().then_some(python)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test asks whether it may be left out"
)]
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

fn ask_scipy(python: &Path, samples: &[Sample]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/scipy_answers.py");
    let mut process = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let questions: String = samples
        .iter()
        .map(|sample| sample.to_json_line() + "\n")
        .collect();
    let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = process.wait_with_output().unwrap();
    // Python's own message is printed above; a broken pipe says less.
    assert!(
        output.status.success(),
        "SciPy gave no answers: {}",
        output.status
    );
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn describe_difference(sample: &Sample, answer: &Value) -> Option<String> {
    let ours = sample.ours;
    let scipy = [&answer["p"], &answer["effects"][0], &answer["effects"][1]].map(parse_number);
    let agree = is_same(ours[0], scipy[0])
        && is_same(ours[1], scipy[1])
        && (is_undefined(scipy[2]) || is_same(ours[2], scipy[2]));
    (!agree).then(|| format!("{}: {ours:?} and {scipy:?}", sample.to_json_line()))
}

fn is_same(ours: f64, scipy: f64) -> bool {
    let is_same_infinity = ours.is_infinite() && ours.total_cmp(&scipy).is_eq();
    is_same_infinity || (ours - scipy).abs() <= (TOLERANCE * scipy.abs()).max(FLOOR)
}

/// SciPy calls the ratio of nothing to nothing "not a number".
fn is_undefined(ratio: f64) -> bool {
    ratio.is_nan()
}

fn parse_number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}
