//! A token bucket. Pure: the time is a parameter.

/// A bucket that fills by itself.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    burst: f64,
    per_second: f64,
    tokens: f64,
    filled_ms: i64,
}

impl Bucket {
    pub(crate) const fn new_full(burst: f64, per_second: f64, now_ms: i64) -> Self {
        Self {
            burst,
            per_second,
            tokens: burst,
            filled_ms: now_ms,
        }
    }

    /// Takes a token, if there is a whole one.
    pub(crate) fn take(&mut self, now_ms: i64) -> bool {
        self.refill(now_ms);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }

    /// How many tokens there are.
    pub(crate) fn tokens(&mut self, now_ms: i64) -> f64 {
        self.refill(now_ms);
        self.tokens
    }

    /// A clock that was set back adds nothing, and takes nothing away.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds between two requests"
    )]
    fn refill(&mut self, now_ms: i64) {
        let seconds = now_ms.saturating_sub(self.filled_ms).max(0) as f64 / 1000.0;
        self.tokens = seconds
            .mul_add(self.per_second, self.tokens)
            .min(self.burst);
        self.filled_ms = self.filled_ms.max(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count_taken(bucket: &mut Bucket, requests: usize, now_ms: i64) -> usize {
        (0..requests).filter(|_| bucket.take(now_ms)).count()
    }

    #[test]
    fn a_burst_empties_it_and_time_fills_it_at_its_rate() {
        let mut bucket = Bucket::new_full(20.0, 2.0, 0);
        assert_eq!(count_taken(&mut bucket, 30, 0), 20);
        assert_eq!(count_taken(&mut bucket, 30, 1000), 2);
        assert_eq!(count_taken(&mut bucket, 30, 4000), 6);
    }

    #[test]
    fn it_never_holds_more_than_its_burst() {
        let mut bucket = Bucket::new_full(5.0, 100.0, 0);
        assert_eq!(count_taken(&mut bucket, 30, 3_600_000), 5);
    }

    #[test]
    fn a_part_of_a_token_is_none_and_is_kept() {
        let mut bucket = Bucket::new_full(1.0, 0.2, 0);
        assert_eq!(count_taken(&mut bucket, 1, 0), 1);
        assert_eq!(
            (
                count_taken(&mut bucket, 1, 4000),
                count_taken(&mut bucket, 1, 5000)
            ),
            (0, 1)
        );
    }

    #[test]
    fn a_clock_that_was_set_back_changes_nothing() {
        let mut bucket = Bucket::new_full(2.0, 1.0, 10_000);
        assert_eq!(count_taken(&mut bucket, 2, 10_000), 2);
        assert_eq!(
            (
                count_taken(&mut bucket, 1, 0),
                count_taken(&mut bucket, 1, 10_500),
                count_taken(&mut bucket, 1, 11_000)
            ),
            (0, 0, 1)
        );
    }
}
