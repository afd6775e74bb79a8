//! What makes a version worse for users, for real: answers that fail, answers that are late, and
//! lines in the log. Pure, and without chance: of any so many requests in a row the same share is
//! hit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much worse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trouble {
    /// The share of requests that are answered 500.
    pub(crate) error_rate: f64,
    /// Only these paths, and what is below them.
    pub(crate) path: String,
    /// How late late answers are.
    pub(crate) latency: Duration,
    /// The share of requests that are answered late.
    pub(crate) slow_share: f64,
    /// A line that is written now and then.
    pub(crate) log_line: Option<String>,
    /// After so many requests.
    pub(crate) log_every: u64,
}

/// What one request meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met<'a> {
    pub(crate) fails: bool,
    pub(crate) waits: Option<Duration>,
    pub(crate) logs: Option<&'a str>,
}

/// Requests so far.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Trouble {
    /// What the next request of a path meets.
    pub(crate) fn meet(&self, path: &str, count: &Count) -> Met<'_> {
        let is_hit = path == self.path
            || path
                .strip_prefix(&self.path)
                .is_some_and(|rest| rest.starts_with('/') || self.path.ends_with('/'));
        if !is_hit {
            return Met {
                fails: false,
                waits: None,
                logs: None,
            };
        }
        let number = count.0.fetch_add(1, Ordering::Relaxed);
        Met {
            fails: falls(number, self.error_rate),
            waits: falls(number, self.slow_share)
                .then_some(self.latency)
                .filter(|latency| !latency.is_zero()),
            logs: self
                .log_line
                .as_deref()
                .filter(|_| (number + 1).is_multiple_of(self.log_every.max(1))),
        }
    }
}

/// Whether a share falls on a request: evenly spread.
fn falls(number: u64, share: f64) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^52 requests"
    )]
    let until = |number: u64| (number as f64 * share).floor();
    until(number + 1) > until(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble() -> Trouble {
        Trouble {
            error_rate: 0.03,
            path: "/tasks".to_owned(),
            latency: Duration::from_millis(200),
            slow_share: 0.5,
            log_line: Some("ERROR lost".to_owned()),
            log_every: 50,
        }
    }

    #[test]
    fn of_a_hundred_requests_the_share_is_hit() {
        let (trouble, count) = (trouble(), Count::default());
        let met: Vec<Met<'_>> = (0..100).map(|_| trouble.meet("/tasks/1", &count)).collect();
        let count = |hit: fn(&Met<'_>) -> bool| met.iter().filter(|met| hit(met)).count();
        assert_eq!(
            (
                count(|met| met.fails),
                count(|met| met.waits.is_some()),
                count(|met| met.logs.is_some())
            ),
            (3, 50, 2)
        );
    }

    #[test]
    fn other_paths_meet_nothing() {
        let (trouble, count) = (trouble(), Count::default());
        for path in ["/", "/health", "/tasksy"] {
            assert!(
                (0..100).all(|_| trouble.meet(path, &count)
                    == Met {
                        fails: false,
                        waits: None,
                        logs: None
                    }),
                "{path}"
            );
        }
        let everything = Trouble {
            path: "/".to_owned(),
            error_rate: 1.0,
            ..trouble
        };
        assert!(everything.meet("/", &count).fails && everything.meet("/health", &count).fails);
    }
}
