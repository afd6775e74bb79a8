//! How often AWS is read: fewer than 30 reads a minute, and fewer still while AWS throttles. The
//! calls of all jobs in an account share AWS's limits.

use std::time::Duration;

use crate::choices::PollSettings;

/// 23 looks a minute; with CodeDeploy's target at every fourth of them or less that is below 30
/// reads a minute, which many jobs at once can afford in one account. A change is acted upon after
/// half of it, at the median.
const LOOK_INTERVAL: Duration = Duration::from_millis(2_600);

/// 15 looks a minute: the checks alongside the rollout have the other reads, ten of them for
/// alarms.
const SHARED_INTERVAL: Duration = Duration::from_secs(4);

/// Ten looks a minute, in the bake: alarms have ten other reads there, and the health of green has
/// seven.
const BAKE_INTERVAL: Duration = Duration::from_secs(6);

/// The time between looks, adapting.
#[derive(Debug)]
pub struct PollInterval {
    settings: PollSettings,
    slowdown: u32,
    interval: Duration,
}

impl PollInterval {
    /// An interval that has not been slowed down by throttling.
    pub fn new(settings: PollSettings) -> Self {
        Self {
            settings,
            slowdown: 1,
            interval: LOOK_INTERVAL,
        }
    }

    /// Waits until the next look.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.pause()).await;
    }

    fn pause(&self) -> Duration {
        let pause = self.settings.fixed_interval.unwrap_or(self.interval);
        (pause * self.slowdown).min(self.settings.max_interval.max(pause))
    }

    /// Other parts of the run read AWS as well from now on, so this one reads less often.
    pub fn share_limit(&mut self) {
        self.interval = if self.interval < SHARED_INTERVAL {
            SHARED_INTERVAL
        } else {
            BAKE_INTERVAL
        };
    }

    /// AWS throttles: half as often, down to an eighth.
    pub fn slow_down(&mut self) {
        self.slowdown = (self.slowdown * 2).min(8);
    }

    /// AWS answers again: twice as often, up to the usual interval.
    pub fn recover(&mut self) {
        self.slowdown = (self.slowdown / 2).max(1);
    }
}

/// Waits that start short and grow to the usual interval: for a rollback, where weights change
/// within a second and users may be on the wrong side meanwhile.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(Duration::from_millis(100))
    }
}

impl Backoff {
    /// Waits, each time a little longer than before.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 3 / 2).min(LOOK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll_interval(fixed: Option<Duration>) -> PollInterval {
        PollInterval::new(PollSettings {
            fixed_interval: fixed,
            max_interval: Duration::from_secs(15),
        })
    }

    #[test]
    fn throttling_slows_down_to_the_longest_pause_and_recovers() {
        let mut interval = poll_interval(None);
        assert_eq!(interval.pause(), LOOK_INTERVAL);
        (0..5).for_each(|_| interval.slow_down());
        assert_eq!(interval.pause(), Duration::from_secs(15));
        (0..5).for_each(|_| interval.recover());
        assert_eq!(interval.pause(), LOOK_INTERVAL);
    }

    #[test]
    fn a_fixed_interval_is_kept() {
        assert_eq!(
            poll_interval(Some(Duration::from_millis(50))).pause(),
            Duration::from_millis(50)
        );
    }
}
