//! Cancellation of a run: triggered once, seen by all its tests.

use tokio::sync::watch;

/// Whether the run is cancelled.
pub(super) struct Cancellation(watch::Sender<bool>);

impl Cancellation {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Cancels the run: no further attempt starts, except for clean-up steps.
    pub(super) fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the run is cancelled.
    pub(super) async fn wait(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self
            .0
            .subscribe()
            .wait_for(|is_cancelled| *is_cancelled)
            .await;
    }
}
