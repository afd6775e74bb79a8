//! Deployments that ECS itself shifts: blue/green, canary and linear, from `UpdateService` to their
//! ends.

use ecs_bluegreen_sim::{Clock, Controller, EcsStrategyOptions, Stage, StageOptions, Strategy};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Play};

pub(crate) async fn stage(ecs: EcsStrategyOptions) -> Play {
    Play::with(Controller::Ecs(ecs), StageOptions::default()).await
}

pub(crate) fn services() -> Value {
    json!({ "cluster": "prod", "services": ["api"] })
}

pub(crate) fn pause(stages: &[&str], minutes: u32) -> Value {
    json!({ "targetType": "PAUSE", "lifecycleStages": stages, "timeoutConfiguration": { "timeoutInMinutes": minutes, "action": "ROLLBACK" } })
}

/// Starts a deployment of a version, and returns its ARN.
pub(crate) async fn deploy(play: &Play, version: &str) -> String {
    deploy_with(play, version, json!({})).await
}

/// The same, with a `deploymentConfiguration`.
pub(crate) async fn deploy_with(play: &Play, version: &str, configuration: Value) -> String {
    let revision = play.register(version).await;
    let body = json!({ "cluster": "prod", "service": "api", "taskDefinition": revision, "deploymentConfiguration": configuration });
    let answer = play.ask("ecs.UpdateService", body).await;
    assert_eq!(answer["service"]["taskDefinition"], revision);
    newest(play).await.unwrap_or_else(|| {
        answer["service"]["currentServiceDeployment"]
            .as_str()
            .expect("an ARN")
            .to_owned()
    })
}

/// The newest deployment in the list.
pub(crate) async fn newest(play: &Play) -> Option<String> {
    let listed = play
        .ask(
            "ecs.ListServiceDeployments",
            json!({ "cluster": "prod", "service": "api" }),
        )
        .await;
    listed["serviceDeployments"][0]["serviceDeploymentArn"]
        .as_str()
        .map(ToOwned::to_owned)
}

pub(crate) async fn look(play: &Play, arn: &str) -> Value {
    play.ask(
        "ecs.DescribeServiceDeployments",
        json!({ "serviceDeploymentArns": [arn] }),
    )
    .await["serviceDeployments"][0]
        .clone()
}

/// Looks until a condition holds.
pub(crate) async fn until(play: &Play, arn: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let body = json!({ "serviceDeploymentArns": [arn] });
    play.until("ecs.DescribeServiceDeployments", body, |answer| {
        holds(&answer["serviceDeployments"][0])
    })
    .await["serviceDeployments"][0]
        .clone()
}

pub(crate) async fn reach(play: &Play, arn: &str, status: &str) -> Value {
    until(play, arn, |deployment| deployment["status"] == status).await
}

/// The hook that waits, once one does.
pub(crate) async fn paused(play: &Play, arn: &str) -> (Value, String) {
    let seen = until(play, arn, |deployment| waiting(deployment).is_some()).await;
    let hook = waiting(&seen).expect("a hook");
    (seen, hook)
}

pub(crate) fn waiting(deployment: &Value) -> Option<String> {
    let hooks = deployment["lifecycleHookDetails"].as_array()?;
    hooks
        .iter()
        .find(|hook| hook["status"] == "AWAITING_ACTION")?["hookId"]
        .as_str()
        .map(ToOwned::to_owned)
}

pub(crate) async fn go_on(play: &Play, arn: &str, hook: &str, action: &str) {
    let body = json!({ "serviceDeploymentArn": arn, "hookId": hook, "action": action });
    assert_eq!(
        play.ask("ecs.ContinueServiceDeployment", body).await["serviceDeploymentArn"],
        arn
    );
}

pub(crate) async fn stop(play: &Play, arn: &str) {
    play.ask(
        "ecs.StopServiceDeployment",
        json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" }),
    )
    .await;
}

