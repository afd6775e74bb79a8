//! The events of a run with the wall clock's times, and waiting for the nth of them.

use std::sync::{Arc, Mutex, PoisonError};

use ecs_bluegreen::event::{Event, Gate, Stamped, Step, StepEnd};
use ecs_bluegreen::undo::Undo;
use tokio::sync::watch;

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    i64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000)
        .unwrap_or_default()
}

/// Takes a run's events and its armed undos.
#[derive(Debug)]
pub(super) struct EventLog {
    events: Mutex<Vec<(i64, Event)>>,
    armed: Mutex<Vec<Undo>>,
    count: watch::Sender<u64>,
}

impl EventLog {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            armed: Mutex::default(),
            count: watch::Sender::new(0),
        })
    }

    pub(super) fn record(&self, stamped: &Stamped) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((now_ms(), stamped.event.clone()));
        self.count.send_modify(|count| *count += 1);
    }

    pub(super) fn keep(&self, armed: &[Undo]) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = armed.to_vec();
    }

    pub(super) fn armed(&self) -> Vec<Undo> {
        self.armed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn events(&self) -> Vec<(i64, Event)> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Until so many events were emitted.
    pub(super) async fn after(&self, events: u64) {
        let _ = self
            .count
            .subscribe()
            .wait_for(|count| *count >= events)
            .await;
    }

    /// When a step was done, if it was.
    pub(super) fn done(&self, wanted: Step) -> Option<i64> {
        let is_done = |event: &Event| matches!(event, Event::StepEnded { step, end: StepEnd::Done, .. } if *step == wanted);
        self.events()
            .into_iter()
            .find(|(_, event)| is_done(event))
            .map(|(at, _)| at)
    }

    /// When a gate was first said to be opened.
    pub(super) fn opened(&self, wanted: Gate) -> Option<i64> {
        self.events()
            .into_iter()
            .find(|(_, event)| matches!(event, Event::GateOpened { gate, .. } if *gate == wanted))
            .map(|(at, _)| at)
    }

    /// The revision that is deployed: where somebody else deployed meanwhile, the last one.
    pub(super) fn ours(&self) -> Option<String> {
        self.events()
            .into_iter()
            .rev()
            .find_map(|(_, event)| match event {
                Event::Revision(revision) => Some(revision.arn.into()),
                _ => None,
            })
    }
}
