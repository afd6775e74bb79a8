//! `CodeDeploy` deployments, from `CreateDeployment` to their ends.

use std::time::Duration;

use ecs_bluegreen_sim::{AlarmState, Clock, Controller, GroupOptions, StageOptions, Switches};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, Play};

async fn stage(group: GroupOptions) -> Play {
    Play::with(Controller::CodeDeploy(group), StageOptions::default()).await
}

pub(crate) fn request(revision: &str) -> Value {
    let content = json!({ "version": 0.0, "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties":
        { "TaskDefinition": revision, "LoadBalancerInfo": { "ContainerName": "app", "ContainerPort": 8080 } } } }] });
    json!({ "applicationName": "AppECS-prod-api", "deploymentGroupName": "DgpECS-prod-api",
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": content.to_string() } } })
}

pub(crate) async fn deploy(play: &Play, version: &str) -> String {
    let revision = play.register(version).await;
    let answer = play
        .ask("codedeploy.CreateDeployment", request(&revision))
        .await;
    answer["deploymentId"].as_str().expect("an id").to_owned()
}

pub(crate) async fn reach(play: &Play, id: &str, status: &str) -> Value {
    play.until(
        "codedeploy.GetDeployment",
        json!({ "deploymentId": id }),
        |answer| answer["deploymentInfo"]["status"] == status,
    )
    .await
}

async fn target(play: &Play, id: &str) -> Value {
    play.ask(
        "codedeploy.GetDeploymentTarget",
        json!({ "deploymentId": id, "targetId": "prod:api" }),
    )
    .await["deploymentTarget"]["ecsTarget"]
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_waits_at_the_gate_and_then_serves_everybody() {
    let play = stage(GroupOptions {
        config: "CodeDeployDefault.ECSCanary10Percent5Minutes".into(),
        ..GroupOptions::default()
    })
    .await;
    let id = deploy(&play, "1.1.0").await;
    reach(&play, &id, "Ready").await;
    assert!(play.get("test", "/health").await.contains("1.1.0"));
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    assert_eq!(
        play.refused("codedeploy.CreateDeployment", request("api:2"))
            .await,
        "DeploymentLimitExceededException"
    );
    let seen = target(&play, &id).await;
    assert_eq!(seen["status"], "Ready");
    assert_eq!(seen["taskSetsInfo"][1]["taskSetLabel"], "Green");
    assert_eq!(seen["taskSetsInfo"][1]["trafficWeight"], 0.0);
    play.ask(
        "codedeploy.ContinueDeployment",
        json!({ "deploymentId": id, "deploymentWaitType": "READY_WAIT" }),
    )
    .await;
    let mut weights = Vec::new();
    while play.stage.deployment_status(&id).as_deref() != Some("Succeeded") {
        let seen = target(&play, &id).await;
        let weight = seen["taskSetsInfo"]
            .as_array()
            .and_then(|sets| sets.last())
            .map_or(Value::Null, |set| set["trafficWeight"].clone());
        if weights.last() != Some(&weight) {
            weights.push(weight);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(weights, [json!(0.0), json!(10.0), json!(100.0)]);
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    let info = reach(&play, &id, "Succeeded").await;
    assert_eq!(
        info["deploymentInfo"]["instanceTerminationWaitTimeStarted"],
        true
    );
    let service = play
        .ask(
            "ecs.DescribeServices",
            json!({ "cluster": "prod", "services": ["api"] }),
        )
        .await["services"][0]
        .clone();
    assert_eq!(service["taskSets"].as_array().map(Vec::len), Some(1));
    assert_eq!(service["taskSets"][0]["externalId"], json!(id));
    assert_eq!(
        service["taskDefinition"],
        service["taskSets"][0]["taskDefinition"]
    );
    assert_eq!(
        play.refused("codedeploy.StopDeployment", json!({ "deploymentId": id }))
            .await,
        "DeploymentAlreadyCompletedException"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_with_rollback_makes_a_second_deployment_and_leaves_blue_alone() {
    let play = stage(GroupOptions::default()).await;
    let id = deploy(&play, "1.1.0").await;
    reach(&play, &id, "Ready").await;
    let stop = play
        .ask(
            "codedeploy.StopDeployment",
            json!({ "deploymentId": id, "autoRollbackEnabled": true }),
        )
        .await;
    assert_eq!(stop["status"], "Pending");
    reach(&play, &id, "Stopped").await;
    let linked = |answer: &Value| {
        answer["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"].is_string()
    };
    let info = play
        .until(
            "codedeploy.GetDeployment",
            json!({ "deploymentId": id }),
            linked,
        )
        .await;
    let rollback = info["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let info = reach(&play, &rollback, "Succeeded").await;
    assert_eq!(info["deploymentInfo"]["creator"], "codeDeployRollback");
    assert_eq!(
        info["deploymentInfo"]["rollbackInfo"]["rollbackTriggeringDeploymentId"],
        json!(id)
    );
    assert_eq!(
        play.stage.weights("prod"),
        [("api-1".to_owned(), 100), ("api-2".to_owned(), 0)]
    );
    assert_eq!(
        play.stage.weights("test"),
        [("api-1".to_owned(), 100), ("api-2".to_owned(), 0)]
    );
    assert_eq!(
        play.stage.service_view("api").map(|view| view.fleets.len()),
        Some(1)
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_the_termination_wait_flips_production_back() {
    let play = stage(GroupOptions {
        ready_wait_minutes: None,
        ..GroupOptions::default()
    })
    .await;
    let id = deploy(&play, "1.1.0").await;
    let waits =
        |answer: &Value| answer["deploymentInfo"]["instanceTerminationWaitTimeStarted"] == true;
    // Reading the wait would end it, so the stage is asked instead.
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .timeline()
                .iter()
                .any(|moment| moment.state == "termination wait"))
            .await
    );
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    play.ask(
        "codedeploy.StopDeployment",
        json!({ "deploymentId": id, "autoRollbackEnabled": true }),
    )
    .await;
    let info = reach(&play, &id, "Stopped").await;
    assert!(waits(&info));
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage.weights("prod")
                == [("api-1".to_owned(), 100), ("api-2".to_owned(), 0)])
            .await
    );
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_wait_that_nobody_ends_stops_the_deployment_and_leaves_green() {
    let clock = Clock::Observed {
        brief_ms: 20,
        patience_ms: 500,
        ready_minute_ms: 300,
    };
    let group = GroupOptions {
        ready_wait_minutes: Some(1),
        ..GroupOptions::default()
    };
    let play = Play::with(
        Controller::CodeDeploy(group),
        StageOptions {
            clock,
            ..StageOptions::default()
        },
    )
    .await;
    let id = deploy(&play, "1.1.0").await;
    let info = reach(&play, &id, "Stopped").await;
    assert!(info["deploymentInfo"]["rollbackInfo"].is_null());
    assert_eq!(
        play.stage.service_view("api").map(|view| view.fleets.len()),
        Some(2)
    );
    assert_eq!(
        play.refused(
            "codedeploy.ContinueDeployment",
            json!({ "deploymentId": id })
        )
        .await,
        "DeploymentAlreadyCompletedException"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_never_get_healthy_fail_the_install_and_say_why() {
    let switches = Switches {
        install_timeout_ms: Some(1500),
        ..Switches::default()
    };
    let group = GroupOptions {
        auto_rollback: vec!["DEPLOYMENT_FAILURE".into()],
        ..GroupOptions::default()
    };
    let play = Play::with(
        Controller::CodeDeploy(group),
        StageOptions {
            switches,
            ..StageOptions::default()
        },
    )
    .await;
    let id = deploy(&play, "1.4.0").await;
    let info = reach(&play, &id, "Failed").await;
    assert_eq!(
        info["deploymentInfo"]["errorInformation"]["code"],
        "TIMEOUT"
    );
    let stopped = play
        .ask(
            "ecs.ListTasks",
            json!({ "cluster": "prod", "serviceName": "api", "desiredStatus": "STOPPED" }),
        )
        .await;
    let tasks = play
        .ask(
            "ecs.DescribeTasks",
            json!({ "cluster": "prod", "tasks": [stopped["taskArns"][0]] }),
        )
        .await;
    assert_eq!(tasks["tasks"][0]["stopCode"], "EssentialContainerExited");
    assert_ne!(tasks["tasks"][0]["containers"][0]["exitCode"], 0);
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .service_view("api")
                .is_some_and(|view| view.fleets.len() == 1))
            .await
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_stops_the_shift_and_rolls_back_when_the_group_says_so() {
    let group = GroupOptions {
        alarms: vec!["errors".into()],
        auto_rollback: vec!["DEPLOYMENT_STOP_ON_ALARM".into()],
        ready_wait_minutes: None,
        ..GroupOptions::default()
    };
    let play = stage(group).await;
    let id = deploy(&play, "1.1.0").await;
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .weights("prod")
                .last()
                .is_some_and(|(_, weight)| *weight == 100))
            .await
    );
    play.stage.set_alarm("errors", AlarmState::Alarm);
    let info = reach(&play, &id, "Stopped").await;
    assert_eq!(
        info["deploymentInfo"]["errorInformation"]["code"],
        "ALARM_ACTIVE"
    );
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .weights("prod")
                .first()
                .is_some_and(|(_, weight)| *weight == 100))
            .await
    );
    play.stage.shutdown().await;
}
