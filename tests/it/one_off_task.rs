//! The one-off task before the rollout.

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Deed, Story, When, definition};

fn migrate(command: &[&str]) -> Action {
    let overrides = json!([{ "name": "app", "command": command }]).to_string();
    Action::deploy("1.1.0").with("run-task", "true").with("run-task-container-overrides", &overrides)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_passes_lets_the_rollout_begin() {
    assert_snapshot!(Story::codedeploy().told(migrate(&["migrate"])).await.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_ends_the_run_with_its_last_words_before_any_rollout() {
    assert_snapshot!(Story::codedeploy().told(migrate(&["migrate", "--fail"])).await.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sidecar_exits_with_says_nothing_about_the_task() {
    let mut with_sidecar = definition("placeholder");
    let sidecar = json!({ "name": "sidecar", "image": "$REGISTRY/app:1.4.0", "essential": false });
    with_sidecar["containerDefinitions"].as_array_mut().expect("containers").push(sidecar);
    let action = migrate(&["migrate"]).file("task.json", &with_sidecar.to_string()).with("task-definition", "task.json");
    let mut play = Story::codedeploy().begin().await.pushed("1.4.0").await;
    let told = play.act(action).await;
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_not_waited_for_does_not_hold_the_rollout() {
    let told = Story::codedeploy().told(migrate(&["migrate", "--fail"]).with("wait-for-task-stopped", "false")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_its_task() {
    let told = Story::codedeploy().told(migrate(&["serve"]).at(When::Line("the one-off task is RUNNING"), Deed::Interrupt)).await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_start_says_why() {
    let action = Action::service().file("task.json", &definition("$REGISTRY/app:9.9.9").to_string());
    let told = Story::codedeploy().told(action.with("task-definition", "task.json").with("run-task", "true")).await;
    assert_snapshot!(told.ending(), @"");
}
