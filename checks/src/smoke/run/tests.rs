//! Suites against a real HTTP server: warm-up, redirects, secrets, limits, and the end of a run.

mod flow;

use crate::moment::Moment;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::*;
use crate::secret::Secret;
use crate::smoke::parse;
use crate::smoke::parse::tests::{no_files, test_resources};
use crate::test_server::read_request;

/// What the server answers to the text of a request, the how-manieth it is.
type Answers = Arc<dyn Fn(&str, usize) -> Reply + Send + Sync>;

enum Reply {
    /// Written as it is; then the connection is closed.
    Once(String),
    /// Written again and again until the client goes away.
    Endless(String, Duration),
}

/// An answer with a status line, header lines and a body.
fn reply(status: &str, headers: &str, body: &str) -> Reply {
    Reply::Once(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

async fn serve(answers: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let answers: Answers = Arc::new(answers);
    tokio::spawn(async move {
        let count = Arc::new(AtomicUsize::new(0));
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_reply(stream, answers.clone(), count.clone()));
        }
    });
    url
}

async fn serve_reply(
    mut stream: TcpStream,
    answers: Answers,
    count: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let request = read_request(&mut stream).await?;
    match answers(&request, count.fetch_add(1, Ordering::SeqCst)) {
        Reply::Once(text) => stream.write_all(text.as_bytes()).await,
        Reply::Endless(text, pause) => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
                .await?;
            loop {
                stream.write_all(text.as_bytes()).await?;
                sleep(pause).await;
            }
        }
    }
}

fn values() -> Values {
    let environment = [("TOKEN".to_owned(), Secret::new("p@ss/w&rd"))].into();
    Values {
        version: "v1".to_owned(),
        digest: "sha256:ab".to_owned(),
        revision: "api:7".to_owned(),
        environment,
        ..Values::default()
    }
}

async fn run_green(base: &Url, document: &str) -> Vec<TestResult> {
    run(
        &parse(document, "inline", test_resources(&no_files)).unwrap(),
        Moment::Green,
        base,
        &values(),
        &RunLimits::default(),
        &|_| (),
    )
    .await
}

/// One test with these lines, without repetition.
async fn run_one(base: &Url, test: &str) -> TestResult {
    run_green(
        base,
        &format!(
            "defaults: {{ timeout: 2s, retry: {{ for: 0s }} }}\ntests: [{{ name: a, {test} }}]"
        ),
    )
    .await
    .remove(0)
}

fn format_failures(result: &TestResult) -> String {
    result
        .failures
        .iter()
        .map(
            |Mismatch {
                 what,
                 expected,
                 found,
             }| format!("{what}: {expected}, {found}"),
        )
        .collect::<Vec<_>>()
        .join(" | ")
}

