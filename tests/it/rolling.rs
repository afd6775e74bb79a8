//! Services that ECS rolls in place.

use ecs_bluegreen_sim::{Breaker, BreakerRollback, RollingOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Deed, Play, Story, When, definition};

fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

fn breaker(breaker: Breaker) -> Story {
    Story::rolling(RollingOptions { breaker, ..RollingOptions::default() })
}

/// The revision that ECS works towards.
fn primary(play: &Play) -> String {
    let service = play.stage.service_view("api").expect("the service");
    let revision = service.primary().expect("a deployment").revision.clone();
    revision.rsplit('/').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_replaces_the_tasks_one_by_one() {
    let told = story().told(Action::tested("1.1.0").without("test-url")).await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_on_production_is_replaced_by_the_old_one() {
    let mut play = story().begin().await;
    let action = Action::tested("1.3.0").without("test-url").with("environment-variables", "APP_PRODUCTION_PORT=$PORT");
    let told = play.act(action).await;
    assert_eq!(primary(&play), "api:1");
    play.end().await;
    assert_snapshot!(told.text(), @"");
}

/// A version that crashes, with a circuit breaker that goes back.
async fn broken(rollback: BreakerRollback) -> String {
    let mut play = breaker(Breaker::Rollback).switches(|switches| switches.breaker_rollback = rollback).begin().await;
    let told = play.act(Action::deploy("1.4.0")).await;
    assert_eq!(primary(&play), "api:1");
    play.end().await;
    told.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_breaker_that_brings_the_former_deployment_back_is_recognised() {
    assert_snapshot!(broken(BreakerRollback::FormerId).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_breaker_that_makes_a_new_deployment_of_the_old_revision_is_recognised() {
    assert_snapshot!(broken(BreakerRollback::NewId).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_breaker_that_only_gives_up_is_followed_by_our_own_way_back() {
    let mut play = breaker(Breaker::Fail).begin().await;
    let told = play.act(Action::deploy("1.4.0")).await;
    assert_eq!(primary(&play), "api:1");
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_circuit_breaker_the_deadline_ends_the_wait() {
    let told = story().told(Action::deploy("1.4.0").with("deadline", "2s")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_somebody_else_supersedes_ours_and_is_left_alone() {
    let theirs = Deed::Call(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "taskDefinition": "api:1", "forceNewDeployment": true }),
    );
    let told = story().told(Action::deploy("1.1.0").at(When::Line("Deployment started"), theirs)).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_wants_zero_tasks_is_refused_because_nothing_would_serve() {
    let told = story().service(|service| service.desired = 0).told(Action::deploy("1.1.0")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn zero_tasks_that_are_asked_for_are_rolled_out_and_nothing_is_claimed() {
    let told = story().service(|service| service.desired = 0).told(Action::deploy("1.1.0").with("desired-count", "0")).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_already_is_not_deployed_again() {
    let mut play = story().begin().await;
    play.act(Action::deploy("1.1.0")).await;
    let again = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_snapshot!(again.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_deployment_can_be_forced_although_nothing_changed() {
    let told = story().told(Action::service().with("force-new-deployment", "true")).await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_definition_is_only_registered() {
    let action = Action::bare().file(
        "task.json",
        &definition("$REGISTRY/app:1.0.0").to_string().replace("\"256\"", "\"512\"").replace("\"memory\":\"512\"", "\"memory\":\"1024\""),
    );
    let told = story().told(action.with("task-definition", "task.json")).await;
    assert_snapshot!(told.text(), @"");
}
