//! The counts and the histogram of a load run so far; their size does not depend on the number of
//! requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::form::Quantile;
use super::result::{ErrorCount, ErrorKind, Latencies};
use super::target::{FinishedRequest, RequestOutcome};

/// Longer than a probe can take: its longest duration and timeout.
const MAX_LATENCY_MICROSECONDS: u64 = 20 * 60 * 1_000_000;

/// Upper bounds of the buckets that people see, in milliseconds.
const BUCKET_BOUNDS: [u64; 11] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/// How long only errors may come back before the run ends.
const ERRORS_ONLY_LIMIT: Duration = Duration::from_secs(5);

/// The counts of one load run.
pub(super) struct LoadStatistics {
    /// Microseconds, of requests that were answered or timed out. None if the histogram could not
    /// be created.
    histogram: Option<Histogram<u64>>,
    /// By the bound they are within, and those beyond all of them.
    bucket_counts: [u64; BUCKET_BOUNDS.len() + 1],
    /// The greatest latency in microseconds.
    max_latency: u64,
    pub(super) sent: u64,
    pub(super) answered: u64,
    errors: BTreeMap<ErrorKind, (u64, Option<String>)>,
    /// When there was last an answer that is no error.
    last_success: Instant,
}

impl LoadStatistics {
    pub(super) fn new(begin: Instant) -> Self {
        // Three digits: 1 % is ten times what it can be wrong by.
        let histogram = Histogram::new_with_bounds(1, MAX_LATENCY_MICROSECONDS, 3).ok();
        Self {
            histogram,
            bucket_counts: [0; BUCKET_BOUNDS.len() + 1],
            max_latency: 0,
            sent: 0,
            answered: 0,
            errors: BTreeMap::new(),
            last_success: begin,
        }
    }

    pub(super) fn add(&mut self, request: FinishedRequest, now: Instant) {
        if !matches!(request.outcome, RequestOutcome::NoAnswer(_)) {
            // A refused connection is fast, and would make the rest look better.
            self.record(request.latency);
        }
        let (sent, answered) = (
            u64::from(!matches!(request.outcome, RequestOutcome::Unsent)),
            matches!(
                request.outcome,
                RequestOutcome::Answer | RequestOutcome::Status(_)
            ),
        );
        self.sent += sent;
        self.answered += u64::from(answered);
        match request.outcome {
            RequestOutcome::Answer => self.last_success = now,
            RequestOutcome::Status(status) => {
                self.add_error(ErrorKind::Status, Some(status.to_string()));
            }
            RequestOutcome::Timeout => self.add_error(ErrorKind::Timeout, None),
            RequestOutcome::NoAnswer(reason) => self.add_error(ErrorKind::NoAnswer, Some(reason)),
            RequestOutcome::Unsent => self.add_error(ErrorKind::Unsent, None),
        }
    }

