//! Load and warm-up against real HTTP servers: both loops, stalls, errors of each kind, bounds, and
//! the end before its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::*;
use crate::measurement::{CheckKind, Phase};
use crate::moment::Moment;
use crate::secret::Secret;
use crate::smoke::{Suite, Values, no_files, parse, test_resources};

/// A keep-alive server that counts, and answers as configured.
#[derive(Default)]
struct Server {
    requests: AtomicU64,
    connections: AtomicU64,
    /// Connections that are open now, and requests that are being answered.
    open: AtomicI64,
    in_flight: AtomicI64,
    max_in_flight: AtomicI64,
    /// From its first request on, between these milliseconds nothing is answered.
    stall: Option<(u64, u64)>,
    /// Each answer takes this long.
    delay: Duration,
    /// Every so manieth answer is a 503.
    fail_every: Option<u64>,
    silent: AtomicBool,
}

async fn serve(server: Server) -> (Url, Arc<Server>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let server = Arc::new(server);
    let serving = server.clone();
    tokio::spawn(async move {
        let begin = Instant::now();
        while let Ok((stream, _)) = listener.accept().await {
            let server = serving.clone();
            tokio::spawn(async move {
                server.connections.fetch_add(1, Ordering::SeqCst);
                server.open.fetch_add(1, Ordering::SeqCst);
                let _ = server.converse(stream, begin).await;
                server.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (url, server)
}

impl Server {
    async fn converse(&self, mut stream: TcpStream, begin: Instant) -> std::io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        while stream.read(&mut buffer).await? > 0 {
            let count = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
            self.max_in_flight.fetch_max(
                self.in_flight.fetch_add(1, Ordering::SeqCst) + 1,
                Ordering::SeqCst,
            );
            let answered = self.delay_answer(&mut stream, begin).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            if !answered {
                return Ok(());
            }
            let status = if self
                .fail_every
                .is_some_and(|every| count.is_multiple_of(every))
            {
                "503 Busy"
            } else {
                "200 OK"
            };
            stream
                .write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok").as_bytes())
                .await?;
        }
        Ok(())
    }

    /// Takes its time; false when the client went away meanwhile.
    async fn delay_answer(&self, stream: &mut TcpStream, begin: Instant) -> bool {
        let now = u64::try_from(begin.elapsed().as_millis()).unwrap();
        let stalled = self
            .stall
            .filter(|(from, to)| (*from..*to).contains(&now))
            .map_or(0, |(_, to)| to - now);
        let pause = if self.silent.load(Ordering::SeqCst) {
            Duration::from_hours(1)
        } else {
            self.delay + Duration::from_millis(stalled)
        };
        tokio::select! {
            () = sleep(pause) => true,
            _ = stream.readable(), if pause > Duration::from_mins(1) => false,
        }
    }
}

fn parse_suite(load: &str) -> Suite {
    parse(
        &format!("load: {{ path: /, {load} }}"),
        "inline",
        test_resources(&no_files),
    )
    .unwrap()
}

async fn run_probe(base: &Url, load: &str) -> LoadResult {
    let values = Values {
        environment: [("TOKEN".to_owned(), Secret::new("hunter2"))].into(),
        ..Values::default()
    };
    run(&parse_suite(load), Moment::Green, base, &values, &|_| ())
        .await
        .remove(0)
}

#[tokio::test]
async fn a_closed_loop_keeps_as_many_under_way_as_it_says_on_as_many_connections() {
    let (base, server) = serve(Server {
        delay: Duration::from_millis(10),
        ..Server::default()
    })
    .await;
    let result = run_probe(&base, "concurrency: 8, for: 500ms, p95: 400ms").await;
    assert_eq!(
        (result.phase, result.note.as_deref(), result.errors.len()),
        (Phase::Successful, None, 0),
        "{result}"
    );
    let (most, connections) = (
        server.max_in_flight.load(Ordering::SeqCst),
        server.connections.load(Ordering::SeqCst),
    );
    assert_eq!(
        (most, result.sent, result.answered),
        (8, server.requests.load(Ordering::SeqCst), result.sent)
    );
    assert!(
        (8..=12).contains(&connections) && (100..=400).contains(&result.sent),
        "{connections} {result}"
    );
    assert!(
        result.latencies.p50 >= 10_000 && (500..800).contains(&result.milliseconds),
        "{result:?}"
    );
    assert_eq!(
        result.histogram.iter().map(|(_, count)| count).sum::<u64>(),
        result.sent
    );
}

#[tokio::test]
async fn an_open_loop_keeps_its_rate_and_reports_itself_as_every_check_does() {
    let (base, server) = serve(Server::default()).await;
    let result = run_probe(
        &base,
        "rate: 200/s, for: 1s, p50: 900ms, headers: { x: '${env.TOKEN}' }",
    )
    .await;
    assert_eq!(
        (
            result.sent,
            server.requests.load(Ordering::SeqCst),
            result.phase
        ),
        (200, 200, Phase::Successful),
        "{result}"
    );
    assert!(
        (990..1500).contains(&result.milliseconds) && (150.0..=201.0).contains(&result.rate),
        "{result:?}"
    );
    let measurement = result.measurement("2026-01-01T00:00:00Z");
    assert_eq!(
        (
            measurement.check.as_str(),
            measurement.kind,
            measurement.moment
        ),
        ("load", CheckKind::Load, Moment::Green)
    );
    assert_eq!(
        (measurement.query.as_str(), measurement.condition.as_str()),
        ("GET /, 200/s for 1 s", "p50 ≤ 900 ms, errors ≤ 1 %")
    );
    assert!(
        measurement.value.starts_with("200 requests, ")
            && measurement.value.contains("errors 0 %, p50 "),
        "{}",
        measurement.value
    );
    let read: LoadResult = serde_json::from_str(&serde_json::to_string(&result).unwrap()).unwrap();
    assert_eq!(read, result);
}

/// A service that stalls for one second in three: a third of what should have been answered waits
/// up to a second for it.
const STALL: Option<(u64, u64)> = Some((500, 1500));

#[tokio::test]
async fn a_stall_is_seen_by_every_request_that_should_have_been_answered_in_it() {
    let (base, _server) = serve(Server {
        stall: STALL,
        ..Server::default()
    })
    .await;
    let result = run_probe(&base, "rate: 100/s, for: 3s, p99: 800ms, p50: 500ms").await;
    assert!(
        result.latencies.p50 < 100_000
            && result.latencies.p99 > 900_000
            && result.latencies.p90 > 600_000,
        "{result}"
    );
    assert_eq!((result.sent, result.phase), (300, Phase::Failed));
    assert!(
        result.note.as_ref().unwrap().starts_with("p99 is "),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_stall_is_seen_also_when_there_are_too_few_connections_to_ask_in_it() {
    let (base, server) = serve(Server {
        stall: STALL,
        ..Server::default()
    })
    .await;
    let result = run_probe(&base, "rate: 100/s, for: 3s, concurrency: 2, p99: 800ms").await;
    assert!(
        result.latencies.p99 > 900_000
            && result.latencies.p90 > 600_000
            && result.latencies.p50 < 100_000,
        "{result}"
    );
    assert!(
        (server.max_in_flight.load(Ordering::SeqCst), result.sent) == (2, 300),
        "{result}"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_is_an_error_of_its_own() {
    let (base, _server) = serve(Server {
        delay: Duration::from_millis(250),
        ..Server::default()
    })
    .await;
    let result = run_probe(
        &base,
        "rate: 40/s, for: 1s, concurrency: 1, timeout: 300ms, error-rate: 100%",
    )
    .await;
    let unsent = result
        .errors
        .iter()
        .find(|error| error.kind == ErrorKind::Unsent)
        .unwrap()
        .count;
    assert_eq!(
        (result.sent + unsent, result.phase),
        (40, Phase::Successful),
        "{result:?}"
    );
    assert!(result.sent <= 6 && result.error_rate > 0.8, "{result}");
}

#[tokio::test]
async fn statuses_that_are_not_expected_are_errors() {
    let (base, _server) = serve(Server {
        fail_every: Some(10),
        ..Server::default()
    })
    .await;
    let result = run_probe(&base, "rate: 100/s, for: 500ms, error-rate: 50%").await;
    let [errors] = result.errors.as_slice() else {
        panic!("{result:?}")
    };
    assert_eq!(
        (errors.kind, errors.count, errors.example.as_deref()),
        (ErrorKind::Status, 5, Some("503 Service Unavailable"))
    );
    assert_eq!(
        (result.phase, result.error_rate, result.answered),
        (Phase::Successful, 0.1, 50)
    );
    let result = run_probe(
        &base,
        "rate: 100/s, for: 500ms, error-rate: 0%, expect-status: [200, 503]",
    )
    .await;
    assert_eq!((result.phase, result.errors.len()), (Phase::Successful, 0));
}

#[tokio::test]
async fn it_ends_early_when_it_cannot_pass_any_more() {
    let (base, server) = serve(Server {
        fail_every: Some(1),
        ..Server::default()
    })
    .await;
    let begin = Instant::now();
    let result = run_probe(&base, "rate: 100/s, for: 1m, error-rate: 1%").await;
    assert!(
        begin.elapsed() < Duration::from_secs(3) && server.requests.load(Ordering::SeqCst) < 100,
        "{result}"
    );
    assert_eq!(result.phase, Phase::Failed);
    assert!(
        result
            .note
            .unwrap()
            .contains("100 % of the requests failed, and 1 % may; ended early")
    );
}

#[tokio::test]
async fn a_service_that_nobody_can_reach_is_not_hammered_and_given_up_after_five_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    let begin = Instant::now();
    let result = run_probe(&base, "concurrency: 2, for: 1m").await;
    assert!(
        (4..8).contains(&begin.elapsed().as_secs()) && result.sent < 1200,
        "{result}"
    );
    let example = result.errors[0].example.as_ref().unwrap();
    assert!(
        result.errors[0].kind == ErrorKind::NoAnswer && example.contains("Connection refused"),
        "{example}"
    );
    assert_eq!(
        (result.phase, result.answered, result.histogram.len()),
        (Phase::Failed, 0, 0)
    );
}

#[tokio::test]
async fn a_service_that_says_nothing_times_out() {
    let (base, server) = serve(Server::default()).await;
    server.silent.store(true, Ordering::SeqCst);
    let result = run_probe(&base, "concurrency: 3, for: 500ms, timeout: 200ms").await;
    assert!(
        result
            .errors
            .iter()
            .all(|error| error.kind == ErrorKind::Timeout)
            && result.latencies.p50 >= 200_000,
        "{result:?}"
    );
    assert_eq!(result.phase, Phase::Failed);
}

#[tokio::test]
async fn dropping_a_probe_closes_its_connections() {
    let (base, server) = serve(Server::default()).await;
    server.silent.store(true, Ordering::SeqCst);
    let values = Values::default();
    let suite = parse_suite("concurrency: 20, for: 1m, timeout: 30s");
    let cut_off = timeout(
        Duration::from_millis(300),
        run(&suite, Moment::Green, &base, &values, &|_| ()),
    )
    .await;
    assert!(cut_off.is_err() && server.connections.load(Ordering::SeqCst) == 20);
    for _ in 0..50 {
        sleep(Duration::from_millis(20)).await;
        if server.open.load(Ordering::SeqCst) == 0 {
            return;
        }
    }
    panic!(
        "{} connections are still open",
        server.open.load(Ordering::SeqCst)
    );
}

#[tokio::test]
async fn probes_run_at_their_moment_one_after_the_other_up_to_the_first_that_fails() {
    let (base, _server) = serve(Server {
        fail_every: Some(1),
        ..Server::default()
    })
    .await;
    let document = "load:\n- { name: a, path: /, rate: 20, for: 200ms, expect-status: 503, on: [green, production] }\n\
        - { name: b, path: '/${version}', rate: 20, for: 200ms }\n- { name: c, path: /, rate: 20, for: 200ms }\n";
    let suite = parse(document, "inline", test_resources(&no_files)).unwrap();
    let values = Values {
        version: "v1".to_owned(),
        ..Values::default()
    };
    let green = run(&suite, Moment::Green, &base, &values, &|_| ()).await;
    let phases: Vec<_> = green
        .iter()
        .map(|result| (result.name.as_str(), result.phase))
        .collect();
    assert_eq!(phases, [("a", Phase::Successful), ("b", Phase::Failed)]);
    assert!(green[1].query.starts_with("GET /v1, 20/s"));
    assert_eq!(
        run(&suite, Moment::Production, &base, &values, &|_| ())
            .await
            .len(),
        1
    );
    assert_eq!(suite.loads(Moment::Bake).count(), 0);
}

#[tokio::test]
async fn nothing_is_sent_when_a_variable_is_missing() {
    let (base, server) = serve(Server::default()).await;
    let suite = parse_suite("for: 1s, headers: { a: '${env.OTHER}' }");
    let result = run(&suite, Moment::Green, &base, &Values::default(), &|_| ())
        .await
        .remove(0);
    assert_eq!(
        (
            result.phase,
            result.sent,
            server.requests.load(Ordering::SeqCst)
        ),
        (Phase::Error, 0, 0)
    );
    let expected =
        "nothing was sent: ${env.OTHER}: expected a value, found none: the variable is not set";
    assert_eq!(result.note.as_deref(), Some(expected));
}

async fn run_warm_up(base: &Url, document: &str) -> Vec<WarmUpResult> {
    let suite = parse(
        &format!("warm-up: {document}\ntests: [{{ name: a, get: / }}]"),
        "inline",
        test_resources(&no_files),
    )
    .unwrap();
    warm_up(&suite, base, &Values::default(), &|_| ()).await
}

#[tokio::test]
async fn a_warm_up_counts_answers_and_judges_none() {
    let (base, server) = serve(Server {
        fail_every: Some(5),
        delay: Duration::from_millis(2),
        ..Server::default()
    })
    .await;
    let results = run_warm_up(
        &base,
        "[{ path: /, count: 50, concurrency: 5 }, { path: /b, count: 3 }]",
    )
    .await;
    let counts: Vec<_> = results
        .iter()
        .map(|result| {
            (
                result.path.as_str(),
                result.count,
                result.answered,
                result.succeeded,
            )
        })
        .collect();
    assert_eq!(counts, [("/", 50, 50, 40), ("/b", 3, 3, 3)]);
    assert_eq!(
        (server.requests.load(Ordering::SeqCst), results[0].phase()),
        (53, Phase::Successful)
    );
    assert!(server.max_in_flight.load(Ordering::SeqCst) <= 5);
    assert!(
        results[0]
            .to_string()
            .starts_with("/: 50 of 50 answered (40 with 2xx or 3xx) in "),
        "{}",
        results[0]
    );
}

#[tokio::test]
async fn a_warm_up_asks_again_until_its_time_is_over_and_fails_only_when_nothing_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let base: Url = format!("http://{address}").parse().unwrap();
    drop(listener);
    let results = run_warm_up(
        &base,
        "[{ path: /, count: 10, for: 500ms }, { path: /never }]",
    )
    .await;
    let [result] = results.as_slice() else {
        panic!("{results:?}")
    };
    assert_eq!((result.answered, result.phase()), (0, Phase::Failed));
    assert!(
        result.obstacle.as_ref().unwrap().contains("refused")
            && (250..900).contains(&result.milliseconds),
        "{result}"
    );

    let late = tokio::spawn(async move {
        sleep(Duration::from_millis(300)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Server::default();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = server.converse(stream, Instant::now()).await;
        }
    });
    let [result] = run_warm_up(&base, "{ path: /, count: 4, concurrency: 1, for: 20s }")
        .await
        .try_into()
        .unwrap();
    assert_eq!((result.answered, result.obstacle), (4, None));
    late.abort();
}
