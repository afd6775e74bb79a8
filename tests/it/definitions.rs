//! The task definition: unchanged, newer than the SDK, or not kept by AWS.

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Story, definition};

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_definition_gets_no_twin_and_no_deployment() {
    let mut play = Story::codedeploy().begin().await;
    play.act(Action::deploy("1.1.0")).await;
    let again = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_eq!(again.calls, []);
    assert_snapshot!(again.text(), @"");
}

/// A definition with fields that no SDK knows yet.
fn newer() -> Action {
    let mut newer = definition("placeholder");
    newer["quantumIsolation"] = json!({ "mode": "STRICT" });
    newer["containerDefinitions"][0]["warpFactor"] = json!(9);
    Action::deploy("1.1.0").file("task.json", &newer.to_string()).with("task-definition", "task.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_newer_than_the_sdk_reaches_aws_unharmed() {
    let told = Story::codedeploy().told(newer()).await;
    let sent = &told.calls.iter().find(|call| call.operation == "ecs:RegisterTaskDefinition").expect("a registration").request;
    assert_eq!(sent["quantumIsolation"], json!({ "mode": "STRICT" }));
    assert_eq!(sent["containerDefinitions"][0]["warpFactor"], 9);
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_aws_does_not_keep_is_a_warning_with_its_path() {
    let told = Story::codedeploy().switches(|switches| switches.keep_unknown_fields = false).told(newer()).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_change_the_container_and_the_log_shows_how() {
    let action =
        Action::deploy("1.1.0").with("environment-variables", "LOG_LEVEL=debug\nAPP_WARM_UP_MS=10").with("docker-labels", "team=api");
    let action = action.with("secrets", "SESSION_KEY=arn:aws:ssm:eu-central-1:123456789012:parameter/session-key").with("command", "serve");
    let told = Story::codedeploy().told(action.with("log-configuration-options", "awslogs-stream-prefix=app")).await;
    assert_snapshot!(told.log_with("  containerDefinitions"), @"");
    assert_eq!(told.output("outcome"), "deployed");
}