    fn record(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros())
            .unwrap_or(u64::MAX)
            .max(1);
        self.max_latency = self.max_latency.max(microseconds);
        let bucket = BUCKET_BOUNDS
            .iter()
            .position(|bound| microseconds <= bound * 1000)
            .unwrap_or(BUCKET_BOUNDS.len());
        self.bucket_counts[bucket] += 1;
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(microseconds);
        }
    }

    fn add_error(&mut self, kind: ErrorKind, example: Option<String>) {
        self.errors.entry(kind).or_insert((0, example)).0 += 1;
    }

    fn failed_requests(&self) -> u64 {
        self.errors.values().map(|(count, _)| count).sum()
    }

    /// Requests that were due.
    fn due_requests(&self) -> u64 {
        self.sent
            + self
                .errors
                .get(&ErrorKind::Unsent)
                .map_or(0, |(count, _)| *count)
    }

    /// Errors of all requests that were due, 0 to 1.
    pub(super) fn error_rate(&self) -> f64 {
        if self.due_requests() == 0 {
            0.0
        } else {
            ratio(self.failed_requests(), self.due_requests())
        }
    }

    /// Whether the error rate cannot be met any more, or there has been nothing but errors for a
    /// while.
    pub(super) fn cannot_pass(&self, allowed: f64, planned: Option<u64>, now: Instant) -> bool {
        let is_exceeded =
            planned.is_some_and(|planned| ratio(self.failed_requests(), planned.max(1)) > allowed);
        let only_errors =
            now - self.last_success >= ERRORS_ONLY_LIMIT && self.error_rate() > allowed;
        is_exceeded || only_errors
    }

    pub(super) fn latencies(&self) -> Latencies {
        let [p50, p90, p95, p99, max] = Quantile::ALL.map(|quantile| self.quantile(quantile));
        Latencies {
            p50,
            p90,
            p95,
            p99,
            max,
        }
    }

    /// Never more than the greatest: the histogram rounds up.
    fn quantile(&self, quantile: Quantile) -> u64 {
        self.histogram
            .as_ref()
            .map_or(0, |histogram| {
                histogram.value_at_quantile(quantile.fraction())
            })
            .min(self.max_latency)
    }

    /// Upper bound in milliseconds and count, without the empty buckets at the beginning; the last
    /// bound is the greatest latency.
    pub(super) fn buckets(&self) -> Vec<(u64, u64)> {
        let max_milliseconds = self.max_latency.div_ceil(1000);
        let bounds = BUCKET_BOUNDS
            .iter()
            .copied()
            .take_while(|bound| *bound < max_milliseconds)
            .chain([max_milliseconds]);
        bounds
            .zip(self.bucket_counts)
            .skip_while(|(_, count)| *count == 0)
            .collect()
    }

    pub(super) fn error_counts(&self, to_text: impl Fn(&str) -> String) -> Vec<ErrorCount> {
        let count = |(kind, (count, example)): (&ErrorKind, &(u64, Option<String>))| ErrorCount {
            kind: *kind,
            count: *count,
            example: example.as_deref().map(|example| to_text(example).into()),
        };
        self.errors.iter().map(count).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn answered_after(milliseconds: u64) -> FinishedRequest {
        FinishedRequest {
            outcome: RequestOutcome::Answer,
            latency: Duration::from_millis(milliseconds),
        }
    }

    fn failed_request(outcome: RequestOutcome) -> FinishedRequest {
        FinishedRequest {
            outcome,
            latency: Duration::from_secs(5),
        }
    }

    #[test]
    fn latencies_are_ordered_into_buckets_that_people_can_read() {
        let begin = Instant::now();
        let mut tally = LoadStatistics::new(begin);
        (1..=100).for_each(|milliseconds| tally.add(answered_after(milliseconds), begin));
        assert_eq!(
            tally.buckets(),
            [
                (1, 1),
                (2, 1),
                (5, 3),
                (10, 5),
                (20, 10),
                (50, 30),
                (100, 50)
            ]
        );
        let Latencies {
            p50,
            p90,
            p95,
            p99,
            max,
        } = tally.latencies();
        for (found, expected) in [(p50, 50), (p90, 90), (p95, 95), (p99, 99), (max, 100)] {
            assert!(
                found.abs_diff(expected * 1000) <= expected,
                "{found} {expected}"
            );
        }
        assert_eq!(
            (
                max,
                LoadStatistics::new(begin).buckets(),
                LoadStatistics::new(begin).latencies().max
            ),
            (100_000, vec![], 0)
        );
    }

    #[test]
    fn errors_are_counted_by_kind_and_the_unsent_are_errors() {
        let begin = Instant::now();
        let mut tally = LoadStatistics::new(begin);
        (0..6).for_each(|_| tally.add(answered_after(3), begin));
        tally.add(failed_request(RequestOutcome::Timeout), begin);
        tally.add(failed_request(RequestOutcome::Unsent), begin);
        tally.add(
            failed_request(RequestOutcome::Status(reqwest::StatusCode::BAD_GATEWAY)),
            begin,
        );
        tally.add(
            failed_request(RequestOutcome::NoAnswer("refused".to_owned())),
            begin,
        );
        assert_eq!(
            (tally.sent, tally.answered, tally.error_rate()),
            (9, 7, 0.4)
        );
        let errors: Vec<_> = tally
            .error_counts(str::to_uppercase)
            .into_iter()
            .map(|error| (error.kind, error.count, error.example))
            .collect();
        let expected = [
            (ErrorKind::NoAnswer, 1, Some("REFUSED".to_owned())),
            (ErrorKind::Timeout, 1, None),
            (ErrorKind::Status, 1, Some("502 BAD GATEWAY".to_owned())),
            (ErrorKind::Unsent, 1, None),
        ];
        assert_eq!(
            errors,
            expected.map(|(kind, count, example)| (kind, count, example.map(Text::from)))
        );
        assert_eq!(
            tally.buckets(),
            [
                (5, 6),
                (10, 0),
                (20, 0),
                (50, 0),
                (100, 0),
                (200, 0),
                (500, 0),
                (1000, 0),
                (2000, 0),
                (5000, 3)
            ]
        );
    }

    #[test]
    fn it_is_hopeless_when_the_error_rate_cannot_be_met_or_only_errors_came_for_five_seconds() {
        let begin = Instant::now();
        let mut tally = LoadStatistics::new(begin);
        assert!(!tally.cannot_pass(0.01, Some(1000), begin + ERRORS_ONLY_LIMIT));
        (0..10).for_each(|_| tally.add(failed_request(RequestOutcome::Timeout), begin));
        assert!(
            !tally.cannot_pass(0.01, Some(1000), begin)
                && !tally.cannot_pass(0.01, None, begin + ERRORS_ONLY_LIMIT / 2)
        );
        assert!(tally.cannot_pass(0.01, None, begin + ERRORS_ONLY_LIMIT));
        assert!(tally.cannot_pass(0.009, Some(1000), begin));
        (0..10_000).for_each(|_| tally.add(answered_after(1), begin));
        assert!(!tally.cannot_pass(0.01, None, begin + ERRORS_ONLY_LIMIT));
    }
}
