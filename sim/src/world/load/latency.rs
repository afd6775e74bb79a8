//! Latencies in bounded memory: a histogram whose buckets are 3 % wide, from a microsecond to
//! hours. Pure.

use std::time::Duration;

/// Buckets of each power of two.
const STEPS: u64 = 32;
const STEPS_BITS: u32 = 5;

/// How often each latency was seen.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    buckets: Vec<u64>,
    count: u64,
}

impl Latencies {
    pub(super) fn add(&mut self, latency: Duration) {
        let index = bucket_index(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        if self.buckets.len() <= index {
            self.buckets.resize(index + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
        }
        self.count += 1;
    }

    /// The latency that this many of a hundred requests did not exceed; zero before the first.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        Duration::from_micros(found.filter(|_| self.count > 0).map_or(0, bucket_start))
    }
}

fn bucket_index(micros: u64) -> usize {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(STEPS_BITS + 1);
    let index = u64::from(shift) * STEPS + (micros >> shift);
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The smallest latency of a bucket.
fn bucket_start(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / STEPS).saturating_sub(1);
    (index - shift * STEPS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_close_to_what_they_hold() {
        for micros in [0, 1, 31, 32, 63, 64, 65, 1_000, 123_456, 60_000_000] {
            let found = bucket_start(bucket_index(micros));
            assert!(
                found <= micros && (micros - found) * 32 <= micros,
                "{micros} is found as {found}"
            );
        }
    }

    #[test]
    fn percentiles_are_of_the_requests_seen() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), Duration::ZERO);
        for micros in 1..=20 {
            latencies.add(Duration::from_micros(micros));
        }
        assert_eq!(latencies.percentile(50), Duration::from_micros(10));
        assert_eq!(latencies.percentile(99), Duration::from_micros(20));
    }
}