#[tokio::test]
async fn a_test_is_repeated_until_green_is_warm() {
    let base = serve(|_, count| match count {
        0 => Reply::Once(String::new()),
        1 => reply("503 Service Unavailable", "", "warming up"),
        2 => reply("200 OK", "", r#"{"version":"v0"}"#),
        _ => reply("200 OK", "", r#"{"version":"v1"}"#),
    });
    let document = "tests: [{ name: version, get: /health, retry: { for: 5s, every: 10ms }, expect: { json: { $.version: '${version}' } } }]";
    let [result] = run_green(&base.await, document).await.try_into().unwrap();
    assert_eq!(
        (result.verdict, result.attempts, format_failures(&result)),
        (TestVerdict::Passed, 4, String::new())
    );
    assert_eq!(
        (result.request.as_str(), result.moment, result.excerpt),
        ("GET /health", Moment::Green, None)
    );
}

#[tokio::test]
async fn the_last_failure_counts_when_the_budget_is_over() {
    let base =
        serve(|_, count| reply("503 Service Unavailable", "", &format!("attempt {count}"))).await;
    let [result] = run_green(
        &base,
        "tests: [{ name: a, get: /, retry: { for: 100ms, every: 20ms } }]",
    )
    .await
    .try_into()
    .unwrap();
    assert_eq!(
        (result.verdict, format_failures(&result)),
        (
            TestVerdict::Failed,
            "status: 2xx, 503 Service Unavailable".to_owned()
        )
    );
    assert_eq!(
        result.excerpt,
        Some(format!("attempt {}", result.attempts - 1).into())
    );
    assert!(
        (3..=6).contains(&result.attempts) && (60..1000).contains(&result.total_milliseconds),
        "{result:?}"
    );
    assert!(result.last_milliseconds <= result.total_milliseconds);
}

#[tokio::test]
async fn a_refused_connection_is_said_plainly() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    let result = run_one(&base, "get: '/?key=${env.TOKEN}'").await;
    let failures = format_failures(&result);
    assert!(
        failures.starts_with("connection: an answer, ") && failures.contains("Connection refused"),
        "{failures}"
    );
    assert_eq!(
        (result.attempts, result.request.as_str()),
        (1, "GET /?key=***")
    );
}

#[tokio::test]
async fn requests_carry_what_the_test_says() {
    let base = serve(|request, _| {
        reply(
            "200 OK",
            "",
            &serde_json::json!({ "request": request }).to_string(),
        )
    })
    .await;
    let table = [
        (
            "post: /a, json: { t: '${version}', n: [1, null] }",
            "POST /a HTTP",
            r#"{"t":"v1","n":[1,null]}"#,
            "content-type: application/json",
        ),
        (
            "put: '/b?c=${digest}', body: hello",
            "PUT /b\\?c=sha256:ab HTTP",
            "hello",
            "user-agent: ecs-bluegreen-action",
        ),
        (
            "patch: /c, form: { a: 'b c', d: 1.10 }",
            "PATCH /c HTTP",
            "a=b\\+c&d=1.10",
            "content-type: application/x-www-form-urlencoded",
        ),
        (
            "request: PURGE /d, headers: { X-Count: 5, content-type: text/x }, json: {}",
            "PURGE /d HTTP",
            "\\{\\}",
            "content-type: text/x",
        ),
    ];
    for (test, line, body, header) in table {
        let body = if body.contains('[') {
            regex::escape(body)
        } else {
            body.to_owned()
        };
        let pattern = serde_json::json!(format!(
            "(?s)^{line}/1.1\r\n.*{}\r\n.*\r\n\r\n{body}$",
            regex::escape(header)
        ));
        let result = run_one(
            &base,
            &format!("{test}, expect: {{ json: {{ $.request: {{ matches: {pattern} }} }} }}"),
        )
        .await;
        assert_eq!(format_failures(&result), "", "{test}");
    }
}

#[tokio::test]
async fn a_redirect_is_evaluated_or_followed() {
    let base = serve(|request, _| {
        let path = request.split(' ').nth(1).unwrap().to_owned();
        match path.as_str() {
            "/login" => reply("302 Found", "location: https://accounts.example.com/auth?redirect_uri=https%3A%2F%2Fapp%2Fcb\r\n", ""),
            "/moved" => reply("303 See Other", "location: ../here\r\n", ""),
            "/loop" => reply("302 Found", "location: /loop\r\n", ""),
            _ => reply("200 OK", "", &format!("{} {path}", request.split(' ').next().unwrap())),
        }
    })
    .await;
    let expect = "expect: { status: 302, redirect: { to: 'https://accounts.example.com/', query: { redirect_uri: 'https://app/cb' } } }";
    assert_eq!(
        format_failures(&run_one(&base, &format!("get: /login, follow: false, {expect}")).await),
        ""
    );
    assert_eq!(
        format_failures(
            &run_one(
                &base,
                "post: /moved, json: {}, expect: { body: { matches: '^GET /here$' } }"
            )
            .await
        ),
        ""
    );
    assert_eq!(
        format_failures(&run_one(&base, "get: /loop").await),
        "redirects: at most 10, more"
    );
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let elsewhere = serve(|request, _| reply("200 OK", "", request)).await;
    let there = elsewhere.to_string();
    let origin = format!("origin: '{there}'");
    let base = serve(move |request, _| {
        let status = if request.starts_with("POST") {
            "307 Temporary Redirect"
        } else {
            "302 Found"
        };
        let location = if request.contains("/same") {
            "/echo".to_owned()
        } else {
            there.clone()
        };
        if request.contains("/echo") {
            reply("200 OK", "", request)
        } else {
            reply(status, &format!("location: {location}\r\n"), "")
        }
    })
    .await;
    let headers =
        "headers: { Authorization: Basic abc, Cookie: a=b, X-Key: '${env.TOKEN}', X-Plain: kept }";
    let leaked = "'(?i)authorization|cookie|x-key'";
    let kept =
        run_one(&base, &format!("get: /same, {headers}, expect: {{ body: {{ matches: '(?is)authorization.*cookie.*x-key' }} }}")).await;
    assert_eq!(format_failures(&kept), "");
    let sent = run_one(
        &base,
        &format!(
            "get: /away, {headers}, expect: {{ {origin}, body: {{ contains: 'x-plain: kept' }} }}"
        ),
    )
    .await;
    assert_eq!(format_failures(&sent), "");
    let sent = run_one(
        &base,
        &format!("get: /away, {headers}, expect: {{ {origin}, body: {{ matches: {leaked} }} }}"),
    )
    .await;
    assert_eq!(
        sent.verdict,
        TestVerdict::Failed,
        "credentials arrived elsewhere: {sent:?}"
    );
    let refused = run_one(&base, "post: /away, json: { token: '${env.TOKEN}' }").await;
    assert!(
        format_failures(&refused).starts_with(
            "redirects: a redirect within the same origin, because the body holds a secret"
        ),
        "{refused:?}"
    );
    assert_eq!(
        format_failures(
            &run_one(
                &base,
                &format!("post: /away, json: {{ token: x }}, expect: {{ {origin} }}")
            )
            .await
        ),
        ""
    );
}

#[tokio::test]
async fn secrets_never_appear_in_a_result() {
    let base = serve(|request, _| {
        let head = request.lines().find(|line| line.contains("p@ss")).unwrap_or_default();
        let body = format!("{head} p%40ss%2Fw%26rd p%40ss%2fw%26rd p@ss\\/w&rd p@ss/w&amp;rd cEBzcy93JnJk \u{1b}[31m\r\n::error::x");
        reply("500 Internal Server Error", "x-echo: Bearer p@ss/w&rd\r\n", &body)
    })
    .await;
    let test = "get: '/?t=${env.TOKEN}', headers: { Authorization: 'Bearer ${env.TOKEN}' }, \
        expect: { headers: { x-echo: 'not ${env.TOKEN}' }, json: { $.a: '${env.TOKEN}' }, body: { matches: '^${env.TOKEN}' } }";
    let written = serde_json::to_string(&run_one(&base, test).await).unwrap();
    for leaked in ["p@ss", "p%40ss", "w&rd", "w%26rd", "cEBz", "\\u001b", "\\n"] {
        assert!(!written.contains(leaked), "{leaked} in {written}");
    }
    assert!(
        written.contains("GET /?t=***") && written.contains("not ***"),
        "{written}"
    );
}

#[tokio::test]
async fn endless_and_slow_bodies_are_bounded() {
    let fast = serve(|_, _| Reply::Endless("x".repeat(60_000), Duration::ZERO)).await;
    assert_eq!(
        format_failures(&run_one(&fast, "get: /, expect: { body: { contains: xxx } }").await),
        ""
    );
    assert_eq!(
        format_failures(&run_one(&fast, "get: /, expect: { json: { $.a: 1 } }").await),
        "body: JSON, a body of more than 1048576 bytes"
    );
    let slow = serve(|_, _| Reply::Endless("x".to_owned(), Duration::from_millis(20))).await;
    let result = run_one(&slow, "get: /, timeout: 200ms").await;
    assert_eq!(
        format_failures(&result),
        "time: a whole answer within 200 ms, not finished"
    );
    assert!(
        (200..1000).contains(&result.last_milliseconds),
        "{result:?}"
    );
}

#[tokio::test]
async fn the_first_definite_failure_calls_the_others_off_at_once() {
    let base = serve(|request, _| {
        let status = if request.contains("/good") {
            "200 OK"
        } else {
            "500 Internal Server Error"
        };
        reply(status, "", "")
    })
    .await;
    let document = "tests:\n- { name: patient, get: /bad }\n- { name: good, get: /good }\n- { name: elsewhere, get: /, on: production }\n- { name: hasty, get: /bad, retry: { for: 0s } }\n";
    let seen = Mutex::new(Vec::new());
    let suite = parse(document, "inline", test_resources(&no_files)).unwrap();
    let note = |result: &TestResult| seen.lock().unwrap().push(result.name.clone());
    let limits = RunLimits::default();
    let results = timeout(
        Duration::from_millis(300),
        run(&suite, Moment::Green, &base, &values(), &limits, &note),
    )
    .await
    .unwrap();
    let verdicts: Vec<_> = results
        .iter()
        .map(|result| (result.name.as_str(), result.verdict))
        .collect();
    assert_eq!(verdicts[0], ("patient", TestVerdict::Skipped));
    assert_eq!(verdicts[2], ("hasty", TestVerdict::Failed));
    assert_eq!((verdicts.len(), seen.into_inner().unwrap().len()), (3, 3));
}

/// A keep-alive server that takes 20 ms for each answer; how many it had under way at once.
async fn serve_slowly() -> (Url, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let (under_way, server_most) = (Arc::new(AtomicUsize::new(0)), most.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (under_way, most) = (under_way.clone(), server_most.clone());
            tokio::spawn(async move {
                loop {
                    let mut buffer = [0; 4096];
                    if stream.read(&mut buffer).await? == 0 {
                        return std::io::Result::Ok(());
                    }
                    most.fetch_max(
                        under_way.fetch_add(1, Ordering::SeqCst) + 1,
                        Ordering::SeqCst,
                    );
                    sleep(Duration::from_millis(20)).await;
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
                }
            });
        }
    });
    (base, most)
}

