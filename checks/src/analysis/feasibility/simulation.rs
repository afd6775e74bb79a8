//! The proof that the presets of the README come to a verdict: whole rollouts with drawn traffic,
//! evaluated by the judge itself at the times at which the engine would ask it. A green as good as
//! blue is deployed, and a worse one is rolled back, unless the rollout was refused before.
//!
//! One file, because it is one test: the simulation, its random traffic and the table of rollouts.

use std::time::Duration;

use super::{Traffic, TrafficSchedule};
use crate::analysis::judge::{AnalysisStatus, Judge};
use crate::analysis::question::{Answer, Point, Query, Question};
use crate::analysis::sides::tests::sides;
use crate::analysis::{Analysis, parse};
use crate::environment::tests::test_environment;
use crate::measurement::Phase;
use crate::moment::Moment;
use crate::template::Values;

/// As in the README.
pub(super) const PRESETS: &str = "error-rate < 5 %, p99 < 1 s, green no worse than blue";

/// Draws the same traffic each time.
const SEED: u64 = 20_261_130;

/// The median of latencies in seconds, and the deviation of their logarithm: p99 is 0.64 s.
const LATENCY: (f64, f64) = (0.1, 0.8);

/// Blue's share of errors.
const ERRORS: f64 = 0.005;

#[derive(Debug, Clone, Copy, PartialEq)]
struct GreenQuality {
    errors: f64,
    slower: f64,
}

const EQUAL: GreenQuality = GreenQuality {
    errors: ERRORS,
    slower: 1.0,
};
const MORE_ERRORS: GreenQuality = GreenQuality {
    errors: 0.05,
    slower: 1.0,
};
const SLOWER: GreenQuality = GreenQuality {
    errors: ERRORS,
    slower: 2.0,
};

const fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

fn schedule(shares: &[(f64, u64)], bake: Duration, is_gated: bool) -> TrafficSchedule {
    TrafficSchedule {
        steps: shares
            .iter()
            .map(|(percent, length)| (*percent, minutes(*length)))
            .collect(),
        bake,
        is_gated,
    }
}

/// The predefined strategies of AWS, with blue kept for five minutes, of which half a minute is
/// reserved for the rollback.
pub(super) fn aws_schedules() -> Vec<(&'static str, TrafficSchedule)> {
    let five = Duration::from_secs(270);
    let tenths = |length: u64| {
        (1..10)
            .map(|step| (10.0 * f64::from(step), length))
            .collect::<Vec<_>>()
    };
    vec![
        (
            "Canary10Percent5Minutes",
            schedule(&[(10.0, 5)], five, false),
        ),
        (
            "Canary10Percent15Minutes",
            schedule(&[(10.0, 15)], five, false),
        ),
        (
            "Linear10PercentEvery1Minutes",
            schedule(&tenths(1), five, false),
        ),
        (
            "Linear10PercentEvery3Minutes",
            schedule(&tenths(3), five, false),
        ),
        (
            "ECS canary of 10 %",
            schedule(&[(10.0, 10)], minutes(30), true),
        ),
        (
            "ECS linear of 10 %",
            schedule(&tenths(6), minutes(30), true),
        ),
    ]
}

/// A rollout under way, in seconds.
struct SimulatedRollout<'r> {
    schedule: &'r TrafficSchedule,
    requests: f64,
    quality: GreenQuality,
    random: &'r mut fastrand::Rng,
    /// When green got which share.
    shares: Vec<(f64, f64)>,
    /// Each minute as it was drawn: blue's and green's.
    drawn: Vec<Option<[Minute; 2]>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    requests: f64,
    errors: f64,
    p95: f64,
    p99: f64,
}

