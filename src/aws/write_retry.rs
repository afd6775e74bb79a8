//! A throttled write is sent again, because AWS has not processed it. Decides for how long, and who
//! is notified.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{AwsError, AwsErrorKind, add_jitter};

/// How long a throttled write is repeated. ECS accepts one registration a second per account: two
/// hundred simultaneous deployments are through after some minutes.
const RETRY_BUDGET: Duration = Duration::from_mins(10);
/// The first pause, which doubles, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
const LONGEST_PAUSE: Duration = Duration::from_secs(12);
/// How often the log says that the run still waits.
const NOTICE_INTERVAL: Duration = Duration::from_secs(10);

/// Called with the action that is throttled, and for how long.
pub type ThrottleNotice = Box<dyn Fn(&'static str, Duration) + Send + Sync>;

/// How throttled writes are repeated.
#[derive(Default)]
pub(super) struct WriteRetry {
    /// How often one is sent in all; without a number, until [`RETRY_BUDGET`] is used up.
    attempts: Option<u32>,
    undoing: AtomicUsize,
    notice: OnceLock<ThrottleNotice>,
}

impl fmt::Debug for WriteRetry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WriteRetry")
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl WriteRetry {
    pub(super) fn new(attempts: Option<u32>) -> Self {
        Self {
            attempts,
            ..Self::default()
        }
    }

    /// Sets what is called every ten seconds while a write waits.
    pub(super) fn set_notice(&self, notice: ThrottleNotice) {
        let _ = self.notice.set(notice); // there is one listener
    }

    /// Writes that undo something are retried without the limit of `attempts`: giving up would
    /// leave the change in place.
    pub(super) fn begin_undoing(&self) {
        self.undoing.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_undoing(&self) {
        self.undoing.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sends a write, and repeats it only while AWS throttles it.
    pub(super) async fn send<T, F: Future<Output = Result<T, AwsError>>>(
        &self,
        send: impl Fn() -> F,
    ) -> Result<T, AwsError> {
        let (began, throttled) = (Instant::now(), OnceLock::new());
        let mut sending = std::pin::pin!(self.repeat(send, began, &throttled));
        loop {
            tokio::select! {
                biased;
                answered = sending.as_mut() => return answered,
                () = tokio::time::sleep(NOTICE_INTERVAL) => self.notify(throttled.get(), began),
            }
        }
    }

    async fn repeat<T, F: Future<Output = Result<T, AwsError>>>(
        &self,
        send: impl Fn() -> F,
        began: Instant,
        throttled: &OnceLock<&'static str>,
    ) -> Result<T, AwsError> {
        let (mut sent, mut pause) = (0, FIRST_PAUSE);
        loop {
            let error = match send().await {
                Err(error) if error.kind == AwsErrorKind::Throttled => error,
                answered => return answered,
            };
            sent += 1;
            if self.is_exhausted(sent) || began.elapsed() >= RETRY_BUDGET {
                return Err(error);
            }
            throttled.get_or_init(|| error.action);
            tokio::time::sleep(add_jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn is_exhausted(&self, sent: u32) -> bool {
        self.undoing.load(Ordering::Relaxed) == 0
            && self.attempts.is_some_and(|attempts| sent >= attempts)
    }

    fn notify(&self, action: Option<&&'static str>, began: Instant) {
        if let (Some(notice), Some(action)) = (self.notice.get(), action) {
            notice(action, began.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Runs a write that AWS throttles so many times: how often it was sent, whether it succeeded,
    /// and which notices were given.
    async fn send_throttled(
        retry: &WriteRetry,
        times: usize,
    ) -> (usize, bool, Vec<(&'static str, u64)>) {
        let (sent, told) = (AtomicUsize::new(0), Arc::<Mutex<Vec<_>>>::default());
        let hears = Arc::clone(&told);
        retry.set_notice(Box::new(move |action, since| {
            hears.lock().unwrap().push((action, since.as_secs()));
        }));
        let answered = retry
            .send(async || {
                let kind = if sent.fetch_add(1, Ordering::Relaxed) < times {
                    AwsErrorKind::Throttled
                } else {
                    return Ok(());
                };
                Err(AwsError {
                    action: "ecs:UpdateService",
                    kind,
                    code: "ThrottlingException".into(),
                    message: String::new(),
                })
            })
            .await;
        let told = told.lock().unwrap().clone();
        (sent.into_inner(), answered.is_ok(), told)
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_throttling_is_told_every_ten_seconds() {
        let (sent, got_through, told) = send_throttled(&WriteRetry::new(None), 12).await;
        assert_eq!((sent, got_through), (13, true));
        let expected: Vec<_> = (1..=told.len() as u64)
            .map(|nth| ("ecs:UpdateService", nth * 10))
            .collect();
        assert!(told.len() >= 4 && told == expected, "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_is_always_throttled_ends_after_ten_minutes() {
        let began = Instant::now();
        assert!(!send_throttled(&WriteRetry::new(None), usize::MAX).await.1);
        assert!(
            (600..630).contains(&began.elapsed().as_secs()),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_attempts_holds_for_writes_but_not_while_something_is_undone() {
        for attempts in [1, 3] {
            let (sent, got_through, _) = send_throttled(&WriteRetry::new(Some(attempts)), 5).await;
            assert_eq!((sent, got_through), (attempts as usize, false));
        }
        let retry = WriteRetry::new(Some(1));
        retry.begin_undoing();
        assert_eq!(send_throttled(&retry, 5).await.0, 6);
        retry.end_undoing();
        assert_eq!(send_throttled(&retry, 5).await.0, 1);
    }
}
