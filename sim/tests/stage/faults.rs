//! Faults and denied actions, as a caller meets them.

use ecs_bluegreen_sim::{Breaker, Controller, Fault, FaultKind, RollingOptions, StageOptions};
use serde_json::{Value, json};

use crate::harness::{Play, definition};

async fn stage() -> Play {
    let options = RollingOptions {
        breaker: Breaker::Off,
        ..RollingOptions::default()
    };
    Play::with(Controller::Rolling(options), StageOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_lands_and_then_drops_has_its_effect_and_is_in_the_ledger() {
    let play = stage().await;
    play.stage.inject(Fault::on_first_call(
        "RegisterTaskDefinition",
        FaultKind::LandsThenDrops,
    ));
    let body = definition("example/app:1").to_string();
    let target = [(
        "x-amz-target",
        "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
    )];
    assert!(play.try_send(&target, body).await.is_none());
    let listed = play
        .ask("ecs.ListTaskDefinitions", json!({ "familyPrefix": "api" }))
        .await;
    assert_eq!(
        listed["taskDefinitionArns"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        play.stage.ledger().last().map(|entry| entry.status),
        Some(0)
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_stale_reads_and_expired_credentials_come_when_planned() {
    let play = stage().await;
    let asked = json!({ "cluster": "prod", "services": ["api"] });
    let before = play.ask("ecs.DescribeServices", asked.clone()).await;
    play.stage.inject(Fault::on_first_call(
        "DescribeServices",
        FaultKind::Throttled,
    ));
    assert_eq!(
        play.refused("ecs.DescribeServices", asked.clone()).await,
        "ThrottlingException"
    );
    play.ask(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "desiredCount": 2 }),
    )
    .await;
    play.stage.inject(Fault::on_first_call(
        "DescribeServices",
        FaultKind::StaleRead,
    ));
    assert_eq!(
        play.ask("ecs.DescribeServices", asked.clone()).await,
        before
    );
    assert_eq!(
        play.ask("ecs.DescribeServices", asked.clone()).await["services"][0]["desiredCount"],
        2
    );
    play.stage
        .inject(Fault::on_first_call("*", FaultKind::ExpiredCredentials));
    assert_eq!(
        play.refused("ecs.DescribeServices", asked).await,
        "ExpiredTokenException"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_action_is_refused_in_aws_words() {
    let play = stage().await;
    play.stage.deny(&["iam:PassRole"]);
    let refused = play
        .call("ecs.RegisterTaskDefinition", &definition("example/app:1"))
        .await;
    assert_eq!(refused.body["__type"], "AccessDeniedException");
    let message = refused
        .body
        .get("Message")
        .and_then(Value::as_str)
        .expect("a message");
    assert!(
        message.contains("is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/execution"),
        "{message}"
    );
    play.stage.shutdown().await;
}
