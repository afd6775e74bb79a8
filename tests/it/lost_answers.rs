//! The effect lands and the answer is lost: it is found and adopted, and nothing is done twice.

use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions};
use insta::assert_snapshot;

use crate::harness::{Action, Story, Told};

/// A deployment whose call to this operation lands without an answer.
async fn lost(operation: &str, action: Action) -> Told {
    let mut play = Story::codedeploy().fault(Fault::first(operation, FaultKind::LandsThenDrops)).begin().await;
    let told = play.act(action).await;
    let ours = play.stage.ledger().iter().filter(|call| call.operation == "codedeploy:CreateDeployment").count();
    assert_eq!(ours, 1, "one deployment only");
    play.end().await;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_whose_creation_was_not_answered_is_adopted() {
    let told = lost("CreateDeployment", Action::deploy("1.1.0")).await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_whose_registration_was_not_answered_gets_no_twin() {
    let told = lost("RegisterTaskDefinition", Action::deploy("1.1.0")).await;
    assert_eq!(told.count("ecs:RegisterTaskDefinition"), 1);
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_whose_opening_was_not_answered_is_open() {
    assert_snapshot!(lost("ContinueDeployment", Action::tested("1.1.0")).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_was_not_answered_still_ends_on_blue() {
    assert_snapshot!(lost("StopDeployment", Action::tested_by("1.2.0", &["health"])).await.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_arrived_is_made_again_after_a_look() {
    let mut play = Story::codedeploy().fault(Fault::first("CreateDeployment", FaultKind::Drops)).begin().await;
    let told = play.act(Action::deploy("1.1.0")).await;
    assert_eq!(play.stage.deployments().len(), 1);
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_update_was_not_answered_is_followed() {
    let story = Story::rolling(RollingOptions::default()).fault(Fault::first("UpdateService", FaultKind::LandsThenDrops));
    assert_snapshot!(story.told(Action::deploy("1.1.0")).await.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_task_whose_start_was_not_answered_runs_once() {
    let action =
        Action::deploy("1.1.0").with("run-task", "true").with("run-task-container-overrides", r#"[{"name":"app","command":["migrate"]}]"#);
    let mut play = Story::codedeploy().fault(Fault::first("RunTask", FaultKind::LandsThenDrops)).begin().await;
    let told = play.act(action).await;
    play.end().await;
    assert_eq!(told.output("run-task-arn").matches("arn:aws:ecs").count(), 1);
    assert_snapshot!(told.ending(), @"");
}
