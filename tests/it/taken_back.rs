//! Every way in which a CodeDeploy rollout goes wrong, and that blue serves afterwards.

use ecs_bluegreen_sim::{GroupOptions, ReadyExpiry, RollbackEnding};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Deed, Play, Story, When};

/// Production is all on blue, as the load balancer does it.
fn assert_blue_serves(play: &Play) {
    let weights = play.stage.weights("prod");
    let on_green: u32 = weights.iter().filter(|(group, _)| group != "api-1").map(|(_, weight)| weight).sum();
    assert!(on_green == 0, "{weights:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_at_the_gate_never_reaches_a_user() {
    let mut play = Story::codedeploy().begin().await;
    let told = play.act(Action::tested_by("1.2.0", &["health", "me"])).await;
    assert_blue_serves(&play);
    assert!(!play.users().versions.contains_key("1.2.0"));
    play.end().await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_on_production_is_taken_back_after_the_shift() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let told = play.act(Action::tested("1.3.0").with("environment-variables", "APP_PRODUCTION_PORT=$PORT")).await;
    assert_blue_serves(&play);
    play.end().await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_crashes_is_given_up_with_its_last_words() {
    let mut play = Story::codedeploy().begin().await;
    let told = play.act(Action::tested("1.4.0")).await;
    assert_blue_serves(&play);
    play.end().await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_during_the_shift_brings_blue_back() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let told = play.act(Action::tested("1.1.0").at(When::State("api-1=90"), Deed::Alarm)).await;
    assert_blue_serves(&play);
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_somebody_else_stops_is_rolled_back_and_the_reason_says_so() {
    let stop = Deed::Call("codedeploy.StopDeployment", json!({ "deploymentId": "$DEPLOYMENT", "autoRollbackEnabled": true }));
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let told = play.act(Action::tested("1.1.0").at(When::State("api-1=90"), stop)).await;
    assert_blue_serves(&play);
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

/// A gate that closes before the tests are done.
async fn expired(expiry: ReadyExpiry) -> String {
    let group =
        GroupOptions { ready_wait_minutes: Some(1), auto_rollback: vec!["DEPLOYMENT_STOP_ON_REQUEST".into()], ..GroupOptions::default() };
    let mut play = Story::group(group).switches(|switches| switches.ready_expiry = expiry).begin().await;
    let told = play.act(Action::slowly_tested("1.1.0")).await;
    assert_blue_serves(&play);
    play.end().await;
    told.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_expires_before_the_tests_are_done_leaves_blue_serving() {
    assert_snapshot!(expired(ReadyExpiry::NoRollback).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_expires_and_counts_as_a_stop_is_rolled_back_by_codedeploy() {
    assert_snapshot!(expired(ReadyExpiry::AsStop).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_somebody_else_opens_before_the_tests_means_going_back() {
    let go = Deed::Call("codedeploy.ContinueDeployment", json!({ "deploymentId": "$DEPLOYMENT", "deploymentWaitType": "READY_WAIT" }));
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let told = play.act(Action::tested("1.1.0").with("poll-interval", "2s").at(When::State("Ready"), go)).await;
    assert_blue_serves(&play);
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_fails_is_stuck_and_names_the_command() {
    let story = Story::codedeploy().switches(|switches| switches.rollback_ending = RollbackEnding::Fails);
    let told = story.told(Action::tested_by("1.2.0", &["health"])).await;
    assert_snapshot!(told.with_summary(), @"");
}