/// The states of a deployment that are stages, in the order in which they came.
pub(crate) fn stages(stage: &Stage, arn: &str) -> Vec<String> {
    let marks = stage
        .timeline()
        .into_iter()
        .filter(|moment| moment.subject == arn);
    marks
        .map(|moment| moment.state)
        .filter(|state| {
            state
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter == '_')
        })
        .collect()
}

/// The shares of green in production, in the order in which they came.
fn shares(stage: &Stage, arn: &str, green: &str) -> Vec<String> {
    let marks = stage
        .timeline()
        .into_iter()
        .filter(|moment| moment.subject == arn && moment.state.starts_with("prod forwards"));
    let share = |state: String| {
        state
            .split(&format!("{green}="))
            .nth(1)
            .unwrap_or_default()
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    marks.map(|moment| share(moment.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_green_goes_through_all_its_stages_and_then_serves_everybody() {
    let play = stage(EcsStrategyOptions::default()).await;
    let arn = deploy(&play, "1.1.0").await;
    let seen = until(&play, &arn, |deployment| {
        deployment["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    })
    .await;
    assert_eq!(
        seen["targetServiceRevision"]["requestedTestTrafficWeight"],
        100.0
    );
    assert_eq!(
        seen["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"],
        100.0
    );
    assert_eq!(seen["targetServiceRevision"]["runningTaskCount"], 1);
    let done = reach(&play, &arn, "SUCCESSFUL").await;
    assert_eq!(
        done["targetServiceRevision"]["requestedProductionTrafficWeight"],
        100.0
    );
    assert!(done["finishedAt"].is_number());
    let expected = [
        "PENDING",
        "IN_PROGRESS",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
        "SUCCESSFUL",
    ];
    assert_eq!(stages(&play.stage, &arn), expected);
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    assert!(play.get("test", "/health").await.contains("1.1.0"));
    let service = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(1));
    assert_eq!(service["currentServiceDeployment"], arn);
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canary_takes_two_steps_and_linear_as_many_as_it_needs() {
    let canary = Strategy::Canary {
        percent: 2.5,
        bake_minutes: 5,
    };
    let linear = Strategy::Linear {
        percent: 40.0,
        bake_minutes: 1,
    };
    for (strategy, expected) in [
        (canary, vec!["25", "100"]),
        (linear, vec!["40", "80", "100"]),
    ] {
        let play = stage(EcsStrategyOptions {
            strategy,
            ..EcsStrategyOptions::default()
        })
        .await;
        let arn = deploy(&play, "1.1.0").await;
        reach(&play, &arn, "SUCCESSFUL").await;
        assert_eq!(shares(&play.stage, &arn, "api-2"), expected);
        let steps = stages(&play.stage, &arn)
            .into_iter()
            .filter(|stage| stage == "PRE_PRODUCTION_TRAFFIC_SHIFT")
            .count();
        assert_eq!(steps, expected.len());
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaled_clock_goes_on_although_nobody_looks() {
    let strategy = Strategy::Linear {
        percent: 50.0,
        bake_minutes: 4,
    };
    let options = StageOptions {
        clock: Clock::Scaled(600.0),
        ..StageOptions::default()
    };
    let play = Play::with(
        Controller::Ecs(EcsStrategyOptions {
            strategy,
            ..EcsStrategyOptions::default()
        }),
        options,
    )
    .await;
    let revision = play.register("1.1.0").await;
    play.ask(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "taskDefinition": revision }),
    )
    .await;
    let done = |stage: &Stage| {
        stage
            .service_deployments()
            .last()
            .is_some_and(|last| last.status == "SUCCESSFUL")
    };
    assert!(
        play.stage.wait_until(PATIENCE, done).await,
        "{:#?}",
        play.stage.service_deployments()
    );
    let arn = play
        .stage
        .service_deployments()
        .last()
        .expect("a deployment")
        .arn
        .clone();
    let timeline = play.stage.timeline();
    let when = |state: &str| {
        timeline
            .iter()
            .find(|moment| moment.subject == arn && moment.state == state)
            .expect(state)
            .at_ms
    };
    let step =
        when("prod forwards to api-1=0 api-2=100") - when("prod forwards to api-1=50 api-2=50");
    let bake = when("CLEAN_UP") - when("BAKE_TIME");
    // Four and five minutes at a 600th; the rest of the second is for a busy machine.
    assert!(
        (380..1500).contains(&step) && (480..1500).contains(&bake),
        "{step} {bake}"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_groups_alternate_from_deployment_to_deployment() {
    let play = stage(EcsStrategyOptions::default()).await;
    let mut groups = Vec::new();
    for version in ["1.1.0", "1.0.0"] {
        let arn = deploy(&play, version).await;
        let done = reach(&play, &arn, "SUCCESSFUL").await;
        let revision = done["targetServiceRevision"]["arn"].clone();
        let described = play
            .ask(
                "ecs.DescribeServiceRevisions",
                json!({ "serviceRevisionArns": [revision] }),
            )
            .await;
        let resolved =
            described["serviceRevisions"][0]["resolvedConfiguration"]["loadBalancers"][0].clone();
        let service = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
        let rule = &service["loadBalancers"][0]["advancedConfiguration"]["productionListenerRule"];
        assert_eq!(resolved["productionListenerRule"], *rule);
        assert!(play.get("prod", "/health").await.contains(version));
        groups.push(
            resolved["targetGroupArn"]
                .as_str()
                .expect("an ARN")
                .split('/')
                .nth(1)
                .expect("a name")
                .to_owned(),
        );
    }
    assert_eq!(groups, ["api-2", "api-1"]);
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_takes_everything_back_inside_the_same_deployment() {
    let play = stage(EcsStrategyOptions {
        strategy: Strategy::Canary {
            percent: 20.0,
            bake_minutes: 5,
        },
        ..EcsStrategyOptions::default()
    })
    .await;
    let before = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    let arn = deploy(&play, "1.1.0").await;
    let moved = until(&play, &arn, |deployment| {
        deployment["targetServiceRevision"]["requestedProductionTrafficWeight"] == 20.0
    })
    .await;
    stop(&play, &arn).await;
    let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(
        back["rollback"]["serviceRevisionArn"],
        moved["sourceServiceRevisions"][0]["arn"]
    );
    assert_eq!(
        play.stage.weights("prod"),
        [("api-1".to_owned(), 100), ("api-2".to_owned(), 0)]
    );
    assert_eq!(
        play.stage.weights("test"),
        [("api-1".to_owned(), 100), ("api-2".to_owned(), 0)]
    );
    let after = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(after["taskDefinition"], before["taskDefinition"]);
    assert_eq!(after["deployments"].as_array().map(Vec::len), Some(1));
    let late = json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" });
    assert_eq!(
        play.refused("ecs.StopServiceDeployment", late).await,
        "ConflictException"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_that_does_not_start_goes_back_by_itself() {
    let play = stage(EcsStrategyOptions {
        breaker: ecs_bluegreen_sim::Breaker::Rollback,
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.4.0").await;
    let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(back["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert!(
        back["statusReason"]
            .as_str()
            .is_some_and(|reason| reason.contains("circuit breaker")),
        "{back}"
    );
    assert!(play.stage.wait_until_steady("api", PATIENCE).await);
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_changes_nothing_starts_nothing() {
    let play = stage(EcsStrategyOptions::default()).await;
    let before = newest(&play).await;
    let current =
        play.ask("ecs.DescribeServices", services()).await["services"][0]["taskDefinition"].clone();
    let body = json!({ "cluster": "prod", "service": "api", "taskDefinition": current, "deploymentConfiguration": { "bakeTimeInMinutes": 3 } });
    let answer = play.ask("ecs.UpdateService", body).await;
    assert_eq!(
        answer["service"]["deploymentConfiguration"]["bakeTimeInMinutes"],
        3
    );
    assert_eq!(newest(&play).await, before);
    let forced = play
        .ask(
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true }),
        )
        .await;
    assert_ne!(forced["service"]["currentServiceDeployment"], json!(before));
    play.stage.shutdown().await;
}
