//! `/_stage/`: what shells and tests of the container image use.

use std::time::Duration;

use ecs_bluegreen_sim::{Controller, GroupOptions, StageOptions};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::harness::Play;

async fn page(play: &Play, method: Method, page: &str, body: Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}/_stage/{page}", play.stage.endpoint()));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(
            request
                .body(Full::<bytes::Bytes>::from(body))
                .expect("a request"),
        )
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

async fn shown(play: &Play, name: &str) -> Value {
    page(play, Method::GET, name, Value::Null).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_sees_and_steers_what_rust_does() {
    let play = Play::with(
        Controller::CodeDeploy(GroupOptions::default()),
        StageOptions::default(),
    )
    .await;
    play.register("1.1.0").await;
    play.ask("ecs.ListTasks", json!({ "cluster": "prod" }))
        .await;
    assert_eq!(
        shown(&play, "ledger").await[0]["operation"],
        "ecs:RegisterTaskDefinition"
    );
    assert_eq!(shown(&play, "reads").await["ecs:ListTasks"], 1);
    assert_eq!(shown(&play, "weights").await["prod"]["api-1"], 100);
    assert_eq!(
        shown(&play, "services/api").await["fleets"][0]["status"],
        "PRIMARY"
    );
    assert_eq!(
        shown(&play, "addresses").await["registry"],
        json!(play.stage.registry_endpoint())
    );
    assert_eq!(shown(&play, "deployments").await, json!([]));
    assert_eq!(shown(&play, "service-deployments").await, json!([]));
    assert_eq!(
        page(&play, Method::POST, "alarm/errors", json!("ALARM"))
            .await
            .0,
        200
    );
    assert_eq!(shown(&play, "timeline").await[0]["subject"], "errors");
    assert_eq!(
        page(
            &play,
            Method::POST,
            "faults",
            json!({ "operation": "ListTasks", "kind": { "slow": 300 } })
        )
        .await
        .0,
        200
    );
    let began = tokio::time::Instant::now();
    play.ask("ecs.ListTasks", json!({ "cluster": "prod" }))
        .await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        page(&play, Method::POST, "denied", json!(["ecs:List*"]))
            .await
            .0,
        200
    );
    assert_eq!(
        play.refused("ecs.ListTasks", json!({ "cluster": "prod" }))
            .await,
        "AccessDeniedException"
    );
    assert_eq!(
        page(
            &play,
            Method::POST,
            "faults",
            json!({ "operation": "ListTasks", "kind": "nonsense" })
        )
        .await
        .0,
        400
    );
    assert_eq!(
        page(&play, Method::GET, "nothing", Value::Null).await.0,
        404
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_gets_no_answer_and_has_no_effect() {
    let play = Play::with(
        Controller::CodeDeploy(GroupOptions::default()),
        StageOptions::default(),
    )
    .await;
    page(
        &play,
        Method::POST,
        "faults",
        json!({ "operation": "ecs:DeregisterTaskDefinition", "kind": "hangs" }),
    )
    .await;
    let target = [(
        "x-amz-target",
        "AmazonEC2ContainerServiceV20141113.DeregisterTaskDefinition",
    )];
    let call = play.try_send(&target, json!({ "taskDefinition": "api:1" }).to_string());
    assert!(
        tokio::time::timeout(Duration::from_millis(300), call)
            .await
            .is_err()
    );
    let described = play
        .ask(
            "ecs.DescribeTaskDefinition",
            json!({ "taskDefinition": "api:1" }),
        )
        .await;
    assert_eq!(described["taskDefinition"]["status"], "ACTIVE");
    play.stage.shutdown().await;
}
