use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::*;
use crate::event::RunEnd;
use crate::outcome::{Outcome, Reason};
use crate::report::Report;
use crate::sinks::background::Background;
use crate::sinks::sink::RemoteSink;

type Taken = Arc<Mutex<Vec<Stamped>>>;

/// Keeps what it takes.
struct Kept(Taken);

impl Sink for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn take(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(stamped.clone());
        Ok(())
    }
}

/// What a remote sink does with an event.
#[derive(Clone, Copy)]
enum Habit {
    Shows,
    Fails,
    Hangs,
    Blocks,
    Panics,
}

/// One that has this many milliseconds.
struct Remote<const MS: u64>(Habit, Taken);

impl<const MS: u64> RemoteSink for Remote<MS> {
    const NAME: &'static str = "remote";
    const DEADLINE: Duration = Duration::from_millis(MS);

    async fn take(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        match self.0 {
            Habit::Shows => tokio::time::sleep(Duration::from_millis(5)).await,
            Habit::Fails => return Err(SinkError::new("503 Service Unavailable")),
            Habit::Hangs => std::future::pending().await,
            Habit::Blocks => std::thread::sleep(Duration::from_mins(1)),
            Habit::Panics => panic!("a defect of a sink"),
        }
        self.1.lock().unwrap().push(stamped.clone());
        Ok(())
    }
}

fn stamped(event: Event) -> Stamped {
    Stamped { at_ms: 7, event }
}

fn ended() -> Event {
    Event::Ended(RunEnd {
        outcome: Outcome::RolledBack,
        reason: Reason::TaskFailed,
        sentence: "blue serves".into(),
    })
}

/// What a run with such a sink tells: what was kept, what the remote sink showed, how long the
/// telling and how long the end took.
fn told<const MS: u64>(
    habit: Habit,
    events: Vec<Event>,
) -> (Vec<Event>, usize, Duration, Duration) {
    let (kept, shown) = (Taken::default(), Taken::default());
    let mut dispatcher = Dispatcher::new(vec![
        Box::new(Kept(Arc::clone(&kept))),
        Box::new(Background::start(Remote::<MS>(habit, Arc::clone(&shown)))),
    ]);
    let began = Instant::now();
    for event in events {
        dispatcher.take(&stamped(event));
    }
    let (telling, began) = (began.elapsed(), Instant::now());
    dispatcher.finish();
    let ending = began.elapsed();
    let kept = kept.lock().unwrap();
    let kept = kept.iter().map(|kept| kept.event.clone()).collect();
    let shown = shown.lock().unwrap().len();
    (kept, shown, telling, ending)
}

fn line_of_events() -> Vec<Event> {
    let undone = |number: usize| Event::Undone {
        what: format!("effect {number}").into(),
    };
    (0..20).map(undone).chain([ended()]).collect()
}

#[test]
fn a_sink_that_works_shows_everything_before_the_process_ends() {
    let (kept, shown, _, _) = told::<60_000>(Habit::Shows, line_of_events());
    assert_eq!((kept, shown), (line_of_events(), 21));
}

#[test]
fn one_that_fails_hangs_blocks_or_has_a_defect_delays_no_rollback_and_changes_no_outcome() {
    let table = [
        (Habit::Fails, "503 Service Unavailable"),
        (Habit::Hangs, "it was not done within 300 ms"),
        (Habit::Blocks, "it was not done within 300 ms"),
        (Habit::Panics, "it ended before its time"),
    ];
    for (habit, expected) in table {
        let (kept, shown, telling, ending) = told::<300>(habit, line_of_events());
        let (failed, facts): (Vec<Event>, Vec<Event>) = kept
            .into_iter()
            .partition(|event| matches!(event, Event::SinkFailed { .. }));
        assert_eq!((facts, shown), (line_of_events(), 0), "{expected}");
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
    let (kept, _, _, ending) = told::<300>(Habit::Hangs, line_of_events());
    let at = kept.iter().position(|event| *event == ended()).unwrap();
    assert!(matches!(kept[at + 1], Event::SinkFailed { .. }) && kept.len() == at + 2);
    assert!(ending >= Duration::from_millis(250), "{ending:?}");
    let report = Report::of(&kept.into_iter().map(stamped).collect::<Vec<_>>());
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

        fn take(&mut self, _: &Stamped) -> Result<(), SinkError> {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            Err(SinkError::unwritten(&full))
        }
    }
    let kept = Taken::default();
    let mut dispatcher = Dispatcher::new(vec![Box::new(Full), Box::new(Kept(Arc::clone(&kept)))]);
    dispatcher.take(&stamped(Event::Signalled));
    dispatcher.take(&stamped(ended()));
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
        [Event::Signalled, Event::SinkFailed { sink, why }, ended()]
    );
}

#[test]
fn after_a_signal_a_second_is_enough() {
    struct Slow;
    impl RemoteSink for Slow {
        const NAME: &'static str = "slow";
        const DEADLINE: Duration = Duration::from_mins(1);

        async fn take(&mut self, _: &Stamped) -> Result<(), SinkError> {
            std::future::pending().await
        }
    }
    let began = Instant::now();
    let mut dispatcher = Dispatcher::new(vec![Box::new(Background::start(Slow))]);
    dispatcher.take(&stamped(Event::Signalled));
    dispatcher.finish();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
