//! How many requests came: by operation, how many of them were throttled, and by minute. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const MINUTE_SECONDS: i64 = 60;

/// The requests of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationCounts {
    /// All requests, also throttled ones.
    pub requests: u64,
    /// Those that were answered by a throttling error, by the limits or by a fault.
    pub throttled: u64,
}

/// All requests to AWS's services, and to GitHub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// By operation, as in `ecs:DescribeServices`.
    pub operations: BTreeMap<String, OperationCounts>,
    /// All together.
    pub total: OperationCounts,
    /// By second since the epoch; seconds without any are not there.
    pub seconds: BTreeMap<i64, u64>,
}

impl RequestCounts {
    pub(crate) fn record(&mut self, operation: &str, code: Option<&str>, at_ms: i64) {
        let throttled = u64::from(code.is_some_and(is_throttling));
        for count in [
            self.operations.entry(operation.to_owned()).or_default(),
            &mut self.total,
        ] {
            count.requests += 1;
            count.throttled += throttled;
        }
        *self.seconds.entry(at_ms.div_euclid(1000)).or_default() += 1;
    }

    /// Requests in each minute since the first one.
    pub fn per_minute(&self) -> Vec<u64> {
        let first = self
            .seconds
            .first_key_value()
            .map_or(0, |(second, _)| *second);
        let mut minutes = Vec::new();
        for (second, requests) in &self.seconds {
            let minute = usize::try_from((second - first) / MINUTE_SECONDS).unwrap_or(0);
            minutes.resize(minutes.len().max(minute + 1), 0);
            if let Some(count) = minutes.get_mut(minute) {
                *count += requests;
            }
        }
        minutes
    }

    /// Requests in the busiest sixty seconds.
    pub fn busiest_minute(&self) -> u64 {
        let starts = self.seconds.keys();
        starts
            .map(|start| {
                self.seconds
                    .range(start..&(start + MINUTE_SECONDS))
                    .map(|(_, requests)| requests)
                    .sum()
            })
            .max()
            .unwrap_or(0)
    }
}

/// The codes by which AWS's services say that there were too many.
fn is_throttling(code: &str) -> bool {
    matches!(code, "Throttling" | "ThrottlingException")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(seconds: &[i64]) -> RequestCounts {
        let mut tally = RequestCounts::default();
        for second in seconds {
            tally.record("ecs:ListTasks", None, second * 1000);
        }
        tally
    }

    #[test]
    fn minutes_are_counted_from_the_first_request_and_may_be_empty() {
        assert_eq!(tally(&[100, 159, 160, 300]).per_minute(), [2, 1, 0, 1]);
        assert_eq!(tally(&[]).per_minute(), Vec::<u64>::new());
    }

    #[test]
    fn the_busiest_minute_begins_anywhere() {
        assert_eq!(tally(&[100, 158, 159, 160, 161, 162]).busiest_minute(), 5);
        assert_eq!(tally(&[]).busiest_minute(), 0);
    }

    #[test]
    fn a_throttled_request_is_a_request() {
        let mut tally = RequestCounts::default();
        tally.record("elbv2:DescribeRules", Some("Throttling"), 0);
        tally.record("elbv2:DescribeRules", Some("RuleNotFound"), 0);
        assert_eq!(
            tally.operations["elbv2:DescribeRules"],
            OperationCounts {
                requests: 2,
                throttled: 1
            }
        );
        assert_eq!(
            tally.total,
            OperationCounts {
                requests: 2,
                throttled: 1
            }
        );
    }
}
