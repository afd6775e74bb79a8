//! The workflow is cancelled, or the machine dies: blue serves, and nothing of ours is left armed.

use std::time::Duration;

use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions};
use insta::assert_snapshot;

use crate::harness::{Action, Deed, Play, Story, Told, When};

/// Production is all on blue, and no deployment goes on.
fn assert_over(play: &Play) {
    let on_green: u32 = play.stage.weights("prod").iter().filter(|(group, _)| group != "api-1").map(|(_, weight)| weight).sum();
    assert!(on_green == 0, "{:?}", play.stage.weights("prod"));
    for id in play.stage.deployments() {
        let status = play.stage.deployment_status(&id).unwrap_or_default();
        assert!(["Stopped", "Succeeded", "Failed"].contains(&status.as_str()), "{id} is {status}");
    }
}

async fn cancelled(story: Story, action: Action) -> Told {
    let mut play = story.begin().await;
    let told = play.act(action).await;
    assert_over(&play);
    play.end().await;
    told
}

/// The machine dies at a moment; then the post step runs, twice.
async fn killed(story: Story, action: Action) -> String {
    let mut play = story.begin().await;
    let main = play.act(action).await;
    assert_eq!(main.code, None);
    let post = play.post(&main).await;
    assert_over(&play);
    let again = play.post(&main).await;
    assert_over(&play);
    assert_eq!(again.code, Some(0), "post is harmless when everything is taken back");
    play.end().await;
    format!("{}\n=== again\n{}", post.text(), again.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_green_comes_up() {
    let told = cancelled(Story::codedeploy(), Action::tested("1.1.0").at(When::State("Install InProgress"), Deed::Interrupt)).await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_green_is_tested() {
    let told = cancelled(Story::codedeploy(), Action::slowly_tested("1.1.0").at(When::Line("Smoke tests on green"), Deed::Interrupt)).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_traffic_moves() {
    let action = Action::tested("1.1.0").at(When::State("api-1=90"), Deed::Interrupt);
    assert_snapshot!(cancelled(Story::codedeploy().in_real_time(), action).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runner_s_second_signal_does_not_cut_the_rollback_short() {
    let action =
        Action::tested("1.1.0").at(When::State("api-1=90"), Deed::Interrupt).at(When::Later(Duration::from_millis(100)), Deed::Terminate);
    let told = cancelled(Story::codedeploy().in_real_time(), action).await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_outlasts_the_grace_is_finished_by_the_post_step() {
    // Stopping works, but for nine seconds nobody may look: the runner waits for seven and a half.
    let blind = Fault { operation: "GetDeployment".into(), nth: 1, times: 40, kind: FaultKind::Slow(9_000) };
    let action = Action::slowly_tested("1.1.0")
        .at(When::Line("Smoke tests on green"), Deed::Fault(blind))
        .at(When::Later(Duration::ZERO), Deed::Interrupt);
    let mut play = Story::codedeploy().begin().await;
    let main = play.act(action).await;
    play.stage.clear_faults();
    let post = play.post(&main).await;
    assert_over(&play);
    play.end().await;
    assert_snapshot!(format!("{}\n=== post\n{}", main.ending(), post.text()), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_green_comes_up_the_post_step_takes_the_deployment_back() {
    let action = Action::tested("1.1.0").at(When::State("Install InProgress"), Deed::Kill);
    assert_snapshot!(killed(Story::codedeploy(), action).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_traffic_moves_the_post_step_brings_blue_back() {
    let action = Action::tested("1.1.0").at(When::State("api-1=90"), Deed::Kill);
    assert_snapshot!(killed(Story::codedeploy().in_real_time(), action).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_deployment_s_id_was_known_the_post_step_finds_it_by_our_run() {
    let story = Story::codedeploy().fault(Fault::first("CreateDeployment", FaultKind::LandsThenHangs));
    assert_snapshot!(killed(story, Action::tested("1.1.0").at(When::State("Created"), Deed::Kill)).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_a_rolling_service_was_updated_the_post_step_goes_back() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    let main = play.act(Action::slowly_tested("1.1.0").without("test-url").at(When::Line("Smoke tests on production"), Deed::Kill)).await;
    let post = play.post(&main).await;
    let view = play.stage.service_view("api").expect("the service");
    assert!(view.primary().is_some_and(|fleet| fleet.revision.ends_with("api:1")), "{view:?}");
    play.end().await;
    assert_snapshot!(post.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_run_that_ended_the_post_step_has_nothing_to_do() {
    let mut play = Story::codedeploy().begin().await;
    let main = play.act(Action::deploy("1.1.0")).await;
    let post = play.post(&main).await;
    play.end().await;
    assert_snapshot!(post.text(), @"");
}