/// What a hundred tests of 20 ms may take.
const MAX_TOTAL: Duration = Duration::from_millis(250);

#[tokio::test]
async fn a_hundred_tests_of_20_ms_end_in_250_ms_in_the_order_of_the_document() {
    let (base, most) = serve_slowly().await;
    let tests: Vec<String> = (0..100)
        .map(|index| format!("{{ name: test {index}, get: /{index} }}"))
        .collect();
    let suite = parse(
        &format!("tests: [{}]", tests.join(", ")),
        "inline",
        test_resources(&no_files),
    )
    .unwrap();
    let mut fastest = Duration::MAX;
    // The fastest of some: the machine may be busy with something else.
    for _ in 0..20 {
        let begun = tokio::time::Instant::now();
        let results = run(
            &suite,
            Moment::Green,
            &base,
            &values(),
            &RunLimits::default(),
            &|_| (),
        )
        .await;
        fastest = fastest.min(begun.elapsed());
        let in_order = |(index, result): (usize, &TestResult)| {
            result.name == format!("test {index}") && result.verdict == TestVerdict::Passed
        };
        assert!(results.iter().enumerate().all(in_order), "{results:?}");
        if fastest <= MAX_TOTAL {
            break;
        }
    }
    assert!(fastest <= MAX_TOTAL, "{fastest:?}");
    assert_eq!(
        most.load(Ordering::SeqCst),
        RunLimits::default().concurrency
    );
}

