//! The results of load probes and warm-ups for the journal: every text is free of secrets and on
//! one line.
//!
//! One file, because the results, their goals and the texts about them change together.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration::HumanDuration;
use crate::measurement::{CheckKind, Measurement, Phase, Weight};
use crate::moment::Moment;
use crate::text::Text;

use super::form::{Goals, Quantile};

/// The result of a load probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoadResult {
    /// The probe's name.
    pub name: String,
    /// The moment of the rollout at which it ran.
    pub moment: Moment,
    /// Its request and how often it was sent: `GET /tasks, 200/s for 30 s`.
    pub query: Text,
    /// Its goals: `p95 ≤ 3 s, errors ≤ 1 %`.
    pub condition: Text,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests with an answer, whatever its status.
    pub answered: u64,
    /// Errors by kind.
    pub errors: Vec<ErrorCount>,
    /// Errors of all requests that were due, 0 to 1.
    pub error_rate: f64,
    /// From the first request to the last answer.
    pub milliseconds: u64,
    /// Requests sent in a second, on average.
    pub rate: f64,
    /// How long answers took.
    pub latencies: Latencies,
    /// How many answers took how long: upper bound in milliseconds, and count. At most a dozen.
    pub histogram: Vec<(u64, u64)>,
    /// Whether the goals were met.
    pub phase: Phase,
    /// Which goals were missed, and what else has to be known.
    pub note: Option<Text>,
}

/// Latencies in microseconds, counted from when a request should have been sent; timeouts are
/// included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Latencies {
    /// Half took this at most.
    pub p50: u64,
    /// 90 % took this at most.
    pub p90: u64,
    /// 95 % took this at most.
    pub p95: u64,
    /// 99 % took this at most.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// How often a kind of error occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ErrorCount {
    /// The kind of error.
    pub kind: ErrorKind,
    /// How often it occurred.
    pub count: u64,
    /// The first of them: a status, a reason.
    pub example: Option<Text>,
}

/// What can be wrong with a request of a load probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No connection, or none until the answer's end.
    NoAnswer,
    /// The answer was not complete in time.
    Timeout,
    /// A status that is not expected.
    Status,
    /// It could not be sent in time, because too many were under way.
    Unsent,
}

/// The result of a warm-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WarmUpResult {
    /// What was asked for; secrets are `***`.
    pub path: Text,
    /// Answers that were wanted.
    pub count: u64,
    /// Requests that were answered, whatever the status.
    pub answered: u64,
    /// Those with a status of 2xx or 3xx.
    pub succeeded: u64,
    /// From the first request to the last answer.
    pub milliseconds: u64,
    /// How long answers took.
    pub latencies: Latencies,
    /// The first reason for which there was no answer.
    pub obstacle: Option<Text>,
}

impl WarmUpResult {
    /// A warm-up fails only when nothing answered at all.
    pub fn phase(&self) -> Phase {
        if self.answered == 0 {
            Phase::Failed
        } else {
            Phase::Successful
        }
    }
}

impl fmt::Display for WarmUpResult {
    /// `/: 50 of 50 answered (49 with 2xx or 3xx) in 1.2 s, p50 12 ms, max 800 ms`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            count,
            answered,
            succeeded,
            milliseconds,
            latencies,
            obstacle,
        } = self;
        let took = HumanDuration(Duration::from_millis(*milliseconds));
        write!(
            out,
            "{path}: {answered} of {count} answered ({succeeded} with 2xx or 3xx) in {took}"
        )?;
        if *answered > 0 {
            write!(
                out,
                ", p50 {}, max {}",
                Latency(latencies.p50),
                Latency(latencies.max)
            )?;
        }
        obstacle
            .as_ref()
            .map_or(Ok(()), |obstacle| write!(out, "; {obstacle}"))
    }
}

impl LoadResult {
    /// The same, in the form in which every check reports; `time` is RFC 3339.
    pub fn measurement(&self, time: impl Into<String>) -> Measurement {
        Measurement {
            check: self.name.clone(),
            kind: CheckKind::Load,
            moment: self.moment,
            query: self.query.clone(),
            value: if self.sent == 0 {
                Text::default()
            } else {
                self.to_string().into()
            },
            condition: self.condition.clone(),
            phase: self.phase,
            note: self.note.clone(),
            weight: Weight::Counts,
            time: time.into(),
        }
    }
}

impl fmt::Display for LoadResult {
    /// `6012 requests, 200.4/s, errors 0.1 % (5 status), p50 12 ms, p90 …`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} requests, {:.1}/s, errors {}",
            self.sent,
            self.rate,
            Percent(self.error_rate)
        )?;
        if !self.errors.is_empty() {
            let kinds: Vec<String> = self
                .errors
                .iter()
                .map(|error| format!("{} {}", error.count, error.kind))
                .collect();
            write!(out, " ({})", kinds.join(", "))?;
        }
        for quantile in Quantile::ALL {
            write!(
                out,
                ", {} {}",
                quantile.name(),
                Latency(self.latencies.at_quantile(quantile))
            )?;
        }
        Ok(())
    }
}

impl Latencies {
    pub(super) fn at_quantile(&self, quantile: Quantile) -> u64 {
        match quantile {
            Quantile::P50 => self.p50,
            Quantile::P90 => self.p90,
            Quantile::P95 => self.p95,
            Quantile::P99 => self.p99,
            Quantile::Max => self.max,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoAnswer => "without an answer",
            Self::Timeout => "not answered in time",
            Self::Status => "with another status",
            Self::Unsent => "not sent in time",
        })
    }
}

