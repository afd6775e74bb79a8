//! The service deployments of rolling rollouts.

use ecs_bluegreen_sim::{AlarmState, Breaker, Controller, RollingOptions, Stage, StageOptions};
use serde_json::{Value, json};

use crate::ecs::{deploy, deploy_with, newest, reach, services, stop};
use crate::harness::{PATIENCE, Play};

async fn stage(rolling: RollingOptions) -> Play {
    Play::with(Controller::Rolling(rolling), StageOptions::default()).await
}

/// A rolling rollout advances when its service is looked at.
async fn ends(play: &Play, arn: &str, status: &str) -> Value {
    loop {
        play.ask("ecs.DescribeServices", services()).await;
        let answer = play
            .ask(
                "ecs.DescribeServiceDeployments",
                json!({ "serviceDeploymentArns": [arn] }),
            )
            .await;
        let deployment = answer["serviceDeployments"][0].clone();
        if deployment["status"] == status {
            return deployment;
        }
        let over = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL"]
            .iter()
            .any(|over| deployment["status"] == *over);
        assert!(!over, "{deployment:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_rollout_is_a_service_deployment_without_stages_or_weights() {
    let play = stage(RollingOptions::default()).await;
    let founding = newest(&play).await.expect("history");
    let arn = deploy(&play, "1.1.0").await;
    let done = ends(&play, &arn, "SUCCESSFUL").await;
    assert!(
        done.get("lifecycleStage").is_none()
            && done["targetServiceRevision"]
                .get("requestedProductionTrafficWeight")
                .is_none()
    );
    assert_eq!(done["deploymentConfiguration"]["strategy"], "ROLLING");
    let former = reach(&play, &founding, "SUCCESSFUL").await;
    assert_eq!(
        done["sourceServiceRevisions"][0]["arn"],
        former["targetServiceRevision"]["arn"]
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_rolls_back_inside_the_same_deployment_or_stops_it() {
    for (breaker, status, reason) in [
        (
            Breaker::Rollback,
            "ROLLBACK_SUCCESSFUL",
            "rolled back because the circuit",
        ),
        (Breaker::Fail, "STOPPED", "failed because the circuit"),
    ] {
        let play = stage(RollingOptions {
            breaker,
            ..RollingOptions::default()
        })
        .await;
        let arn = deploy(&play, "1.4.0").await;
        let over = ends(&play, &arn, status).await;
        assert!(
            over["statusReason"]
                .as_str()
                .is_some_and(|said| said.contains(reason)),
            "{over:#}"
        );
        assert_eq!(over["deploymentCircuitBreaker"]["failureCount"], 3);
        assert_eq!(over.get("rollback").is_some(), breaker == Breaker::Rollback);
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_rolls_back_although_no_breaker_is_configured() {
    let play = stage(RollingOptions::default()).await;
    let arn = deploy(&play, "1.4.0").await;
    stop(&play, &arn).await;
    let over = ends(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(
        over["statusReason"],
        "Service deployment rolled back because of a user request."
    );
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_rolls_back_and_is_named() {
    let play = stage(RollingOptions {
        breaker: Breaker::Rollback,
        alarms: vec!["errors".into()],
        ..RollingOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.4.0").await;
    play.stage.set_alarm("errors", AlarmState::Alarm);
    let over = ends(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(over["alarms"]["triggeredAlarmNames"], json!(["errors"]));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_rollout_stops_the_older_one() {
    let play = stage(RollingOptions::default()).await;
    let older = deploy(&play, "1.4.0").await;
    let newer = deploy(&play, "1.1.0").await;
    assert_eq!(
        reach(&play, &older, "STOPPED").await["targetServiceRevision"]["requestedTaskCount"],
        1
    );
    ends(&play, &newer, "SUCCESSFUL").await;
    let described = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(described["currentServiceDeployment"], newer);
    assert_eq!(
        described["currentServiceRevisions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn early_success_does_not_wait_for_all_tasks_nor_for_those_of_before() {
    let play = stage(RollingOptions {
        minimum_healthy_percent: 0,
        ..RollingOptions::default()
    })
    .await;
    let criteria = |cleanup: &str| json!({ "earlySuccessCriteria": { "enable": true, "healthyPercent": 0, "sourceServiceRevisionCleanup": cleanup } });
    let arn = deploy_with(&play, "1.4.0", criteria("DEFERRED")).await;
    let done = ends(&play, &arn, "SUCCESSFUL").await;
    assert_eq!(
        done["deploymentConfiguration"]["earlySuccessCriteria"]["healthyPercent"],
        0
    );
    let good = deploy_with(&play, "1.1.0", criteria("BLOCKING")).await;
    ends(&play, &good, "SUCCESSFUL").await;
    assert!(play.stage.wait_until_steady("api", PATIENCE).await);
    let alone = |stage: &Stage| {
        stage
            .service_view("api")
            .is_some_and(|view| view.fleets.len() == 1)
    };
    assert!(play.stage.wait_until(PATIENCE, alone).await);
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_rollout_that_fails_waits_for_a_person() {
    let play = stage(RollingOptions {
        breaker: Breaker::Rollback,
        first_deployment: true,
        ..RollingOptions::default()
    })
    .await;
    assert_eq!(newest(&play).await, None);
    let arn = deploy(&play, "1.4.0").await;
    let stalled = ends(&play, &arn, "ROLLBACK_IN_PROGRESS").await;
    assert!(stalled["rollback"].get("serviceRevisionArn").is_none());
    let next = deploy(&play, "1.1.0").await;
    ends(&play, &next, "SUCCESSFUL").await;
    play.stage.shutdown().await;
}
