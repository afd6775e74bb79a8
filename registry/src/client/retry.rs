//! When a request is repeated, and after which pause.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::PushError;
use crate::progress::{Progress, Report};

/// Attempts after most failures. With these pauses they span about half a minute, in which ECR's
/// quotas per second are renewed.
const ATTEMPTS: u32 = 7;
/// Attempts while the registry is only busy: all builds of an organisation share ECR's ten
/// manifests a second.
const ATTEMPTS_WHEN_BUSY: u32 = 30;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(20);
/// The longest pause that a registry can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(2);

/// A request that failed, and whether to repeat it.
#[derive(Debug)]
pub(crate) struct FailedAttempt {
    pub(crate) error: Box<PushError>,
    pub(crate) retry: Retry,
}

/// Whether and when to repeat a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// It would fail again.
    Never,
    /// After a random pause.
    Backoff,
    /// After a random pause, and more often: the registry is only busy.
    LongBackoff,
    /// After the pause that the registry named.
    After(Duration),
}

impl FailedAttempt {
    pub(crate) fn from_permanent(error: PushError) -> Self {
        Self {
            error: Box::new(error),
            retry: Retry::Never,
        }
    }

    pub(crate) fn from_transient(error: PushError) -> Self {
        Self {
            error: Box::new(error),
            retry: Retry::Backoff,
        }
    }
}

impl From<PushError> for FailedAttempt {
    fn from(error: PushError) -> Self {
        Self::from_permanent(error)
    }
}

/// Counts the failures of one request, and pauses after each. The request must be harmless to
/// repeat.
pub(crate) struct RetryLoop<'a> {
    report: Report<'a>,
    failed: u32,
}

impl<'a> RetryLoop<'a> {
    pub(crate) fn new(report: Report<'a>) -> Self {
        Self { report, failed: 0 }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The error of the failure, if the request is not to be repeated.
    pub(crate) async fn wait_or_fail(&mut self, failure: FailedAttempt) -> Result<(), PushError> {
        let Some(pause) = retry_delay(self.failed, failure.retry) else {
            return Err(*failure.error);
        };
        (self.report)(Progress::Waiting {
            pause,
            reason: failure.error.to_string(),
        });
        tokio::time::sleep(pause).await;
        self.failed += 1;
        Ok(())
    }
}

/// The pause after this many failures, random in all of its length, so that clients that failed
/// together do not come back together. `None` if there is to be no further attempt.
fn retry_delay(failed: u32, retry: Retry) -> Option<Duration> {
    let attempts = match retry {
        Retry::Never => return None,
        Retry::Backoff => ATTEMPTS,
        Retry::LongBackoff | Retry::After(_) => ATTEMPTS_WHEN_BUSY,
    };
    if failed + 1 >= attempts {
        return None;
    }
    let max_delay = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(failed))
        .min(MAX_PAUSE);
    match retry {
        Retry::Never => None,
        Retry::Backoff | Retry::LongBackoff => Some(random_delay(max_delay)),
        Retry::After(named) => Some(named.min(MAX_RETRY_AFTER) + random_delay(FIRST_PAUSE)),
    }
}

/// A random part of a duration. The random seeds of hash maps are random enough for it.
fn random_delay(max_delay: Duration) -> Duration {
    let thousandth = u32::try_from(RandomState::new().hash_one(0_u8) % 1000).unwrap_or(0);
    max_delay * thousandth / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        for failed in 0..ATTEMPTS - 1 {
            let longest = FIRST_PAUSE * 2_u32.pow(failed);
            assert!(retry_delay(failed, Retry::Backoff).unwrap() <= longest.min(MAX_PAUSE));
        }
        assert_eq!(retry_delay(ATTEMPTS - 1, Retry::Backoff), None);
        assert!(retry_delay(ATTEMPTS - 1, Retry::LongBackoff).is_some());
        assert_eq!(
            retry_delay(ATTEMPTS_WHEN_BUSY - 1, Retry::LongBackoff),
            None
        );
        assert_eq!(retry_delay(0, Retry::Never), None);
    }

    #[test]
    fn the_registry_names_its_own_pause_within_reason() {
        let named = Duration::from_secs(7);
        assert!(
            (named..=named + FIRST_PAUSE).contains(&retry_delay(0, Retry::After(named)).unwrap())
        );
        assert!(
            retry_delay(0, Retry::After(Duration::from_hours(24))).unwrap()
                <= MAX_RETRY_AFTER + FIRST_PAUSE
        );
    }
}
