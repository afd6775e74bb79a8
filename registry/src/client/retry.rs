//! When a request is tried again, and after which pause. Pure but for the dice and the sleep
//! itself.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::PushError;
use crate::progress::{Progress, Report};

/// With these pauses a registry may be away for about half a minute, and ECR's per-second quotas
/// have long refilled.
const ATTEMPTS: u32 = 7;
/// A registry that only says it is busy is asked for longer: an organisation's builds at once share
/// ECR's ten manifests a second.
const ATTEMPTS_WHEN_BUSY: u32 = 30;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A registry that asks for more patience than this is treated as asking for this much.
const MOST_PATIENCE: Duration = Duration::from_mins(2);

/// A failure, and whether the same request may succeed later.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: Box<PushError>,
    pub(crate) again: Again,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It would fail the same way.
    Never,
    /// After a pause of our choice.
    Later,
    /// After a pause of our choice, and more often than usual: nothing is wrong but the moment.
    Busy,
    /// After the pause that the registry named.
    After(Duration),
}

impl Fault {
    pub(crate) fn last(error: PushError) -> Self {
        Self {
            error: Box::new(error),
            again: Again::Never,
        }
    }

    pub(crate) fn passing(error: PushError) -> Self {
        Self {
            error: Box::new(error),
            again: Again::Later,
        }
    }
}

impl From<PushError> for Fault {
    fn from(error: PushError) -> Self {
        Self::last(error)
    }
}

/// How often one request failed already, and the pauses between. What is tried must be harmless to
/// repeat.
pub(crate) struct Patience<'a> {
    report: Report<'a>,
    failed: u32,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(report: Report<'a>) -> Self {
        Self { report, failed: 0 }
    }

    /// Waits before the next try, or gives the error back when there is to be none.
    pub(crate) async fn after(&mut self, fault: Fault) -> Result<(), PushError> {
        let Some(pause) = pause(self.failed, fault.again) else {
            return Err(*fault.error);
        };
        (self.report)(Progress::Waiting {
            pause,
            reason: fault.error.to_string(),
        });
        tokio::time::sleep(pause).await;
        self.failed += 1;
        Ok(())
    }
}

/// Full jitter: clients that failed together do not come back together.
fn pause(failed: u32, again: Again) -> Option<Duration> {
    let attempts = match again {
        Again::Never => return None,
        Again::Later => ATTEMPTS,
        Again::Busy | Again::After(_) => ATTEMPTS_WHEN_BUSY,
    };
    if failed + 1 >= attempts {
        return None;
    }
    let longest = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(failed))
        .min(LONGEST_PAUSE);
    match again {
        Again::Never => None,
        Again::Later | Again::Busy => Some(dice(longest)),
        Again::After(named) => Some(named.min(MOST_PATIENCE) + dice(FIRST_PAUSE)),
    }
}

/// A random part of a duration. The standard library seeds its hash maps at random, which is random
/// enough for a pause.
fn dice(longest: Duration) -> Duration {
    let thousandth = u32::try_from(RandomState::new().hash_one(0_u8) % 1000).unwrap_or(0);
    longest * thousandth / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        for failed in 0..ATTEMPTS - 1 {
            let longest = FIRST_PAUSE * 2_u32.pow(failed);
            assert!(pause(failed, Again::Later).unwrap() <= longest.min(LONGEST_PAUSE));
        }
        assert_eq!(pause(ATTEMPTS - 1, Again::Later), None);
        assert!(pause(ATTEMPTS - 1, Again::Busy).is_some());
        assert_eq!(pause(ATTEMPTS_WHEN_BUSY - 1, Again::Busy), None);
        assert_eq!(pause(0, Again::Never), None);
    }

    #[test]
    fn the_registry_names_its_own_pause_within_reason() {
        let named = Duration::from_secs(7);
        assert!((named..=named + FIRST_PAUSE).contains(&pause(0, Again::After(named)).unwrap()));
        assert!(
            pause(0, Again::After(Duration::from_hours(24))).unwrap()
                <= MOST_PATIENCE + FIRST_PAUSE
        );
    }
}
