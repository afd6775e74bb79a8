//! Gives every event to every sink, and says in the log what one of them could not show.
//!
//! A sink cannot change an outcome, because nothing of the run asks how it did; it cannot delay a
//! rollback, because no remote one is waited for before the outcome is said.

use std::time::Duration;

use crate::event::{Event, Stamped};
use crate::outcome::Reason;
use crate::sinks::sink::{Sink, SinkError};

/// A run that was told to stop has seconds, and its post step follows.
const SIGNALLED: Duration = Duration::from_secs(1);

/// The sinks of a process.
pub struct Dispatcher {
    sinks: Vec<WatchedSink>,
    longest: Duration,
    at_ms: u64,
}

/// A sink, and whether an error of it was said.
struct WatchedSink {
    sink: Box<dyn Sink>,
    has_failed: bool,
}

impl WatchedSink {
    /// Its first error, as an event: of one that cannot show anything, one line is enough.
    fn first_error(&mut self, shown: Result<(), SinkError>) -> Option<Event> {
        let error = shown.err().filter(|_| !self.has_failed)?;
        self.has_failed = true;
        Some(Event::SinkFailed {
            sink: self.sink.name().to_owned(),
            why: error.to_string().into(),
        })
    }
}

impl Dispatcher {
    /// A dispatcher to these, in this order.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        let watched = |sink| WatchedSink {
            sink,
            has_failed: false,
        };
        Self {
            sinks: sinks.into_iter().map(watched).collect(),
            longest: Duration::MAX,
            at_ms: 0,
        }
    }

    /// Gives an event to all of them.
    pub fn take(&mut self, stamped: &Stamped) {
        self.at_ms = stamped.at_ms;
        if is_in_haste(&stamped.event) {
            self.longest = SIGNALLED;
        }
        self.each(|sink| sink.take(stamped));
    }

    /// Nothing more comes: what is left is written first, and what is under way waited for.
    pub fn finish(&mut self) {
        self.each(|sink| sink.finish());
        let longest = self.longest;
        self.each(|sink| sink.wait(longest));
    }

    fn each(&mut self, how: impl Fn(&mut dyn Sink) -> Result<(), SinkError>) {
        let mut failed = Vec::new();
        for watched in &mut self.sinks {
            let shown = how(watched.sink.as_mut());
            failed.extend(watched.first_error(shown));
        }
        for event in failed {
            self.say(event);
        }
    }

    /// To those that work: an error of telling an error is told to nobody.
    fn say(&mut self, event: Event) {
        let at_ms = self.at_ms;
        let stamped = Stamped { at_ms, event };
        for watched in self.sinks.iter_mut().filter(|watched| !watched.has_failed) {
            let _ = watched.sink.take(&stamped);
        }
    }
}

/// Whether the runner kills the process soon.
fn is_in_haste(event: &Event) -> bool {
    matches!(event, Event::Signalled)
        || matches!(event, Event::Ended(end) if end.reason == Reason::Cancelled)
}

#[cfg(test)]
mod tests;
