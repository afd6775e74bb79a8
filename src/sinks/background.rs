//! Runs a remote sink on its own thread, so that even a sink that blocks cannot delay a rollback.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use crate::duration::HumanDuration;
use crate::event::Stamped;
use crate::sinks::sink::{RemoteSink, Sink, SinkError};

/// The name of every sink thread; `stop_if_sink` recognizes them by it.
const THREAD_NAME: &str = "sink";

/// Sends events to the sink's thread and receives its errors.
pub struct Background {
    name: &'static str,
    deadline: Duration,
    events: Option<Sender<Stamped>>,
    messages: Receiver<WorkerMessage>,
    finished_at: Instant,
}

/// A message from the sink's thread.
enum WorkerMessage {
    Failed(SinkError),
    Done,
}

impl Background {
    /// Starts the thread of a sink.
    pub fn start<S: RemoteSink>(sink: S) -> Self {
        let (events, inbox) = mpsc::channel();
        let (outbox, messages) = mpsc::channel();
        // If no thread can be started, the outbox is dropped, and `wait` reports the disconnection.
        let _ = thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || run_worker(sink, &inbox, &outbox));
        Self {
            name: S::NAME,
            deadline: S::DEADLINE,
            events: Some(events),
            messages,
            finished_at: Instant::now(),
        }
    }
}

impl Sink for Background {
    fn name(&self) -> &'static str {
        self.name
    }

    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        if let Some(events) = &self.events {
            let _ = events.send(stamped.clone()); // a thread that has ended is reported by `wait`
        }
        match self.messages.try_recv() {
            Ok(WorkerMessage::Failed(error)) => Err(error),
            Ok(WorkerMessage::Done) | Err(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        (self.events, self.finished_at) = (None, Instant::now());
        Ok(())
    }

    fn wait(&mut self, max_wait: Duration) -> Result<(), SinkError> {
        let deadline = self.deadline.min(max_wait);
        let mut first_error = Ok(());
        loop {
            let left = deadline.saturating_sub(self.finished_at.elapsed());
            let error = match self.messages.recv_timeout(left) {
                Ok(WorkerMessage::Done) => return first_error,
                Ok(WorkerMessage::Failed(error)) => {
                    first_error = first_error.and(Err(error));
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => SinkError::new(&format!(
                    "it did not finish within {}",
                    HumanDuration(deadline)
                )),
                Err(RecvTimeoutError::Disconnected) => SinkError::new("it ended early"),
            };
            return first_error.and(Err(error));
        }
    }
}

fn run_worker<S: RemoteSink>(
    mut sink: S,
    inbox: &Receiver<Stamped>,
    outbox: &Sender<WorkerMessage>,
) {
    let report = |result: Result<(), SinkError>| {
        if let Err(error) = result {
            let _ = outbox.send(WorkerMessage::Failed(error)); // nobody waits any more
        }
    };
    match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            for stamped in inbox {
                report(runtime.block_on(sink.handle_event(&stamped)));
            }
            report(runtime.block_on(sink.finish()));
        }
        Err(error) => report(Err(SinkError::new(&format!("it cannot start: {error}")))),
    }
    let _ = outbox.send(WorkerMessage::Done);
}

/// Called by the panic hook. A panic in a sink must not end the run: the sink's thread is parked
/// forever, and its deadline reports the failure. Returns on every other thread.
pub fn stop_if_sink() {
    while thread::current().name() == Some(THREAD_NAME) {
        thread::park();
    }
}