#[tokio::test]
async fn nothing_is_sent_when_a_variable_is_missing() {
    let base = serve(|_, _| panic!("a request arrived")).await;
    let result = run_one(&base, "get: /, headers: { a: '${env.OTHER}' }").await;
    assert_eq!(
        (format_failures(&result), result.attempts),
        (
            "${env.OTHER}: a value, none: the variable is not set".to_owned(),
            0
        )
    );
}

#[tokio::test]
async fn a_result_survives_the_journal() {
    let base = serve(|_, _| reply("500 Internal Server Error", "", "no")).await;
    let result = run_one(&base, "get: /").await;
    let read: TestResult = serde_json::from_str(&serde_json::to_string(&result).unwrap()).unwrap();
    assert_eq!(read, result);
}

#[tokio::test]
async fn a_value_that_the_workflow_calls_no_secret_is_shown_as_it_is() {
    let base =
        serve(|request, _| reply("200 OK", "", request.lines().next().unwrap_or_default())).await;
    let suite = parse(
        "tests: [{ name: a, get: '/${env.STAGE}/${env.TOKEN}', retry: { for: 0s }, expect: { body: { contains: none } } }]",
        "inline",
        test_resources(&no_files),
    );
    let environment = [
        ("STAGE".to_owned(), Secret::new("staging")),
        ("TOKEN".to_owned(), Secret::new("hunter22")),
    ]
    .into();
    let values = Values {
        environment,
        plain: ["STAGE".to_owned()].into(),
        ..Values::default()
    };
    let results = run(
        &suite.unwrap(),
        Moment::Green,
        &base,
        &values,
        &RunLimits::default(),
        &|_| (),
    )
    .await;
    assert_eq!(results[0].request, "GET /staging/***");
    assert_eq!(
        results[0].excerpt.as_deref(),
        Some("GET /staging/*** HTTP/1.1")
    );
}