impl SimulatedRollout<'_> {
    /// Runs the rollout from its first traffic to its end; returns the result of the analysis.
    fn run(&mut self, analysis: &Analysis) -> Phase {
        let duration = self.schedule.shift_duration() + self.schedule.bake;
        let mut judge = Judge::new(analysis, sides(), Values::default())
            .with_expected_looks(self.schedule.shift_duration(), duration);
        let (first, lag) = (
            600.0 + 60.0 * self.random.f64(),
            4.0 + 10.0 * self.random.f64(),
        );
        let mut next = 0;
        self.shares = vec![(first, self.schedule.steps[0].0 / 100.0)];
        if !self.schedule.is_gated {
            while self.advance_share(first, &mut next, f64::INFINITY) {}
        }
        judge.enter(Moment::Step, first + lag);
        loop {
            let Some(due) = judge.next_due() else {
                return phase_of(judge.finish());
            };
            // A rollout that waits continues at the look that allows it.
            let full_traffic_at = self
                .shares
                .iter()
                .find(|(_, share)| *share >= 1.0)
                .map(|(at, _)| at + lag);
            if full_traffic_at.is_some_and(|at| due > at - lag + self.schedule.bake.as_secs_f64()) {
                return phase_of(judge.finish());
            }
            let questions = judge.due_questions(due);
            let answers: Vec<(usize, Answer)> = questions
                .iter()
                .map(|question| (question.id, self.answer(question)))
                .collect();
            judge.record_answers(&answers, due, "2026-11-30T12:00:00Z");
            if let AnalysisStatus::Ended(ended) = judge.status() {
                return ended.phase;
            }
            let since = self.shares.last().map_or(0.0, |(at, _)| at + lag);
            match full_traffic_at {
                None if self.schedule.is_gated && judge.is_settled(since) => {
                    let _ = self.advance_share(first, &mut next, due);
                }
                Some(at) if due >= at && judge.is_settled(first + lag) => {
                    judge.enter(Moment::Bake, due);
                    if judge.is_settled(at) {
                        return Phase::Successful;
                    }
                }
                None | Some(_) => {}
            }
        }
    }

    /// The next share, if it is time for it; `now` is infinite where nothing waits.
    fn advance_share(&mut self, first: f64, next: &mut usize, now: f64) -> bool {
        let Some((_, length)) = self.schedule.steps.get(*next) else {
            return false;
        };
        let began = self.shares.last().map_or(first, |(at, _)| *at);
        if now < began + length.as_secs_f64() {
            return false;
        }
        *next += 1;
        let share = self
            .schedule
            .steps
            .get(*next)
            .map_or(1.0, |(percent, _)| percent / 100.0);
        self.shares.push((
            if now.is_finite() {
                now
            } else {
                began + length.as_secs_f64()
            },
            share,
        ));
        true
    }

    fn answer(&mut self, question: &Question) -> Answer {
        let Query::CloudWatch(query) = &question.query else {
            panic!("{question:?}")
        };
        let metric = &query.metrics[0].1;
        let side = usize::from(
            metric
                .dimensions
                .iter()
                .any(|(_, value)| value.contains("green")),
        );
        let (mut points, mut at) = (Vec::new(), question.since);
        while at < question.until {
            let minute = self.draw_minute(at)[side];
            let value = match (metric.name.as_str(), metric.stat.as_str()) {
                ("RequestCount", _) => minute.requests,
                ("HTTPCode_Target_5XX_Count", _) => minute.errors,
                (_, "p95") => minute.p95,
                _ => minute.p99,
            };
            points.extend((value > 0.0).then_some(Point { at, value }));
            at += 60.0;
        }
        Answer::Points(points)
    }

    /// CloudWatch's numbers of both sides for a minute that has ended.
    fn draw_minute(&mut self, at: f64) -> [Minute; 2] {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "hours"
        )]
        let number = (at / 60.0).round() as usize;
        if self.drawn.len() <= number {
            self.drawn.resize(number + 1, None);
        }
        if let Some(drawn) = self.drawn[number] {
            return drawn;
        }
        let share = (0..60)
            .map(|second| self.share_at(at + f64::from(second)))
            .sum::<f64>()
            / 60.0;
        let blue = self.draw_side(self.requests * (1.0 - share), EQUAL);
        let green = self.draw_side(self.requests * share, self.quality);
        self.drawn[number] = Some([blue, green]);
        [blue, green]
    }

    fn share_at(&self, at: f64) -> f64 {
        self.shares
            .iter()
            .rev()
            .find(|(since, _)| *since <= at)
            .map_or(0.0, |(_, share)| *share)
    }

    fn draw_side(&mut self, expected: f64, quality: GreenQuality) -> Minute {
        let requests = draw_poisson(self.random, expected);
        if requests < 1.0 {
            return Minute::default();
        }
        let errors = draw_poisson(self.random, requests * quality.errors).min(requests);
        let mut percentile = |share: f64| {
            LATENCY.0 * quality.slower * (LATENCY.1 * draw_rank(self.random, requests, share)).exp()
        };
        Minute {
            requests,
            errors,
            p95: percentile(0.95),
            p99: percentile(0.99),
        }
    }
}

