use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::*;
use crate::event::RunEnd;
use crate::outcome::{Outcome, Reason};
use crate::report::Report;
use crate::sinks::background::Background;
use crate::sinks::sink::RemoteSink;

type Received = Arc<Mutex<Vec<Stamped>>>;

/// Keeps the events it receives.
struct MemorySink(Received);

impl Sink for MemorySink {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(stamped.clone());
        Ok(())
    }
}

/// What a remote sink does with an event.
#[derive(Clone, Copy)]
enum Behavior {
    Shows,
    Fails,
    Hangs,
    Blocks,
    Panics,
}

/// A remote sink with a deadline of this many milliseconds.
struct FakeRemoteSink<const MS: u64>(Behavior, Received);

impl<const MS: u64> RemoteSink for FakeRemoteSink<MS> {
    const NAME: &'static str = "remote";
    const DEADLINE: Duration = Duration::from_millis(MS);

    async fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        match self.0 {
            Behavior::Shows => tokio::time::sleep(Duration::from_millis(5)).await,
            Behavior::Fails => return Err(SinkError::new("503 Service Unavailable")),
            Behavior::Hangs => std::future::pending().await,
            Behavior::Blocks => std::thread::sleep(Duration::from_mins(1)),
            Behavior::Panics => panic!("a defect of a sink"),
        }
        self.1.lock().unwrap().push(stamped.clone());
        Ok(())
    }
}

fn stamp(event: Event) -> Stamped {
    Stamped { at_ms: 7, event }
}

fn ended_event() -> Event {
    Event::Ended(RunEnd {
        outcome: Outcome::RolledBack,
        reason: Reason::TaskFailed,
        sentence: "blue serves".into(),
    })
}

/// Runs with such a sink: the events that were kept, what the remote sink showed, and how long
/// dispatching and the end took.
fn run_with_sink<const MS: u64>(
    habit: Behavior,
    events: Vec<Event>,
) -> (Vec<Event>, usize, Duration, Duration) {
    let (kept, shown) = (Received::default(), Received::default());
    let mut dispatcher = Dispatcher::new(vec![
        Box::new(MemorySink(Arc::clone(&kept))),
        Box::new(Background::start(FakeRemoteSink::<MS>(
            habit,
            Arc::clone(&shown),
        ))),
    ]);
    let began = Instant::now();
    for event in events {
        dispatcher.dispatch(&stamp(event));
    }
    let (telling, began) = (began.elapsed(), Instant::now());
    dispatcher.finish();
    let ending = began.elapsed();
    let kept = kept.lock().unwrap();
    let kept = kept.iter().map(|kept| kept.event.clone()).collect();
    let shown = shown.lock().unwrap().len();
    (kept, shown, telling, ending)
}

fn sample_events() -> Vec<Event> {
    let undone = |number: usize| Event::Undone {
        what: format!("effect {number}").into(),
    };
    (0..20).map(undone).chain([ended_event()]).collect()
}

#[test]
fn a_sink_that_works_shows_everything_before_the_process_ends() {
    let (kept, shown, _, _) = run_with_sink::<60_000>(Behavior::Shows, sample_events());
    assert_eq!((kept, shown), (sample_events(), 21));
}

#[test]
fn one_that_fails_hangs_blocks_or_has_a_defect_delays_no_rollback_and_changes_no_outcome() {
    let table = [
        (Behavior::Fails, "503 Service Unavailable"),
        (Behavior::Hangs, "it did not finish within 300 ms"),
        (Behavior::Blocks, "it did not finish within 300 ms"),
        (Behavior::Panics, "it ended early"),
    ];
    for (habit, expected) in table {
        let (kept, shown, telling, ending) = run_with_sink::<300>(habit, sample_events());
        let (failed, facts): (Vec<Event>, Vec<Event>) = kept
            .into_iter()
            .partition(|event| matches!(event, Event::SinkFailed { .. }));
        assert_eq!((facts, shown), (sample_events(), 0), "{expected}");
        let why = Event::SinkFailed {
            sink: "remote".into(),
            why: expected.into(),
        };
        assert_eq!(failed, [why]);
        assert!(telling < Duration::from_secs(5), "{expected}: {telling:?}");
        assert!(ending < Duration::from_secs(5), "{expected}: {ending:?}");
    }
}

#[test]
fn the_outcome_is_told_before_anything_is_waited_for() {
    let (kept, _, _, ending) = run_with_sink::<300>(Behavior::Hangs, sample_events());
    let at = kept
        .iter()
        .position(|event| *event == ended_event())
        .unwrap();
    assert!(matches!(kept[at + 1], Event::SinkFailed { .. }) && kept.len() == at + 2);
    assert!(ending >= Duration::from_millis(250), "{ending:?}");
    let report = Report::from_events(&kept.into_iter().map(stamp).collect::<Vec<_>>());
    assert_eq!(report.outcome, Some(Outcome::RolledBack));
    assert_eq!(report.warnings.len(), 0);
}

#[test]
fn a_local_sink_that_fails_says_so_once_and_the_others_go_on() {
    struct Full;
    impl Sink for Full {
        fn name(&self) -> &'static str {
            "file"
        }

        fn handle_event(&mut self, _: &Stamped) -> Result<(), SinkError> {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            Err(SinkError::from_io(&full))
        }
    }
    let kept = Received::default();
    let mut dispatcher = Dispatcher::new(vec![
        Box::new(Full),
        Box::new(MemorySink(Arc::clone(&kept))),
    ]);
    dispatcher.dispatch(&stamp(Event::Signalled));
    dispatcher.dispatch(&stamp(ended_event()));
    dispatcher.finish();
    let kept: Vec<Event> = kept
        .lock()
        .unwrap()
        .iter()
        .map(|kept| kept.event.clone())
        .collect();
    let why = "it cannot be written: no storage space".into();
    let sink = "file".into();
    assert_eq!(
        kept,
        [
            Event::Signalled,
            Event::SinkFailed { sink, why },
            ended_event()
        ]
    );
}

#[test]
fn after_a_signal_a_second_is_enough() {
    struct Slow;
    impl RemoteSink for Slow {
        const NAME: &'static str = "slow";
        const DEADLINE: Duration = Duration::from_mins(1);

        async fn handle_event(&mut self, _: &Stamped) -> Result<(), SinkError> {
            std::future::pending().await
        }
    }
    let began = Instant::now();
    let mut dispatcher = Dispatcher::new(vec![Box::new(Background::start(Slow))]);
    dispatcher.dispatch(&stamp(Event::Signalled));
    dispatcher.finish();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