/// Arrays in arrays: everything that a path with `..` selects is there many times over.
fn nested_arrays(levels: usize, width: usize) -> String {
    format!(
        "{}{}{}",
        "[".repeat(levels),
        ["1"].repeat(width).join(","),
        "]".repeat(levels)
    )
}

/// On one thread, as the action runs: whatever a document asks of a body, a signal must get through
/// while it is evaluated.
#[tokio::test]
async fn other_tasks_run_while_a_costly_answer_is_evaluated() {
    let body = nested_arrays(100, 60);
    let base = serve(move |_, _| reply("200 OK", "", &body)).await;
    let begun = tokio::time::Instant::now();
    let (last, longest) = (Cell::new(begun), Cell::new(Duration::ZERO));
    let tick = || {
        longest.set(longest.get().max(last.get().elapsed()));
        last.set(tokio::time::Instant::now());
    };
    let ticking = async {
        loop {
            sleep(Duration::from_millis(5)).await;
            tick();
        }
    };
    let test =
        "get: /, timeout: 1m, expect: { json: { '$..[?@..[?@..[?@ == 2]]]': { exists: true } } }";
    let result =
        tokio::select! { result = run_one(&base, test) => result, () = ticking => unreachable!() };
    let took = begun.elapsed();
    tick();
    assert_eq!(result.verdict, TestVerdict::Failed);
    assert!(
        took > Duration::from_millis(100),
        "the judgement was too cheap for this test: {took:?}"
    );
    // A judgement that kept them waiting would take almost all of the time. How often they had
    // their turn depends on what else the machine does.
    assert!(
        longest.get() < took / 2,
        "nobody had a turn for {:?} of {took:?}",
        longest.get()
    );
}

#[tokio::test]
async fn patterns_and_paths_are_bounded_where_they_are_read() {
    let problems = |expect: &str| {
        let document = format!("tests: [{{ name: a, get: /, expect: {{ {expect} }} }}]");
        parse(&document, "inline", test_resources(&no_files)).unwrap_err()[0]
            .message
            .clone()
    };
    assert!(
        problems("body: { matches: '((a{100}){100}){100}' }").contains("exceeds size limit"),
        "{}",
        problems("body: { matches: '((a{100}){100}){100}' }")
    );
    assert!(problems("json: { '$..a..b..c..d': 1 }").contains("more than 3 times"));
}
