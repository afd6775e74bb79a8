//! PURE: sums up what a transfer reports: every few seconds how much of it is done, how fast it is,
//! how long it still takes.
//!
//! The whole transfer is one number, not a bar for every layer: four layers at once would be four
//! lines that nobody reads.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::duration::HumanDuration;
use crate::registry::Progress;

/// A line at most this often: enough to see that it moves.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The sums of what the transfer has reported so far.
#[derive(Debug, Default)]
pub(super) struct TransferTally {
    total: u64,
    skipped: u64,
    mounted: u64,
    uploaded: u64,
    uploading: BTreeMap<String, u64>,
    last_line: Option<LastLine>,
}

/// When the last line was due, and how far it was then.
#[derive(Debug, Clone, Copy)]
struct LastLine {
    elapsed: Duration,
    bytes: u64,
}

impl TransferTally {
    /// Adds a report that came `elapsed` after the transfer began; a line, when one is due.
    pub(super) fn record(&mut self, progress: &Progress, elapsed: Duration) -> Option<String> {
        match progress {
            Progress::Reading { bytes, of } => {
                return self
                    .rate_if_due(*bytes, elapsed)
                    .map(|rate| format_reading(*bytes, *of, rate));
            }
            Progress::Ready { bytes, .. } => {
                (self.total, self.last_line) = (*bytes, Some(LastLine { elapsed, bytes: 0 }));
            }
            Progress::Existing { bytes, .. } => self.skipped += bytes,
            Progress::Mounted { bytes, .. } => self.mounted += bytes,
            Progress::Uploading { digest, bytes, .. } => {
                self.uploading.insert(digest.to_string(), *bytes);
            }
            Progress::Uploaded { digest, bytes } => {
                self.uploading.remove(digest.as_str());
                self.uploaded += bytes;
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
        let (done, of) = (self.sent_bytes(), self.bytes_to_send());
        if done == 0 {
            None
        } else {
            self.rate_if_due(done, elapsed)
                .map(|rate| format_sending(done, of, rate))
        }
    }

    /// Bytes that the registry has already, by this and by former pushes.
    pub(super) fn skipped_bytes(&self) -> u64 {
        self.total
            .saturating_sub(self.mounted)
            .saturating_sub(self.uploaded)
    }

    /// Bytes that the registry mounted from another repository.
    pub(super) fn mounted_bytes(&self) -> u64 {
        self.mounted
    }

    fn sent_bytes(&self) -> u64 {
        self.uploaded + self.uploading.values().sum::<u64>()
    }

    /// It shrinks as the registry says what it has.
    fn bytes_to_send(&self) -> u64 {
        self.total
            .saturating_sub(self.skipped)
            .saturating_sub(self.mounted)
            .max(self.sent_bytes())
    }

    /// Bytes a second since the last line, when the next one is due. A recent rate shows a
    /// connection that has become slow.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a tenth of a mebibyte is precise enough for people"
    )]
    fn rate_if_due(&mut self, bytes: u64, elapsed: Duration) -> Option<f64> {
        let last_line = *self.last_line.get_or_insert(LastLine { elapsed, bytes });
        let passed = elapsed.saturating_sub(last_line.elapsed);
        if passed < LINE_INTERVAL {
            return None;
        }
        self.last_line = Some(LastLine { elapsed, bytes });
        Some(bytes.saturating_sub(last_line.bytes) as f64 / passed.as_secs_f64())
    }
}

fn format_reading(bytes: u64, of: u64, rate: f64) -> String {
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
fn format_sending(done: u64, of: u64, rate: f64) -> String {
    let begin = format!("sending: {} of {} MiB", Mib(done), Mib(of));
    if rate < 1.0 {
        return format!("{begin}, nothing moved since the last line");
    }
    let left = Duration::from_secs(((of.saturating_sub(done) as f64 / rate).ceil() as u64).max(1));
    format!(
        "{begin}, {} MiB/s, {} left",
        PerSecond(rate),
        HumanDuration(left)
    )
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
        let mut tally = TransferTally::default();
        let ready = Progress::Ready {
            blobs: 4,
            bytes: 300 * MIB,
        };
        assert_eq!(tally.record(&ready, seconds(1)), None);
        assert_eq!(
            tally.record(
                &Progress::Existing {
                    digest: digest('b'),
                    bytes: 40 * MIB
                },
                seconds(1)
            ),
            None
        );
        assert_eq!(
            tally.record(
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
        assert_eq!(tally.record(&uploading('d', 60), seconds(3)), None);
        assert_eq!(
            tally.record(&uploading('e', 60), seconds(6)).unwrap(),
            "sending: 120.0 of 256.0 MiB, 24.0 MiB/s, 6 s left"
        );
        assert_eq!(
            tally.record(&uploading('e', 61), seconds(7)),
            None,
            "every five seconds"
        );
        assert_eq!(
            tally.record(
                &Progress::Uploaded {
                    digest: digest('d'),
                    bytes: 128 * MIB
                },
                seconds(8)
            ),
            None
        );
        assert_eq!(
            tally.record(&uploading('e', 128), seconds(11)).unwrap(),
            "sending: 256.0 of 256.0 MiB, 27.2 MiB/s, 1 s left"
        );
        tally.record(
            &Progress::Uploaded {
                digest: digest('e'),
                bytes: 128 * MIB,
            },
            seconds(12),
        );
        assert_eq!(
            (tally.mounted_bytes(), tally.skipped_bytes()),
            (4 * MIB, 40 * MIB)
        );
    }

    #[test]
    fn a_connection_that_hangs_is_told_without_a_guess() {
        let mut tally = TransferTally::default();
        tally.record(
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
            tally.record(&stuck, seconds(5)).unwrap(),
            "sending: 2.0 of 10.0 MiB, 0.4 MiB/s, 20 s left"
        );
        assert_eq!(
            tally.record(&stuck, seconds(10)).unwrap(),
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
            TransferTally::default()
                .record(&waiting, seconds(0))
                .unwrap(),
            "the registry is busy; trying again in 1 s"
        );
    }
}
