//! How often AWS is looked at: fewer than 30 reads a minute, and fewer still while AWS throttles.
//! The calls of all jobs in an account share AWS's limits.

use std::time::Duration;

use crate::choices::PollSettings;

/// 23 looks a minute; with CodeDeploy's target at every fourth of them or less that is below 30
/// reads a minute, which many jobs at once can afford in one account. A change is acted upon after
/// half of it, at the median.
const A_LOOK: Duration = Duration::from_millis(2_600);

/// 15 looks a minute: what watches beside the rollout has the other reads, ten of them for alarms.
const A_SHARED_LOOK: Duration = Duration::from_secs(4);

/// Ten looks a minute, in the bake: alarms have ten other reads there, and the health of green has
/// seven.
const A_LOOK_AMONG_OTHERS: Duration = Duration::from_secs(6);

/// The time between looks, adapting.
#[derive(Debug)]
pub struct PollInterval {
    settings: PollSettings,
    slower: u32,
    look: Duration,
}

impl PollInterval {
    /// A pace that AWS has not slowed down yet.
    pub fn new(settings: PollSettings) -> Self {
        Self {
            settings,
            slower: 1,
            look: A_LOOK,
        }
    }

    /// Waits until the next look.
    pub async fn rest(&mut self) {
        tokio::time::sleep(self.pause()).await;
    }

    fn pause(&self) -> Duration {
        let pause = self.settings.fixed.unwrap_or(self.look);
        (pause * self.slower).min(self.settings.longest.max(pause))
    }

    /// Somebody else reads AWS too from now on.
    pub fn share(&mut self) {
        self.look = if self.look < A_SHARED_LOOK {
            A_SHARED_LOOK
        } else {
            A_LOOK_AMONG_OTHERS
        };
    }

    /// AWS throttles: half as often.
    pub fn slower(&mut self) {
        self.slower = (self.slower * 2).min(8);
    }

    /// AWS answers again.
    pub fn recover(&mut self) {
        self.slower = (self.slower / 2).max(1);
    }
}

/// Looks that come soon after one another at first and at the usual pace later: for going back,
/// where a flip of weights takes less than a second and users may be on the wrong side meanwhile.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(Duration::from_millis(100))
    }
}

impl Backoff {
    /// Waits, a little longer every time.
    pub async fn rest(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 3 / 2).min(A_LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(fixed: Option<Duration>) -> PollInterval {
        PollInterval::new(PollSettings {
            fixed,
            longest: Duration::from_secs(15),
        })
    }

    #[test]
    fn throttling_slows_down_to_the_longest_pause_and_recovers() {
        let mut pace = pace(None);
        assert_eq!(pace.pause(), A_LOOK);
        (0..5).for_each(|_| pace.slower());
        assert_eq!(pace.pause(), Duration::from_secs(15));
        (0..5).for_each(|_| pace.recover());
        assert_eq!(pace.pause(), A_LOOK);
    }

    #[test]
    fn a_fixed_interval_is_kept() {
        assert_eq!(
            pace(Some(Duration::from_millis(50))).pause(),
            Duration::from_millis(50)
        );
    }
}
