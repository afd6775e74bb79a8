//! How ECS blue/green deployments fail: stopped in every phase, alarmed, crashed, superseded, with
//! nothing to return to.

use ecs_bluegreen_sim::{
    AlarmState, Breaker, Clock, Controller, EcsStrategyOptions, Stage, StageOptions, Strategy,
};
use serde_json::{Value, json};

use crate::ecs::{
    deploy, go_on, look, newest, pause, paused, reach, services, stage, stages, stop, until,
};
use crate::harness::{PATIENCE, Play};

/// Every stage can be held for long enough to stop the deployment in it.
const SLOW: Clock = Clock::Observed {
    brief_ms: 30_000,
    patience_ms: 30_000,
    ready_minute_ms: 1000,
};

async fn is_back_on_blue(play: &Play) {
    assert_eq!(
        play.stage.weights("prod"),
        [("api-1".to_owned(), 100), ("api-2".to_owned(), 0)]
    );
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    let service = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(
        service["deployments"].as_array().map(Vec::len),
        Some(1),
        "{service:#}"
    );
    assert!(
        service["taskDefinition"]
            .as_str()
            .is_some_and(|arn| arn.ends_with("api:1"))
    );
}

fn is_at(stage: &Stage, arn: &str, name: &str) -> bool {
    stages(stage, arn).last().is_some_and(|last| last == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_any_stage_ends_on_blue() {
    for name in [
        "PENDING",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
    ] {
        let play = Play::with(
            Controller::Ecs(EcsStrategyOptions::default()),
            StageOptions {
                clock: SLOW,
                ..StageOptions::default()
            },
        )
        .await;
        let arn = deploy(&play, "1.1.0").await;
        while !is_at(&play.stage, &arn, name) {
            look(&play, &arn).await;
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        }
        stop(&play, &arn).await;
        let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
        assert_eq!(
            back["rollback"]["reason"],
            "Service deployment rolled back because of a user request."
        );
        is_back_on_blue(&play).await;
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_blue_is_going_is_a_conflict_and_a_second_stop_changes_nothing() {
    let play = Play::with(
        Controller::Ecs(EcsStrategyOptions::default()),
        StageOptions {
            clock: SLOW,
            ..StageOptions::default()
        },
    )
    .await;
    let arn = deploy(&play, "1.1.0").await;
    while !is_at(&play.stage, &arn, "CLEAN_UP") {
        look(&play, &arn).await;
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    }
    let body = json!({ "serviceDeploymentArn": arn });
    assert_eq!(
        play.refused("ecs.StopServiceDeployment", body).await,
        "ConflictException"
    );
    reach(&play, &arn, "SUCCESSFUL").await;
    let second = deploy(&play, "1.0.0").await;
    stop(&play, &second).await;
    assert_eq!(look(&play, &second).await["status"], "ROLLBACK_REQUESTED");
    stop(&play, &second).await;
    reach(&play, &second, "ROLLBACK_SUCCESSFUL").await;
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_during_a_step_takes_everything_back() {
    let strategy = Strategy::Linear {
        percent: 50.0,
        bake_minutes: 1,
    };
    let hooks = vec![pause(&["PRE_PRODUCTION_TRAFFIC_SHIFT"], 60)];
    let play = stage(EcsStrategyOptions {
        strategy,
        hooks,
        alarms: vec!["errors".into()],
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let (seen, hook) = paused(&play, &arn).await;
    assert_eq!(seen["alarms"]["status"], "MONITORING");
    go_on(&play, &arn, &hook, "CONTINUE").await;
    paused(&play, &arn).await;
    play.stage.set_alarm("errors", AlarmState::Alarm);
    let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(
        back["alarms"],
        json!({ "status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"] })
    );
    is_back_on_blue(&play).await;
    let next = deploy(&play, "1.1.0").await;
    let (seen, _) = paused(&play, &next).await;
    assert_eq!(
        seen["alarms"]["status"], "DISABLED",
        "it was in ALARM at the start already"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_or_a_breaker_without_rollback_stops_where_it_is() {
    let play = stage(EcsStrategyOptions {
        breaker: Breaker::Fail,
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.4.0").await;
    let over = reach(&play, &arn, "STOPPED").await;
    assert!(
        over["stoppedAt"].is_number() && over.get("rollback").is_none(),
        "{over:#}"
    );
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    let next = deploy(&play, "1.1.0").await;
    reach(&play, &next, "SUCCESSFUL").await;
    assert_eq!(
        stages(&play.stage, &next).get(2).map(String::as_str),
        Some("RECONCILE_SERVICE")
    );
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_never_get_healthy_end_the_deployment_without_a_breaker_too() {
    let switches = ecs_bluegreen_sim::Switches {
        install_timeout_ms: Some(700),
        ..ecs_bluegreen_sim::Switches::default()
    };
    let play = Play::with(
        Controller::Ecs(EcsStrategyOptions::default()),
        StageOptions {
            switches,
            ..StageOptions::default()
        },
    )
    .await;
    let arn = deploy(&play, "1.4.0").await;
    let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert!(
        back["statusReason"]
            .as_str()
            .is_some_and(|reason| reason.contains("SCALE_UP")),
        "{back:#}"
    );
    is_back_on_blue(&play).await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_has_nothing_to_go_back_to() {
    let hooks = vec![pause(&["POST_PRODUCTION_TRAFFIC_SHIFT"], 60)];
    let play = stage(EcsStrategyOptions {
        first_deployment: true,
        hooks,
        ..EcsStrategyOptions::default()
    })
    .await;
    assert_eq!(newest(&play).await, None);
    let arn = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &arn).await;
    go_on(&play, &arn, &hook, "ROLLBACK").await;
    let stalled = reach(&play, &arn, "ROLLBACK_IN_PROGRESS").await;
    assert!(stalled["rollback"].get("serviceRevisionArn").is_none());
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(look(&play, &arn).await["status"], "ROLLBACK_IN_PROGRESS");
    let next = deploy(&play, "1.1.0").await;
    assert_eq!(
        look(&play, &arn).await["status"],
        "STOPPED",
        "a person came"
    );
    let (_, hook) = paused(&play, &next).await;
    go_on(&play, &next, &hook, "CONTINUE").await;
    reach(&play, &next, "SUCCESSFUL").await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_update_supersedes_a_paused_deployment_and_reconciles() {
    let hooks = vec![pause(&["POST_PRODUCTION_TRAFFIC_SHIFT"], 60)];
    let play = stage(EcsStrategyOptions {
        hooks,
        ..EcsStrategyOptions::default()
    })
    .await;
    let older = deploy(&play, "1.1.0").await;
    let (_, old_hook) = paused(&play, &older).await;
    let newer = deploy(&play, "1.1.0").await;
    assert_ne!(older, newer);
    let stopped = reach(&play, &older, "STOPPED").await;
    assert!(
        stopped["statusReason"]
            .as_str()
            .is_some_and(|reason| reason.contains("new service deployment"))
    );
    let stale = json!({ "serviceDeploymentArn": older, "hookId": old_hook });
    assert_eq!(
        play.refused("ecs.ContinueServiceDeployment", stale).await,
        "InvalidParameterException"
    );
    assert!(
        play.get("prod", "/health").await.contains("1.0.0"),
        "all traffic is on blue again"
    );
    let (_, hook) = paused(&play, &newer).await;
    go_on(&play, &newer, &hook, "CONTINUE").await;
    reach(&play, &newer, "SUCCESSFUL").await;
    assert!(stages(&play.stage, &newer).contains(&"RECONCILE_SERVICE".to_owned()));
    assert!(play.stage.wait_until_steady("api", PATIENCE).await);
    let service = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(service["runningCount"], 1);
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_listed_newest_first_by_status_moment_and_page() {
    let play = stage(EcsStrategyOptions {
        bake_minutes: 0,
        ..EcsStrategyOptions::default()
    })
    .await;
    let first = newest(&play)
        .await
        .expect("a service that was there was deployed once");
    let second = deploy(&play, "1.1.0").await;
    let done = reach(&play, &second, "SUCCESSFUL").await;
    let third = deploy(&play, "1.0.0").await;
    stop(&play, &third).await;
    reach(&play, &third, "ROLLBACK_SUCCESSFUL").await;
    let list = async |filter: Value| {
        let mut body = json!({ "cluster": "prod", "service": "api" });
        body.as_object_mut()
            .expect("an object")
            .extend(filter.as_object().cloned().expect("an object"));
        let answer = play.ask("ecs.ListServiceDeployments", body).await;
        let arns = answer["serviceDeployments"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let arns: Vec<String> = arns
            .iter()
            .filter_map(|one| one["serviceDeploymentArn"].as_str().map(ToOwned::to_owned))
            .collect();
        (arns, answer["nextToken"].clone())
    };
    assert_eq!(
        list(json!({})).await.0,
        [third.clone(), second.clone(), first.clone()]
    );
    assert_eq!(
        list(json!({ "status": ["SUCCESSFUL"] })).await.0,
        [second.clone(), first.clone()]
    );
    assert_eq!(
        list(json!({ "createdAt": { "after": done["createdAt"] } }))
            .await
            .0,
        std::slice::from_ref(&third)
    );
    assert_eq!(
        list(json!({ "createdAt": { "before": done["createdAt"] } }))
            .await
            .0,
        std::slice::from_ref(&first)
    );
    let (page, token) = list(json!({ "maxResults": 2 })).await;
    assert_eq!(page, [third, second]);
    assert_eq!(
        list(json!({ "maxResults": 2, "nextToken": token })).await.0,
        [first]
    );
    let missing = play
        .ask(
            "ecs.DescribeServiceDeployments",
            json!({ "serviceDeploymentArns": ["arn:none"] }),
        )
        .await;
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_revision_knows_the_digest_of_an_image_that_was_named_by_tag() {
    let play = stage(EcsStrategyOptions::default()).await;
    let arn = newest(&play).await.expect("an ARN");
    let revision = until(&play, &arn, |deployment| {
        deployment["status"] == "SUCCESSFUL"
    })
    .await["targetServiceRevision"]["arn"]
        .clone();
    let digest = |answer: &Value| {
        answer["serviceRevisions"][0]["containerImages"][0]["imageDigest"].is_string()
    };
    let described = play
        .until(
            "ecs.DescribeServiceRevisions",
            json!({ "serviceRevisionArns": [revision] }),
            digest,
        )
        .await;
    assert!(
        described["serviceRevisions"][0]["containerImages"][0]["image"]
            .as_str()
            .is_some_and(|image| image.ends_with("app:1.0.0"))
    );
    play.stage.shutdown().await;
}
