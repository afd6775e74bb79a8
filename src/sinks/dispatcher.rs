//! Gives every event to every sink, and reports sinks that fail in the log.
//!
//! A sink cannot change the outcome, because the run never looks at a sink's result. It cannot
//! delay a rollback, because remote sinks are waited for only after the outcome was reported.

use std::time::Duration;

use crate::event::{Event, Stamped};
use crate::outcome::Reason;
use crate::sinks::sink::{Sink, SinkError};

/// After a signal the runner kills the process within seconds, and the post step still follows.
const MAX_WAIT_ON_SIGNAL: Duration = Duration::from_secs(1);

/// The sinks of a process.
pub struct Dispatcher {
    sinks: Vec<WatchedSink>,
    max_wait: Duration,
    at_ms: u64,
}

/// A sink, and whether an error of it was reported already.
struct WatchedSink {
    sink: Box<dyn Sink>,
    has_failed: bool,
}

impl WatchedSink {
    /// The event for the sink's first error; later errors of the same sink are not reported.
    fn first_error(&mut self, result: Result<(), SinkError>) -> Option<Event> {
        let error = result.err().filter(|_| !self.has_failed)?;
        self.has_failed = true;
        Some(Event::SinkFailed {
            sink: self.sink.name().to_owned(),
            why: error.to_string().into(),
        })
    }
}

impl Dispatcher {
    /// A dispatcher that gives events to these sinks, in this order.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        let watched = |sink| WatchedSink {
            sink,
            has_failed: false,
        };
        Self {
            sinks: sinks.into_iter().map(watched).collect(),
            max_wait: Duration::MAX,
            at_ms: 0,
        }
    }

    /// Gives an event to all sinks.
    pub fn dispatch(&mut self, stamped: &Stamped) {
        self.at_ms = stamped.at_ms;
        if is_shutting_down(&stamped.event) {
            self.max_wait = MAX_WAIT_ON_SIGNAL;
        }
        self.for_each_sink(|sink| sink.handle_event(stamped));
    }

    /// Ends all sinks: first every sink writes what is left, then remote sinks are waited for.
    pub fn finish(&mut self) {
        self.for_each_sink(|sink| sink.finish());
        let max_wait = self.max_wait;
        self.for_each_sink(|sink| sink.wait(max_wait));
    }

    fn for_each_sink(&mut self, action: impl Fn(&mut dyn Sink) -> Result<(), SinkError>) {
        let mut failed = Vec::new();
        for watched in &mut self.sinks {
            let result = action(watched.sink.as_mut());
            failed.extend(watched.first_error(result));
        }
        for event in failed {
            self.report_error(event);
        }
    }

    /// Sends the event to sinks without errors. An error while reporting an error is ignored.
    fn report_error(&mut self, event: Event) {
        let at_ms = self.at_ms;
        let stamped = Stamped { at_ms, event };
        for watched in self.sinks.iter_mut().filter(|watched| !watched.has_failed) {
            let _ = watched.sink.handle_event(&stamped);
        }
    }
}

/// Whether the runner kills the process soon.
fn is_shutting_down(event: &Event) -> bool {
    matches!(event, Event::Signalled)
        || matches!(event, Event::Ended(end) if end.reason == Reason::Cancelled)
}

#[cfg(test)]
mod tests;
