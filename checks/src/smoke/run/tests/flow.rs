//! Flows against a small service with a memory: created, read, listed, deleted; failures in the
//! middle; order, matrix, cookies, secrets.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::*;

/// A service that keeps tasks, and what it was asked for.
#[derive(Default)]
struct Tasks {
    tasks: BTreeMap<u64, String>,
    requests: Vec<String>,
}

type Memory = Arc<Mutex<Tasks>>;

async fn serve_tasks() -> (Url, Memory) {
    let memory = Memory::default();
    let service = memory.clone();
    let base = serve(move |request, _| {
        let mut memory = service.lock().unwrap();
        let line = request.split(" HTTP").next().unwrap().to_owned();
        memory.requests.push(line.clone());
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        memory.answer(&line, body)
    });
    (base.await, memory)
}

impl Tasks {
    fn answer(&mut self, line: &str, body: &str) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let id = path.strip_prefix("/tasks/").and_then(|id| id.parse().ok());
        match (method, id) {
            ("POST", None) => {
                let id = self.tasks.len() as u64 + 1;
                self.tasks.insert(id, body.to_owned());
                reply("201 Created", "", &format!(r#"{{"id":{id}}}"#))
            }
            ("GET", None) => {
                let tasks: Vec<String> = self
                    .tasks
                    .iter()
                    .map(|(id, task)| format!(r#"{{"id":{id},"task":{task}}}"#))
                    .collect();
                reply("200 OK", "", &format!("[{}]", tasks.join(",")))
            }
            (_, Some(id)) if !self.tasks.contains_key(&id) => {
                reply("404 Not Found", "", "no such task")
            }
            ("GET", Some(id)) => reply(
                "200 OK",
                "",
                &format!(r#"{{"id":{id},"task":{}}}"#, self.tasks[&id]),
            ),
            ("DELETE", Some(id)) => {
                self.tasks.remove(&id);
                reply("204 No Content", "", "")
            }
            _ => reply("405 Method Not Allowed", "", ""),
        }
    }
}

/// `name verdict` of each result.
fn format_verdicts(results: &[TestResult]) -> String {
    results
        .iter()
        .map(|result| format!("{} {:?}", result.name, result.verdict))
        .collect::<Vec<_>>()
        .join(", ")
        .to_lowercase()
}

const TASK_FLOW: &str = "
variables: { title: 'smoke ${run}' }
defaults: { retry: { for: 0s } }
tests:
- name: tasks
  flow:
  - name: create
    post: /tasks
    json: { title: '${title}', at: '${now}' }
    expect: { status: 201 }
    capture: { id: $.id }
  - name: read
    get: /tasks/${id}
    expect: { json: { $.id: '${id}', $.task.title: { matches: '^smoke [0-9a-f]{16}$' }, $.task.at: { type: timestamp } } }
  - name: list
    get: /tasks
    expect: { json: { '$[?@.id == 1].task.title': '${title}', '$[*].task.at': '${now}' } }
  - name: delete
    delete: /tasks/${id}
    always: true
  - name: gone
    get: /tasks/${id}
    expect: { status: 404 }
";

#[tokio::test]
async fn a_task_is_created_read_listed_and_deleted() {
    let (base, memory) = serve_tasks().await;
    let results = run_green(&base, TASK_FLOW).await;
    assert_eq!(
        format_verdicts(&results),
        "tasks: create passed, tasks: read passed, tasks: list passed, tasks: delete passed, tasks: gone passed"
    );
    assert_eq!(results[1].request, "GET /tasks/1");
    let memory = memory.lock().unwrap();
    assert_eq!(
        memory.requests,
        [
            "POST /tasks",
            "GET /tasks/1",
            "GET /tasks",
            "DELETE /tasks/1",
            "GET /tasks/1"
        ]
    );
}

#[tokio::test]
async fn a_failure_in_the_middle_skips_what_follows_and_still_cleans_up() {
    let (base, memory) = serve_tasks().await;
    let failing = TASK_FLOW.replace("$.task.at: { type: timestamp }", "$.task.done: true");
    let results = run_green(&base, &failing).await;
    assert_eq!(
        format_verdicts(&results),
        "tasks: create passed, tasks: read failed, tasks: list skipped, tasks: delete passed, tasks: gone skipped"
    );
    assert_eq!(
        (
            format_failures(&results[1]).as_str(),
            results[4].request.as_str()
        ),
        ("$.task.done: true, nothing", "GET /tasks/1")
    );
    assert!(memory.lock().unwrap().tasks.is_empty());
}

#[tokio::test]
async fn a_failure_elsewhere_does_not_leave_what_was_created_behind() {
    let (base, memory) = serve_tasks().await;
    let document = "
tests:
- name: tasks
  flow:
  - { name: create, post: /tasks, json: {}, expect: { status: 201 }, capture: { id: $.id } }
  - { name: never, get: /tasks/999, retry: { for: 30s, every: 50ms } }
  - { name: delete, delete: '/tasks/${id}', always: true }
- { name: hasty, get: /tasks/998, after: [], retry: { for: 100ms, every: 20ms } }
";
    let begun = Instant::now();
    let results = run_green(&base, document).await;
    assert_eq!(
        format_verdicts(&results),
        "tasks: create passed, tasks: never skipped, tasks: delete passed, hasty failed"
    );
    assert!(memory.lock().unwrap().tasks.is_empty() && begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn clean_up_without_what_it_needs_is_skipped_and_one_that_fails_is_a_failure() {
    let (base, memory) = serve_tasks().await;
    let document = "
defaults: { retry: { for: 0s } }
tests:
- name: tasks
  flow:
  - { name: create, put: /tasks, json: {}, capture: { id: $.id } }
  - { name: delete, delete: '/tasks/${id}', always: true }
  - { name: sweep, delete: /tasks/77, always: true }
";
    let results = run_green(&base, document).await;
    assert_eq!(
        format_verdicts(&results),
        "tasks: create failed, tasks: delete skipped, tasks: sweep failed"
    );
    assert_eq!(results[1].request, "DELETE /tasks/${id}");
    assert_eq!(
        memory.lock().unwrap().requests,
        ["PUT /tasks", "DELETE /tasks/77"]
    );
}

#[tokio::test]
async fn an_answer_that_is_needed_to_clean_up_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let recorded = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let recorded = recorded.clone();
            tokio::spawn(async move {
                let request = read_request(&mut stream).await?;
                recorded
                    .lock()
                    .unwrap()
                    .push(request.split(" HTTP").next().unwrap().to_owned());
                if request.starts_with("POST") {
                    sleep(Duration::from_millis(200)).await;
                }
                let status = if request.contains("/bad") {
                    "500 Oops"
                } else {
                    "200 OK"
                };
                let Reply::Once(text) = reply(status, "", r#"{"id":"a b"}"#) else {
                    return Ok(());
                };
                stream.write_all(text.as_bytes()).await
            });
        }
    });
    let document = "
tests:
- name: slow
  flow:
  - { name: create, post: /tasks, capture: { id: $.id } }
  - { name: delete, delete: '/tasks/${id}', always: true }
- { name: bad, get: /bad, retry: { for: 0s } }
";
    assert_eq!(
        format_verdicts(&run_green(&base, document).await),
        "slow: create passed, slow: delete passed, bad failed"
    );
    assert_eq!(
        requests.lock().unwrap().last().unwrap(),
        "DELETE /tasks/a%20b"
    );
}

#[tokio::test]
async fn what_one_test_captures_others_wait_for_and_the_rest_runs_in_parallel() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server_seen = seen.clone();
    let base = serve(move |request, _| {
        let path = request.split(' ').nth(1).unwrap().to_owned();
        server_seen.lock().unwrap().push(path.clone());
        reply(
            "200 OK",
            "x-token: t-1\r\nset-cookie: sid=s3cr3t; Path=/\r\n",
            &format!(r#"{{"path":"{path}"}}"#),
        )
    });
    let document = "
tests:
- { name: login, get: /login, capture: { token: { header: x-token }, code: status, path: $.path } }
- { name: me, get: '/me/${token}/${code}${path}', capture: { next: url } }
- { name: last, get: '/last?${next}', after: alone }
- { name: alone, get: /alone }
"
    .replace(", after: alone", "");
    let results = run_green(&base.await, &document).await;
    assert!(
        results
            .iter()
            .all(|result| result.verdict == TestVerdict::Passed),
        "{results:?}"
    );
    let seen = seen.lock().unwrap();
    let at = |part: &str| seen.iter().position(|path| path.starts_with(part)).unwrap();
    assert!(
        at("/login") < at("/me/t-1/200%2Flogin")
            && at("/me") < at("/last?http:")
            && at("/alone") < at("/me"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_matrix_makes_one_test_of_each_combination() {
    let base = serve(|request, _| {
        reply(
            "200 OK",
            "",
            &serde_json::json!({ "line": request.lines().next().unwrap() }).to_string(),
        )
    })
    .await;
    let document = "
tests:
- name: page
  matrix: { locale: [de, en], page: [/a, 1.10] }
  get: '/${matrix.locale}?p=${matrix.page}'
  expect: { json: { $.line: { matches: '^GET /${matrix.locale}\\?' } } }
- name: twice
  matrix: { n: [1, 2] }
  flow:
  - { name: first, get: '/${matrix.n}', capture: { line: $.line } }
  - { name: second, get: '/again?${line}', expect: { json: { $.line: { contains: 'GET%20%2F${matrix.n}%20' } } } }
";
    let results = run_green(&base, document).await;
    let expected = "page (de, /a) passed, page (de, 1.10) passed, page (en, /a) passed, page (en, 1.10) passed, \
        twice (1): first passed, twice (1): second passed, twice (2): first passed, twice (2): second passed";
    assert_eq!(format_verdicts(&results), expected, "{results:#?}");
    assert_eq!(results[1].request, "GET /de?p=1.10");
}

#[tokio::test]
async fn cookies_are_kept_within_a_flow_and_go_nowhere_else() {
    let elsewhere = serve(|request, _| {
        reply(
            "200 OK",
            "",
            if request.contains("secret-of-here") {
                "leaked"
            } else {
                "clean"
            },
        )
    })
    .await;
    let there = elsewhere.to_string();
    let origin = there.clone();
    let base = serve(move |request, _| match request.split(' ').nth(1).unwrap() {
        "/login" => reply(
            "302 Found",
            "location: /home\r\nset-cookie: sid=secret-of-here; Path=/; HttpOnly\r\n",
            "",
        ),
        "/away" => reply("302 Found", &format!("location: {there}\r\n"), ""),
        "/stranger" => reply(
            "200 OK",
            "",
            if request.contains("cookie") {
                "leaked"
            } else {
                "clean"
            },
        ),
        "/broken" => reply(
            "500 Internal Server Error",
            "",
            &format!("who is {request}?"),
        ),
        _ => reply("200 OK", "", request),
    })
    .await;
    let document = "
defaults: { retry: { for: 0s } }
tests:
- name: session
  cookies: keep
  flow:
  - { name: login, post: /login, expect: { body: { contains: 'cookie: sid=secret-of-here' } } }
  - { name: home, get: /home, expect: { body: { contains: 'cookie: sid=secret-of-here' } } }
  - { name: own, get: /home, headers: { cookie: a=b }, expect: { body: { contains: 'cookie: a=b' } } }
  - { name: away, get: /away, expect: { origin: 'ELSEWHERE', body: { contains: clean } } }
- { name: stranger, get: /stranger, after: session, expect: { body: { contains: clean } } }
- name: echoed
  after: stranger
  cookies: keep
  flow:
  - { name: login, post: /login }
  - { name: broken, get: /broken }
";
    let results = run_green(&base, &document.replace("ELSEWHERE", &origin)).await;
    let (last, passed) = results.split_last().unwrap();
    assert!(
        passed
            .iter()
            .all(|result| result.verdict == TestVerdict::Passed),
        "{results:#?}"
    );
    let excerpt = last.excerpt.as_ref().unwrap();
    assert!(
        excerpt.contains("cookie: sid=***") && !excerpt.contains("secret-of"),
        "{excerpt}"
    );
}

#[tokio::test]
async fn captured_secrets_never_appear_in_a_result() {
    let base = serve(|request, _| {
        let body = format!(
            r#"{{"token":"t0k&n-v@lue","plan":"free","number":12345678,"asked":{}}}"#,
            serde_json::json!(request)
        );
        let status = if request.contains("/fail") {
            "500 Oops"
        } else {
            "200 OK"
        };
        reply(
            status,
            "set-cookie: sid=c00kie-value\r\nx-key: k3y-of-the-header\r\n",
            &body,
        )
    })
    .await;
    let capture = "{ token: { json: $.token, secret: true }, number: { json: $.number, secret: true }, sid: { cookie: sid }, key: { header: x-key, secret: true } }";
    let fine = format!("- {{ name: login, get: /, capture: {capture} }}\n");
    let unmet = format!(
        "- {{ name: login, get: /, expect: {{ json: {{ $.plan: pro }} }}, capture: {capture} }}\n"
    );
    let user = "- { name: use, get: '/fail?t=${token}&n=${number}', headers: { x-a: '${sid}${key}' }, expect: { body: { matches: 'x${token}' }, headers: { x-key: { absent: true } } } }\n";
    for document in [format!("tests:\n{fine}{user}"), format!("tests:\n{unmet}")] {
        let results = run_green(
            &base,
            &format!("defaults: {{ retry: {{ for: 0s }} }}\n{document}"),
        )
        .await;
        let written = serde_json::to_string(&results).unwrap();
        for leaked in ["t0k", "v@lue", "v%40lue", "12345678", "c00kie", "k3y-of"] {
            assert!(!written.contains(leaked), "{leaked} in {written}");
        }
        assert!(
            written.contains("***") && results.last().unwrap().verdict == TestVerdict::Failed,
            "{written}"
        );
    }
}

#[tokio::test]
async fn a_secret_that_was_captured_does_not_follow_a_redirect_to_another_host() {
    let elsewhere = serve(|request, _| {
        reply(
            "200 OK",
            "",
            if request.contains("secret-of-here") {
                "leaked"
            } else {
                "clean"
            },
        )
    })
    .await;
    let there = elsewhere.to_string();
    let origin = there.clone();
    let base = serve(move |request, _| match request.split(' ').nth(1).unwrap() {
        "/login" => reply("200 OK", "", r#"{"token":"secret-of-here"}"#),
        _ => reply("302 Found", &format!("location: {there}\r\n"), ""),
    })
    .await;
    let document = "
tests:
- { name: login, get: /login, capture: { token: { json: $.token, secret: true } } }
- { name: away, get: /away, headers: { x-key: '${token}' }, expect: { origin: 'ELSEWHERE', body: { contains: clean } }, retry: { for: 0s } }
";
    let results = run_green(&base, &document.replace("ELSEWHERE", &origin)).await;
    assert_eq!(format_verdicts(&results), "login passed, away passed");
}

#[tokio::test]
async fn a_capture_that_is_not_there_yet_is_waited_for_within_the_budget() {
    let base = serve(|_, count| {
        reply(
            "200 OK",
            "",
            if count < 2 {
                r#"{"ids":[1,2]}"#
            } else {
                r#"{"ids":[7]}"#
            },
        )
    })
    .await;
    let document = "tests: [{ name: a, get: /, capture: { id: '$.ids[*]' }, retry: { for: 5s, every: 10ms } }]";
    let [result] = run_green(&base, document).await.try_into().unwrap();
    assert_eq!((result.verdict, result.attempts), (TestVerdict::Passed, 3));
    let document = "tests: [{ name: a, get: /, capture: { id: $.nothing }, retry: { for: 0s } }]";
    let [result] = run_green(&base, document).await.try_into().unwrap();
    assert_eq!(
        format_failures(&result),
        "capture id: exactly one $.nothing, nothing"
    );
}
