//! PURE: what a transfer tells, added up: every few seconds how much of it is done, how fast it
//! goes, how long it still takes.
//!
//! The whole transfer is one number, not a bar for every layer: four layers at once would be four
//! lines that nobody reads.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::duration::Human;
use crate::registry::Progress;

/// A line at most this often: enough to see that it moves.
const SPEAK: Duration = Duration::from_secs(5);

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    total: u64,
    skipped: u64,
    mounted: u64,
    arrived: u64,
    under_way: BTreeMap<String, u64>,
    said: Option<Said>,
}

/// When the last line was due, and how far it was then.
#[derive(Debug, Clone, Copy)]
struct Said {
    at: Duration,
    bytes: u64,
}

impl Tally {
    /// Takes in what was told, `at` so long after the transfer began; a line, when one is due.
    pub(super) fn take(&mut self, progress: &Progress, at: Duration) -> Option<String> {
        match progress {
            Progress::Reading { bytes, of } => {
                return self.due(*bytes, at).map(|rate| reading(*bytes, *of, rate));
            }
            Progress::Ready { bytes, .. } => {
                (self.total, self.said) = (*bytes, Some(Said { at, bytes: 0 }));
            }
            Progress::Existing { bytes, .. } => self.skipped += bytes,
            Progress::Mounted { bytes, .. } => self.mounted += bytes,
            Progress::Uploading { digest, bytes, .. } => {
                self.under_way.insert(digest.to_string(), *bytes);
            }
            Progress::Uploaded { digest, bytes } => {
                self.under_way.remove(digest.as_str());
                self.arrived += bytes;
            }
            Progress::Waiting { pause, reason } => {
                return Some(format!(
                    "{reason}; trying again in {} s",
                    pause.as_secs().max(1)
                ));
            }
            Progress::Retrying { reason } => {
                self.skipped = 0;
                return Some(format!("{reason}; everything is asked for again"));
            }
            Progress::Tagged { .. } => return None,
        }
        let (done, of) = (self.sent(), self.to_send());
        if done == 0 {
            None
        } else {
            self.due(done, at).map(|rate| sending(done, of, rate))
        }
    }

    /// Bytes that the registry has already, by this and by former pushes.
    pub(super) fn skipped(&self) -> u64 {
        self.total
            .saturating_sub(self.mounted)
            .saturating_sub(self.arrived)
    }

    /// Bytes that the registry took from another repository.
    pub(super) fn mounted(&self) -> u64 {
        self.mounted
    }

    fn sent(&self) -> u64 {
        self.arrived + self.under_way.values().sum::<u64>()
    }

    /// It shrinks as the registry says what it has.
    fn to_send(&self) -> u64 {
        self.total
            .saturating_sub(self.skipped)
            .saturating_sub(self.mounted)
            .max(self.sent())
    }

    /// Bytes a second since the last line, when the next one is due. A recent rate tells of a
    /// connection that has become slow.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a tenth of a mebibyte is precise enough for people"
    )]
    fn due(&mut self, bytes: u64, at: Duration) -> Option<f64> {
        let said = *self.said.get_or_insert(Said { at, bytes });
        let passed = at.saturating_sub(said.at);
        if passed < SPEAK {
            return None;
        }
        self.said = Some(Said { at, bytes });
        Some(bytes.saturating_sub(said.bytes) as f64 / passed.as_secs_f64())
    }
}

fn reading(bytes: u64, of: u64, rate: f64) -> String {
    format!(
        "reading the image: {} of about {} MiB, {} MiB/s",
        Mib(bytes),
        Mib(of),
        PerSecond(rate)
    )
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds, for people; never negative"
)]
fn sending(done: u64, of: u64, rate: f64) -> String {
    let begin = format!("sending: {} of {} MiB", Mib(done), Mib(of));
    if rate < 1.0 {
        return format!("{begin}, nothing moved since the last line");
    }
    let left = Duration::from_secs(((of.saturating_sub(done) as f64 / rate).ceil() as u64).max(1));
    format!("{begin}, {} MiB/s, {} left", PerSecond(rate), Human(left))
}

struct Mib(u64);

impl fmt::Display for Mib {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a tenth of a mebibyte is precise enough for people"
    )]
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.1}", self.0 as f64 / 1_048_576.0)
    }
}

struct PerSecond(f64);

impl fmt::Display for PerSecond {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.1}", self.0 / 1_048_576.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Digest;

    const MIB: u64 = 1_048_576;

    fn digest(letter: char) -> Digest {
        format!("sha256:{}", letter.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_whole_transfer_is_told_with_rate_and_time_left() {
        let mut tally = Tally::default();
        let ready = Progress::Ready {
            blobs: 4,
            bytes: 300 * MIB,
        };
        assert_eq!(tally.take(&ready, seconds(1)), None);
        assert_eq!(
            tally.take(
                &Progress::Existing {
                    digest: digest('b'),
                    bytes: 40 * MIB
                },
                seconds(1)
            ),
            None
        );
        assert_eq!(
            tally.take(
                &Progress::Mounted {
                    digest: digest('c'),
                    bytes: 4 * MIB
                },
                seconds(1)
            ),
            None
        );
        let uploading = |letter, bytes| Progress::Uploading {
            digest: digest(letter),
            bytes: bytes * MIB,
            of: 128 * MIB,
        };
        assert_eq!(tally.take(&uploading('d', 60), seconds(3)), None);
        assert_eq!(
            tally.take(&uploading('e', 60), seconds(6)).unwrap(),
            "sending: 120.0 of 256.0 MiB, 24.0 MiB/s, 6 s left"
        );
        assert_eq!(
            tally.take(&uploading('e', 61), seconds(7)),
            None,
            "every five seconds"
        );
        assert_eq!(
            tally.take(
                &Progress::Uploaded {
                    digest: digest('d'),
                    bytes: 128 * MIB
                },
                seconds(8)
            ),
            None
        );
        assert_eq!(
            tally.take(&uploading('e', 128), seconds(11)).unwrap(),
            "sending: 256.0 of 256.0 MiB, 27.2 MiB/s, 1 s left"
        );
        tally.take(
            &Progress::Uploaded {
                digest: digest('e'),
                bytes: 128 * MIB,
            },
            seconds(12),
        );
        assert_eq!((tally.mounted(), tally.skipped()), (4 * MIB, 40 * MIB));
    }

    #[test]
    fn a_connection_that_hangs_is_told_without_a_guess() {
        let mut tally = Tally::default();
        tally.take(
            &Progress::Ready {
                blobs: 1,
                bytes: 10 * MIB,
            },
            seconds(0),
        );
        let stuck = Progress::Uploading {
            digest: digest('a'),
            bytes: 2 * MIB,
            of: 10 * MIB,
        };
        assert_eq!(
            tally.take(&stuck, seconds(5)).unwrap(),
            "sending: 2.0 of 10.0 MiB, 0.4 MiB/s, 20 s left"
        );
        assert_eq!(
            tally.take(&stuck, seconds(10)).unwrap(),
            "sending: 2.0 of 10.0 MiB, nothing moved since the last line"
        );
    }

    #[test]
    fn waiting_is_told_at_once() {
        let waiting = Progress::Waiting {
            pause: Duration::from_millis(300),
            reason: "the registry is busy".into(),
        };
        assert_eq!(
            Tally::default().take(&waiting, seconds(0)).unwrap(),
            "the registry is busy; trying again in 1 s"
        );
    }
}