fn phase_of(status: AnalysisStatus) -> Phase {
    match status {
        AnalysisStatus::Ended(ended) => ended.phase,
        AnalysisStatus::Running => panic!("it was ended"),
    }
}

fn draw_normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

fn draw_poisson(random: &mut fastrand::Rng, expected: f64) -> f64 {
    if expected > 200.0 {
        return (expected + expected.sqrt() * draw_normal(random))
            .round()
            .max(0.0);
    }
    let (limit, mut product, mut count) = ((-expected).exp(), random.f64(), 0.0);
    while product > limit {
        product *= random.f64();
        count += 1.0;
    }
    count
}

/// Marsaglia and Tsang's.
fn draw_gamma(random: &mut fastrand::Rng, shape: f64) -> f64 {
    let d = shape - 1.0 / 3.0;
    loop {
        let x = draw_normal(random);
        let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
        if v > 0.0 && (1.0 - random.f64()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// The value at a quantile of `count` normal values: ranks of uniform values follow a Beta
/// distribution.
fn draw_rank(random: &mut fastrand::Rng, count: f64, share: f64) -> f64 {
    let at = (count * share).ceil().max(1.0);
    let (below, above) = (draw_gamma(random, at), draw_gamma(random, count + 1.0 - at));
    let uniform = below / (below + above);
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        let under = 0.5 * libm::erfc(-middle * std::f64::consts::FRAC_1_SQRT_2);
        if under < uniform {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// How many rollouts were deployed, were rolled back because green is worse, and were rolled back
/// as inconclusive.
fn count_outcomes(
    analysis: &Analysis,
    schedule: &TrafficSchedule,
    requests: f64,
    quality: GreenQuality,
    runs: u32,
) -> [u32; 3] {
    let mut outcomes = [0; 3];
    for run in 0..runs {
        let mut random = fastrand::Rng::with_seed(SEED + u64::from(run));
        let (shares, drawn) = (Vec::new(), Vec::new());
        let mut rollout = SimulatedRollout {
            schedule,
            requests,
            quality,
            random: &mut random,
            shares,
            drawn,
        };
        match rollout.run(analysis) {
            Phase::Successful => outcomes[0] += 1,
            Phase::Failed => outcomes[1] += 1,
            Phase::Inconclusive | Phase::Error => outcomes[2] += 1,
        }
    }
    outcomes
}

#[test]
fn with_60_requests_a_minute_on_green_an_equal_green_arrives_and_a_worse_one_goes_back() {
    // Long shifts with very many requests take long to compute, and are the easiest.
    let runs = |name: &str, on_green: f64| match (name.contains("inear"), on_green) {
        (false, ..100.0) => (100, 20),
        (false, 100.0..1000.0) => (50, 10),
        (true, ..100.0) => (15, 5),
        (_, _) => (5, 2),
    };
    let analysis = parse(PRESETS, "inline", test_environment()).unwrap();
    let mut all = [0; 3];
    for (name, schedule) in aws_schedules() {
        for on_green in [60.0, 300.0, 3000.0] {
            let requests = 10.0 * on_green;
            assert_eq!(
                analysis.find_traffic_shortages(
                    &schedule,
                    Traffic {
                        requests,
                        errors: ERRORS
                    }
                ),
                [],
                "{name}, {on_green}"
            );
            let (good, worse) = runs(name, on_green);
            let equal = count_outcomes(&analysis, &schedule, requests, EQUAL, good);
            let errors = count_outcomes(&analysis, &schedule, requests, MORE_ERRORS, worse);
            let slower = count_outcomes(&analysis, &schedule, requests, SLOWER, worse);
            println!(
                "{name}, {on_green} a minute on green: equal {equal:?}, 5 % errors {errors:?}, twice the latency {slower:?}"
            );
            assert!(equal[0] + 3 >= good, "{name}, {on_green}: {equal:?}");
            assert_eq!(
                (errors[0], slower[0]),
                (0, 0),
                "{name}, {on_green}: none that is worse arrives"
            );
            all.iter_mut()
                .zip(equal)
                .for_each(|(all, cell)| *all += cell);
        }
    }
    let share = f64::from(all[0]) / f64::from(all.iter().sum::<u32>());
    println!("equal greens that arrive: {:.2} %", 100.0 * share);
    assert!(share >= 0.99, "{all:?}");
}
