//! GitHub's REST API: the runs of a workflow, for clients with a token.

use ecs_bluegreen_sim::{
    Controller, Fault, FaultKind, GithubAccess, GithubOptions, GithubRun, GroupOptions, Stage,
    StageOptions, TaskEngine,
};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::harness::Play;

const RUNS: &str = "repos/org/repo/actions/workflows/deploy.yml/runs";

fn github() -> GithubOptions {
    let run =
        |number: u64| GithubRun::new_successful(1000 + number, number, &format!("{number:040x}"));
    let elsewhere = GithubRun {
        branch: "feature/a".to_owned(),
        ..run(3)
    };
    let running = GithubRun {
        status: "in_progress".to_owned(),
        conclusion: None,
        ..run(5)
    };
    let runs = vec![run(1), run(2), elsewhere, run(4), running];
    GithubOptions {
        runs,
        ..GithubOptions::default()
    }
}

async fn stage() -> Play {
    let options = StageOptions {
        engine: TaskEngine::Imaginary,
        github: github(),
        ..StageOptions::default()
    };
    Play::with(Controller::CodeDeploy(GroupOptions::default()), options).await
}

struct Answered {
    status: u16,
    link: String,
    body: Value,
}

impl Answered {
    fn numbers(&self) -> Vec<u64> {
        self.body["workflow_runs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|run| run["run_number"].as_u64())
            .collect()
    }
}

async fn ask(stage: &Stage, page: &str, token: Option<&str>) -> Option<Answered> {
    send(stage, ("GET", page), token, &Value::Null).await
}

async fn send(
    stage: &Stage,
    (method, page): (&str, &str),
    token: Option<&str>,
    body: &Value,
) -> Option<Answered> {
    let url = if page.starts_with("http") {
        page.to_owned()
    } else {
        format!("{}/{page}", stage.github_url())
    };
    let mut request = Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(
            request
                .body(Full::new(bytes::Bytes::from(body.to_string())))
                .expect("a request"),
        )
        .await
        .ok()?;
    let status = response.status().as_u16();
    let link = response
        .headers()
        .get("link")
        .map(|link| link.to_str().expect("text").to_owned())
        .unwrap_or_default();
    let bytes = response.into_body().collect().await.ok()?.to_bytes();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).expect("JSON")
    };
    Some(Answered { status, link, body })
}

async fn get(stage: &Stage, page: &str) -> Answered {
    ask(stage, page, Some("ghs_token"))
        .await
        .expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_newest_first_filtered_and_by_page() {
    let play = stage().await;
    assert_eq!(get(&play.stage, RUNS).await.numbers(), [5, 4, 3, 2, 1]);
    assert_eq!(
        get(&play.stage, &format!("{RUNS}?branch=main&status=success"))
            .await
            .numbers(),
        [4, 2, 1]
    );
    assert_eq!(
        get(&play.stage, &format!("{RUNS}?branch=feature%2Fa"))
            .await
            .numbers(),
        [3]
    );
    let first = get(&play.stage, &format!("{RUNS}?per_page=2&branch=main")).await;
    assert_eq!(
        (first.numbers(), &first.body["total_count"]),
        (vec![5, 4], &Value::from(4))
    );
    let next = first
        .link
        .split(['<', '>'])
        .nth(1)
        .expect("a next page")
        .to_owned();
    let second = get(&play.stage, &next).await;
    assert_eq!((second.numbers(), second.link.as_str()), (vec![2, 1], ""));
    let run = get(&play.stage, "repos/org/repo/actions/runs/1004")
        .await
        .body;
    assert_eq!(
        (
            &run["run_number"],
            &run["conclusion"],
            &run["actor"]["login"]
        ),
        (&4.into(), &"success".into(), &"octocat".into())
    );
    assert_eq!(
        (
            play.stage.read_counts()["github:ListWorkflowRuns"],
            play.stage.read_counts()["github:GetWorkflowRun"]
        ),
        (5, 1)
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_a_permission_and_a_known_page_are_needed() {
    let play = stage().await;
    assert_eq!(
        ask(&play.stage, RUNS, None)
            .await
            .expect("an answer")
            .status,
        401
    );
    for unknown in [
        "repos/org/other/actions/runs/1004",
        "repos/org/repo/actions/runs/9",
        "repos/org/repo/actions/workflows/no.yml/runs",
        "users",
    ] {
        assert_eq!(get(&play.stage, unknown).await.status, 404, "{unknown}");
    }
    let user = get(&play.stage, "user").await;
    assert_eq!(user.status, 403, "a job's token has no user");
    play.stage
        .inject(Fault::on_first_call("github:*", FaultKind::Drops));
    assert!(ask(&play.stage, RUNS, Some("ghs_token")).await.is_none());
    play.stage.set_github(GithubOptions {
        access: GithubAccess::Denied,
        ..github()
    });
    let denied = get(&play.stage, RUNS).await;
    assert_eq!(
        (denied.status, &denied.body["message"]),
        (403, &"Resource not accessible by integration".into())
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_written_listed_changed_and_deleted_with_github_s_refusals() {
    const COMMENTS: &str = "repos/org/repo/issues/7/comments";
    let play = stage().await;
    let call = async |method: &str, page: &str, body: Value| {
        send(&play.stage, (method, page), Some("ghs_token"), &body)
            .await
            .expect("an answer")
    };
    let made = call("POST", COMMENTS, json!({ "body": "one" })).await;
    assert_eq!(
        (made.status, &made.body["user"]["type"]),
        (201, &"Bot".into())
    );
    let own = format!("repos/org/repo/issues/comments/{}", made.body["id"]);
    call("POST", COMMENTS, json!({ "body": "two" })).await;
    let changed = call("PATCH", &own, json!({ "body": "three" })).await;
    assert_eq!(
        (changed.status, &changed.body["body"]),
        (200, &"three".into())
    );
    let page = get(&play.stage, &format!("{COMMENTS}?per_page=1&page=2")).await;
    assert_eq!(page.body[0]["body"], "two");
    let long = "x".repeat(65_537);
    for body in [json!({}), json!({ "body": "" }), json!({ "body": long })] {
        assert_eq!(call("POST", COMMENTS, body).await.status, 422);
    }
    assert_eq!(call("DELETE", &own, Value::Null).await.status, 204);
    for (method, page) in [
        ("DELETE", own.as_str()),
        ("PATCH", own.as_str()),
        ("POST", "repos/org/repo/issues/8/comments"),
        ("POST", "repos/org/other/issues/7/comments"),
    ] {
        let answer = call(method, page, json!({ "body": "four" })).await;
        assert_eq!(answer.status, 404, "{method} {page}");
    }
    play.stage.set_github(GithubOptions {
        access: GithubAccess::ReadOnly,
        ..github()
    });
    assert_eq!(get(&play.stage, COMMENTS).await.status, 200);
    let refused = call("POST", COMMENTS, json!({ "body": "five" })).await;
    assert_eq!(
        (refused.status, &refused.body["message"]),
        (403, &"Resource not accessible by integration".into())
    );
    play.stage.shutdown().await;
}
