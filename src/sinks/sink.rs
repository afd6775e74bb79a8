//! Receives the events of a run and makes something readable of them: a log, a file, a message.
//!
//! What is written on this machine is a [`Sink`]. What needs time or the network is a
//! [`RemoteSink`], which [`Background`](super::background::Background) turns into a sink.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::event::Stamped;
use crate::text::Text;

/// Handles events on the run's thread, which is blocked meanwhile: it must not wait.
///
/// It cannot change an outcome: its errors are logged, and the run continues.
pub trait Sink: Send {
    /// The name in messages about its errors.
    fn name(&self) -> &'static str;

    /// Handles an event.
    ///
    /// # Errors
    ///
    /// This event, or an earlier one, could not be shown.
    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError>;

    /// Called after the last event. It must not wait either.
    ///
    /// # Errors
    ///
    /// What was left could not be shown.
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Waits until everything is shown, after every sink was told to finish.
    ///
    /// # Errors
    ///
    /// Not everything was shown within its own deadline or `max_wait`, whichever is shorter.
    fn wait(&mut self, _max_wait: Duration) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Handles events in the background, on its own thread and runtime: it may wait for the network,
/// fail and hang. The run does not wait for it before the outcome is reported.
pub trait RemoteSink: Send + 'static {
    /// The name in messages about its errors.
    const NAME: &'static str;

    /// How long the process waits for this sink after the outcome; what it has not sent by then is
    /// lost.
    const DEADLINE: Duration;

    /// Handles an event; events arrive one after the other.
    fn handle_event(&mut self, stamped: &Stamped) -> impl Future<Output = Result<(), SinkError>>;

    /// Called after the last event.
    fn finish(&mut self) -> impl Future<Output = Result<(), SinkError>> {
        std::future::ready(Ok(()))
    }
}

/// Why a sink did not show everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkError(Text);

impl SinkError {
    /// An error with the message of the service that refused.
    pub fn new(words: &str) -> Self {
        Self(Text::from_outside(words))
    }

    /// The error of writing a file of the runner.
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
