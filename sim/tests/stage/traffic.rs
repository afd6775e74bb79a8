//! Users while traffic moves, and the clock that needs no observer.

use std::time::Duration;

use ecs_bluegreen_sim::world::load::{Load, LoadOptions};
use ecs_bluegreen_sim::{Clock, Controller, GroupOptions, StageOptions, StateChange};
use serde_json::json;

use crate::codedeploy::{deploy, reach};
use crate::harness::{PATIENCE, Play};

fn when(timeline: &[StateChange], id: &str, state: &str) -> i64 {
    let found = timeline
        .iter()
        .find(|moment| moment.subject == id && moment.state.contains(state));
    found
        .unwrap_or_else(|| panic!("{state} is missing in {timeline:#?}"))
        .at_ms
}

#[tokio::test(flavor = "multi_thread")]
async fn no_user_sees_a_failure_through_a_shift_and_through_a_rollback() {
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSLinear10PercentEvery1Minutes".into(),
        ready_wait_minutes: None,
        ..GroupOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(group), StageOptions::default()).await;
    let load = Load::start(LoadOptions {
        connections: 4,
        ..LoadOptions::for_target(play.stage.listener("prod").expect("a listener"))
    });
    let first = deploy(&play, "1.1.0").await;
    reach(&play, &first, "Succeeded").await;
    let second = deploy(&play, "1.0.0").await;
    let shifting = |stage: &ecs_bluegreen_sim::Stage| {
        stage.weights("prod").iter().all(|(_, weight)| *weight > 0)
    };
    assert!(play.stage.wait_until(PATIENCE, shifting).await);
    play.ask(
        "codedeploy.StopDeployment",
        json!({ "deploymentId": second, "autoRollbackEnabled": true }),
    )
    .await;
    let back = |stage: &ecs_bluegreen_sim::Stage| {
        stage
            .deployments()
            .get(2)
            .is_some_and(|id| stage.deployment_status(id).as_deref() == Some("Succeeded"))
    };
    assert!(play.stage.wait_until(PATIENCE, back).await);
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    let stats = load.stop().await;
    assert_eq!(stats.failures, 0, "{:?}", stats.failures_by_kind);
    assert!(stats.requests > 100, "{stats:?}");
    assert_eq!(
        stats.versions.keys().collect::<Vec<_>>(),
        ["1.0.0", "1.1.0"]
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaled_clock_goes_on_although_nobody_looks() {
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSCanary10Percent5Minutes".into(),
        ready_wait_minutes: None,
        termination_minutes: 5,
        ..GroupOptions::default()
    };
    let options = StageOptions {
        clock: Clock::Scaled(600.0),
        ..StageOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(group), options).await;
    let id = deploy(&play, "1.1.0").await;
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage.deployment_status(&id).as_deref()
                == Some("Succeeded"))
            .await
    );
    let timeline = play.stage.timeline();
    let canary = when(&timeline, &id, "prod forwards to api-1=90 api-2=10");
    let whole = when(&timeline, &id, "prod forwards to api-1=0 api-2=100");
    let waits = when(&timeline, &id, "termination wait");
    let over = when(&timeline, &id, "blue is being terminated");
    // Five minutes each, at a 600th; the rest of the second is for a busy machine.
    for lasted in [whole - canary, over - waits] {
        assert!((450..2000).contains(&lasted), "{lasted}");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        play.stage.read_counts().get("codedeploy:GetDeployment"),
        None
    );
    play.stage.shutdown().await;
}
