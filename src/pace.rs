//! How often AWS is looked at: as many reads a minute as DESIGN allows, fewer while AWS throttles.

use std::time::Duration;

use crate::settings::PaceSettings;

/// 60 s / 2.1 s is 28 reads a minute, below the 30 that many jobs at once can afford in one account.
const A_READ: Duration = Duration::from_millis(2_100);

/// The time between looks, adapting.
#[derive(Debug)]
pub struct Pace {
    settings: PaceSettings,
    slower: u32,
    reads: u64,
}

impl Pace {
    /// A pace that starts with the reads made so far.
    pub fn new(settings: PaceSettings, reads: u64) -> Self {
        Self { settings, slower: 1, reads }
    }

    /// Waits as long as the reads since the last rest ask for.
    pub async fn rest(&mut self, reads: u64) {
        let pause = self.pause(reads);
        self.reads = reads;
        tokio::time::sleep(pause).await;
    }

    fn pause(&self, reads: u64) -> Duration {
        let made = u32::try_from(reads.saturating_sub(self.reads)).unwrap_or(u32::MAX).clamp(1, 4);
        let pause = self.settings.fixed.unwrap_or(A_READ * made);
        (pause * self.slower).min(self.settings.longest.max(pause))
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

/// Looks that come soon after one another at first and at the usual pace later: for going back, where a flip of
/// weights takes less than a second and users may be on the wrong side meanwhile.
#[derive(Debug)]
pub struct Easing(Duration);

impl Default for Easing {
    fn default() -> Self {
        Self(Duration::from_millis(100))
    }
}

impl Easing {
    /// Waits, a little longer every time.
    pub async fn rest(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 3 / 2).min(A_READ);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(fixed: Option<Duration>) -> Pace {
        Pace::new(PaceSettings { fixed, longest: Duration::from_secs(15) }, 10)
    }

    #[test]
    fn two_reads_a_look_make_the_looks_rarer_not_the_reads_more() {
        assert_eq!(pace(None).pause(11), A_READ);
        assert_eq!(pace(None).pause(12), A_READ * 2);
    }

    #[test]
    fn throttling_slows_down_to_the_longest_pause_and_recovers() {
        let mut pace = pace(None);
        (0..5).for_each(|_| pace.slower());
        assert_eq!(pace.pause(11), Duration::from_secs(15));
        (0..5).for_each(|_| pace.recover());
        assert_eq!(pace.pause(11), A_READ);
    }

    #[test]
    fn a_fixed_interval_is_kept() {
        assert_eq!(pace(Some(Duration::from_millis(50))).pause(14), Duration::from_millis(50));
    }
}
