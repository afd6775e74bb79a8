//! A sink that needs time or the network, behind the run's back: it has a thread of its own, so
//! that not even one that blocks can hold a rollback up.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use crate::duration::Human;
use crate::event::Stamped;
use crate::sinks::sink::{RemoteSink, Sink, SinkError};

/// How the threads of sinks are called.
const THREAD: &str = "sink";

/// Hands events over, and takes errors back.
pub struct Background {
    name: &'static str,
    deadline: Duration,
    events: Option<Sender<Stamped>>,
    news: Receiver<News>,
    finished: Instant,
}

/// What the thread says.
enum News {
    Failed(SinkError),
    Done,
}

impl Background {
    /// Starts it.
    pub fn start<S: RemoteSink>(sink: S) -> Self {
        let (events, inbox) = mpsc::channel();
        let (outbox, news) = mpsc::channel();
        // Where no thread can be started, the outbox is gone, and that is what is said in the end.
        let _ = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || work(sink, &inbox, &outbox));
        Self {
            name: S::NAME,
            deadline: S::DEADLINE,
            events: Some(events),
            news,
            finished: Instant::now(),
        }
    }
}

impl Sink for Background {
    fn name(&self) -> &'static str {
        self.name
    }

    fn take(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        if let Some(events) = &self.events {
            let _ = events.send(stamped.clone()); // one that has ended is told of in the end
        }
        match self.news.try_recv() {
            Ok(News::Failed(error)) => Err(error),
            Ok(News::Done) | Err(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        (self.events, self.finished) = (None, Instant::now());
        Ok(())
    }

    fn wait(&mut self, longest: Duration) -> Result<(), SinkError> {
        let deadline = self.deadline.min(longest);
        let mut first = Ok(());
        loop {
            let left = deadline.saturating_sub(self.finished.elapsed());
            let error = match self.news.recv_timeout(left) {
                Ok(News::Done) => return first,
                Ok(News::Failed(error)) => {
                    first = first.and(Err(error));
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {
                    SinkError::new(&format!("it was not done within {}", Human(deadline)))
                }
                Err(RecvTimeoutError::Disconnected) => SinkError::new("it ended before its time"),
            };
            return first.and(Err(error));
        }
    }
}

fn work<S: RemoteSink>(mut sink: S, inbox: &Receiver<Stamped>, outbox: &Sender<News>) {
    let say = |shown: Result<(), SinkError>| {
        if let Err(error) = shown {
            let _ = outbox.send(News::Failed(error)); // nobody waits any more
        }
    };
    match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            for stamped in inbox {
                say(runtime.block_on(sink.take(&stamped)));
            }
            say(runtime.block_on(sink.finish()));
        }
        Err(error) => say(Err(SinkError::new(&format!("it cannot start: {error}")))),
    }
    let _ = outbox.send(News::Done);
}

/// A defect of a sink is none of the run: its thread stops here, and its deadline says the rest.
/// Called by whoever handles panics; returns on every other thread.
pub fn stop_if_sink() {
    while thread::current().name() == Some(THREAD) {
        thread::park();
    }
}
