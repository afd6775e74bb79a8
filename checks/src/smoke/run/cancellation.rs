//! The end of a run before its time: said once, heard by all.

use tokio::sync::watch;

/// Whether the run goes on.
pub(super) struct Cancellation(watch::Sender<bool>);

impl Cancellation {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Nothing that was not begun begins any more, except clean-up.
    pub(super) fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is said.
    pub(super) async fn wait(&self) {
        // The sender lives as long as `self`: there is no other way to end than to hear it.
        let _ = self
            .0
            .subscribe()
            .wait_for(|is_cancelled| *is_cancelled)
            .await;
    }
}
