//! Random schedules: whatever fails, whoever else acts, and whenever the run ends, production is on
//! one side, nothing of ours is left, and no word of the run is untrue.
//!
//! The product's own engine runs in this process, with a stage for every schedule. `make schedules
//! N=20000` plays more, `SEED=` plays the same again, `SCHEDULE=` plays one of them alone.

mod event_log;
mod judge;
mod play;
mod random;
mod schedule;
mod somebody;
mod traffic;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::harness::AUTHORITY;
use play::{Played, Ran};
use random::Random;
use schedule::Schedule;

const SERVICE: &str = "api";
/// As many as `make test` has time for.
const SCHEDULES: u64 = 500;
/// The seed unless another is given: a failure in somebody's build shall be the same for everybody.
const SEED: u64 = 20_261_121;
/// They wait more than they compute.
const AT_ONCE: usize = 12;
/// As much as the main thread of the product has, and what the stage needs besides: unoptimized
/// futures are large.
const STACK: usize = 32 << 20;
/// Nothing is there: every call goes through the proxy setting, which leads to the schedule's own
/// stage.
const ENDPOINT: &str = "http://aws.invalid";

/// A run that takes longer is reported: it was waiting for something that did not come.
const LONG: Duration = Duration::from_secs(30);

/// What users asked in all schedules: one that is over at once may see none.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// How many schedules ended how.
type Ends = BTreeMap<&'static str, u64>;
/// How those ended that broke a promise.
const BROKEN: &str = "BROKEN";

#[expect(clippy::disallowed_methods, reason = "a test asks its own environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value} is not a number"))
    })
}

/// The SDK reads its endpoint and its credentials from the process's environment, so the schedules
/// have a process of their own.
#[test]
fn every_random_schedule_ends_on_one_side_and_tells_the_truth() {
    if variable("AWS_ENDPOINT_URL").as_deref() == Some(ENDPOINT) {
        return schedules();
    }
    let own = ["SCHEDULES", "SEED", "SCHEDULE"]
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)));
    let aws = [
        ("AWS_ENDPOINT_URL", ENDPOINT),
        ("AWS_ACCESS_KEY_ID", "stage"),
        ("AWS_SECRET_ACCESS_KEY", "stage"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nonexistent"),
        AUTHORITY,
    ];
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let name = "schedules::every_random_schedule_ends_on_one_side_and_tells_the_truth";
    command
        .args([name, "--exact", "--nocapture"])
        .env_clear()
        .envs(own)
        .envs(aws);
    assert!(
        command.status().expect("this program again").success(),
        "a promise broke: see above"
    );
}

fn schedules() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seed = number("SEED").unwrap_or(SEED);
    let numbers: Vec<u64> = number("SCHEDULE").map_or_else(
        || (0..number("SCHEDULES").unwrap_or(SCHEDULES)).collect(),
        |one| vec![one],
    );
    let began = tokio::time::Instant::now();
    println!("{} schedules, SEED={seed}", numbers.len());
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let shares = (0..threads).map(|thread| {
        numbers
            .iter()
            .copied()
            .skip(thread)
            .step_by(threads)
            .collect::<Vec<_>>()
    });
    let worker = || std::thread::Builder::new().stack_size(STACK);
    let workers: Vec<_> = shares
        .map(|share| {
            worker()
                .spawn(move || work(seed, &share))
                .expect("a thread")
        })
        .collect();
    let mut ends = Ends::new();
    for (end, count) in workers
        .into_iter()
        .flat_map(|worker| worker.join().expect("a share of the schedules"))
    {
        *ends.entry(end).or_default() += count;
    }
    let broken = ends.get(BROKEN).copied().unwrap_or_default();
    let requests = REQUESTS.load(Ordering::Relaxed);
    println!(
        "{} schedules in {:.0} s, with {requests} requests of users: {ends:?}",
        numbers.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(requests > numbers.len() as u64, "nobody used the services");
    assert_eq!(broken, 0, "schedules broke a promise: SEED={seed}");
}

/// Plays a share of them on this thread.
fn work(seed: u64, share: &[u64]) -> Ends {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let played = stream::iter(share.iter().copied())
        .map(|number| Box::pin(one(seed, number)))
        .buffer_unordered(AT_ONCE);
    runtime.block_on(played.fold(Ends::new(), async |mut ends, end| {
        *ends.entry(end).or_default() += 1;
        ends
    }))
}

/// How a schedule ended. One that broke a promise is reported, so that it can be played alone.
async fn one(seed: u64, number: u64) -> &'static str {
    let began = tokio::time::Instant::now();
    let schedule = Schedule::draw(&mut Random::of(seed, number));
    let Ok(played) = AssertUnwindSafe(play::play(&schedule)).catch_unwind().await else {
        println!("\nSEED={seed} SCHEDULE={number}: a panic in {schedule:#?}");
        return BROKEN;
    };
    REQUESTS.fetch_add(played.users.requests, Ordering::Relaxed);
    let broken = judge::judge(&schedule, &played);
    if began.elapsed() > LONG {
        println!(
            "SCHEDULE={number} took {:.0} s: {:?}",
            began.elapsed().as_secs_f64(),
            played.first.ending.as_ref().map(|ending| &ending.sentence)
        );
    }
    if !broken.is_empty() || variable("SCHEDULE").is_some() {
        tell(seed, number, &schedule, &played, &broken);
    }
    played.stage.shutdown().await;
    match &played.first.ending {
        _ if !broken.is_empty() => BROKEN,
        Some(ending) => ending.outcome.word(),
        None => "killed",
    }
}

fn tell(seed: u64, number: u64, schedule: &Schedule, played: &Played, broken: &[String]) {
    let of = |name: &'static str, ran: &Ran| -> Vec<(i64, String)> {
        ran.log
            .events()
            .into_iter()
            .map(|(at, event)| (at, format!("{name} {event:?}")))
            .collect()
    };
    let mut events = of("run  ", &played.first);
    events.extend(played.second.iter().flat_map(|second| of("other", second)));
    let moments = played.stage.timeline().into_iter().map(|moment| {
        (
            moment.at_ms,
            format!("aws   {}: {}", moment.subject, moment.state),
        )
    });
    let calls = played.stage.ledger().into_iter().map(|call| {
        (
            call.at_ms,
            format!(
                "call  {} → {} {}: {}",
                call.operation,
                call.status,
                call.code.unwrap_or_default(),
                call.request
            ),
        )
    });
    let mut timeline: Vec<(i64, String)> = events.into_iter().chain(moments).chain(calls).collect();
    timeline.sort_by_key(|(at, _)| *at);
    let began = timeline.first().map_or(0, |(at, _)| *at);
    let lines: Vec<String> = timeline
        .into_iter()
        .map(|(at, line)| format!("{:>6} {line}", at - began))
        .collect();
    println!(
        "\nSEED={seed} SCHEDULE={number}\n{}\n{schedule:#?}\nended: {:?}\nposts: {:?}\nthe other run: {:?}\nothers: {:?}\n{}",
        broken.join("\n"),
        played.first.ending,
        played.first.posts,
        played
            .second
            .as_ref()
            .map(|second| (&second.ending, &second.posts)),
        played.somebody.calls(),
        lines.join("\n")
    );
}