impl fmt::Display for Goals {
    /// `p95 ≤ 3 s, errors ≤ 1 %`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (quantile, limit) in &self.latencies {
            write!(out, "{} ≤ {}, ", quantile.name(), HumanDuration(*limit))?;
        }
        write!(out, "errors ≤ {}", Percent(self.error_rate))
    }
}

impl Goals {
    fn missed_latencies(
        &self,
        latencies: &Latencies,
    ) -> impl Iterator<Item = (Quantile, Duration)> {
        self.latencies.iter().copied().filter(|(quantile, limit)| {
            Duration::from_micros(latencies.at_quantile(*quantile)) > *limit
        })
    }

    /// Whether requests that the runner sent late could explain every missed latency goal.
    pub(super) fn may_be_runner_fault(&self, latencies: &Latencies, late_share: f64) -> bool {
        let mut missed = self.missed_latencies(latencies).peekable();
        missed.peek().is_some()
            && missed.all(|(quantile, _)| late_share > 1.0 - quantile.fraction())
    }

    /// Every goal that was missed, in words.
    pub(super) fn describe_missed(&self, latencies: &Latencies, error_rate: f64) -> Vec<String> {
        let slow = self.missed_latencies(latencies).map(|(quantile, limit)| {
            format!(
                "{} is {}, and may be {}",
                quantile.name(),
                Latency(latencies.at_quantile(quantile)),
                HumanDuration(limit)
            )
        });
        let (found, limit) = (Percent(error_rate), Percent(self.error_rate));
        let failing = (error_rate > self.error_rate)
            .then(|| format!("{found} of the requests failed, and {limit} may"));
        slow.chain(failing).collect()
    }
}

/// Microseconds for people: tenths of milliseconds where whole ones would say nothing.
struct Latency(u64);

impl fmt::Display for Latency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            below if below < 10_000 => write!(
                out,
                "{}.{} ms",
                (below + 50) / 1000,
                (below + 50) % 1000 / 100
            ),
            more => write!(out, "{}", HumanDuration(Duration::from_micros(more))),
        }
    }
}

/// A part of a whole, for people: `0.4 %`, `12 %`, and never `0 %` when there were some.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        match percent {
            some if some > 0.0 && some < 0.01 => out.write_str("< 0.01 %"),
            some if some > 0.0 && some < 0.95 => {
                write!(out, "{} %", format!("{some:.2}").trim_end_matches('0'))
            }
            some => write!(
                out,
                "{} %",
                format!("{some:.1}")
                    .trim_end_matches('0')
                    .trim_end_matches('.')
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_and_parts_read_as_people_say_them() {
        let table = [
            (400, "0.4 ms"),
            (1_000, "1.0 ms"),
            (9_940, "9.9 ms"),
            (9_960, "10.0 ms"),
            (12_400, "12 ms"),
            (1_200_000, "1.2 s"),
        ];
        for (microseconds, expected) in table {
            assert_eq!(Latency(microseconds).to_string(), expected);
        }
        let table = [
            (0.0, "0 %"),
            (0.000_01, "< 0.01 %"),
            (0.004, "0.4 %"),
            (0.0125, "1.2 %"),
            (0.01, "1 %"),
            (0.5, "50 %"),
            (1.0, "100 %"),
        ];
        for (part, expected) in table {
            assert_eq!(Percent(part).to_string(), expected);
        }
    }

    #[test]
    fn every_goal_that_is_missed_is_named() {
        let goals = Goals {
            latencies: vec![
                (Quantile::P95, Duration::from_secs(3)),
                (Quantile::Max, Duration::from_secs(4)),
            ],
            error_rate: 0.01,
        };
        assert_eq!(goals.to_string(), "p95 ≤ 3 s, max ≤ 4 s, errors ≤ 1 %");
        let latencies = Latencies {
            p95: 3_100_000,
            max: 4_000_000,
            ..Latencies::default()
        };
        assert_eq!(
            goals.describe_missed(&latencies, 0.02),
            [
                "p95 is 3.1 s, and may be 3 s",
                "2 % of the requests failed, and 1 % may"
            ]
        );
        assert!(
            goals
                .describe_missed(&Latencies::default(), 0.01)
                .is_empty()
        );
    }

    #[test]
    fn late_requests_are_an_excuse_for_no_more_than_what_a_quantile_leaves_out() {
        let goals = |quantile| Goals {
            latencies: vec![(quantile, Duration::from_millis(100))],
            error_rate: 0.01,
        };
        let slow = Latencies {
            p50: 200_000,
            p95: 400_000,
            p99: 400_000,
            max: 400_000,
            ..Latencies::default()
        };
        let table = [
            (Quantile::P50, 0.02, false),
            (Quantile::P95, 0.0125, false),
            (Quantile::P95, 0.06, true),
            (Quantile::Max, 0.001, true),
        ];
        for (quantile, late, excused) in table {
            assert_eq!(
                goals(quantile).may_be_runner_fault(&slow, late),
                excused,
                "{quantile:?} with {late}"
            );
        }
        assert!(
            !goals(Quantile::P95).may_be_runner_fault(&Latencies::default(), 0.5),
            "nothing was missed"
        );
    }
}
