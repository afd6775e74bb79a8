//! What takes the events of a run and makes of them what somebody reads: a log, a file, a message.
//!
//! What is written on this machine is a [`Sink`]. What needs time or the network is a
//! [`RemoteSink`], which [`Background`](super::background::Background) makes a sink of.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::event::Stamped;
use crate::text::Text;

/// Takes events on the run's own thread: nothing else goes on meanwhile, so it does not wait.
///
/// It cannot change an outcome: an error is said in the log, and the run goes on.
pub trait Sink: Send {
    /// Its name, for what is said of its errors.
    fn name(&self) -> &'static str;

    /// Takes what happened.
    ///
    /// # Errors
    /// It, or an earlier event, could not be shown.
    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError>;

    /// Nothing more comes. It does not wait either.
    ///
    /// # Errors
    /// What was left to be shown could not be.
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Waits until everything is shown, once every sink has been told to finish.
    ///
    /// # Errors
    /// It is not, or not in time; that may be its own deadline, and is never later than `longest`.
    fn wait(&mut self, _max_wait: Duration) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Takes events in the background, on a thread and a runtime of its own: it may wait for the
/// network, fail and hang, and nothing of the run waits for it before its outcome is said.
pub trait RemoteSink: Send + 'static {
    /// Its name, for what is said of its errors.
    const NAME: &'static str;

    /// So long the process waits for it after the outcome; what it has not shown by then is lost.
    const DEADLINE: Duration;

    /// Takes what happened, one event after the other.
    fn handle_event(&mut self, stamped: &Stamped) -> impl Future<Output = Result<(), SinkError>>;

    /// Nothing more comes.
    fn finish(&mut self) -> impl Future<Output = Result<(), SinkError>> {
        std::future::ready(Ok(()))
    }
}

/// Why a sink did not show everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkError(Text);

impl SinkError {
    /// In the words of whoever refused.
    pub fn new(words: &str) -> Self {
        Self(Text::from_outside(words))
    }

    /// A file of the runner could not be written.
    pub fn from_io(error: &io::Error) -> Self {
        Self(format!("it cannot be written: {error}").into())
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl std::error::Error for SinkError {}
