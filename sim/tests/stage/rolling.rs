//! Rolling rollouts under the ECS controller.

use ecs_bluegreen_sim::{
    Breaker, Controller, HealthChecks, RollingOptions, StageOptions, Switches, UpdateAnswer,
};
use serde_json::{Value, json};

use crate::harness::{Play, definition};

async fn stage(breaker: Breaker) -> Play {
    Play::with(
        Controller::Rolling(RollingOptions {
            breaker,
            ..RollingOptions::default()
        }),
        StageOptions::default(),
    )
    .await
}

fn services() -> Value {
    json!({ "cluster": "prod", "services": ["api"] })
}

async fn update(play: &Play, revision: &str) -> String {
    let answer = play
        .ask(
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "taskDefinition": revision }),
        )
        .await;
    assert_eq!(
        answer["service"]["deployments"][0]["taskDefinition"],
        revision
    );
    answer["service"]["deployments"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn rollout(answer: &Value, id: &str) -> Value {
    let deployments = answer["services"][0]["deployments"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    deployments
        .into_iter()
        .find(|deployment| deployment["id"] == id)
        .unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_revision_replaces_the_old_one_and_completes() {
    let play = stage(Breaker::Rollback).await;
    let revision = play.register("1.1.0").await;
    let id = update(&play, &revision).await;
    let done = play
        .until("ecs.DescribeServices", services(), |answer| {
            rollout(answer, &id)["rolloutState"] == "COMPLETED"
        })
        .await;
    assert_eq!(
        done["services"][0]["deployments"].as_array().map(Vec::len),
        Some(1)
    );
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    let steady = |answer: &Value| {
        answer["services"][0]["events"][0]["message"] == "(service api) has reached a steady state."
    };
    play.until("ecs.DescribeServices", services(), steady).await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_revision_starts_nothing_unless_forced() {
    let play = stage(Breaker::Off).await;
    let before = play.ask("ecs.DescribeServices", services()).await;
    let current = before["services"][0]["taskDefinition"].clone();
    let same = play
        .ask(
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "taskDefinition": current }),
        )
        .await;
    assert_eq!(
        same["service"]["deployments"][0]["id"],
        before["services"][0]["deployments"][0]["id"]
    );
    let forced = play
        .ask(
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true }),
        )
        .await;
    assert_ne!(
        forced["service"]["deployments"][0]["id"],
        before["services"][0]["deployments"][0]["id"]
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_goes_back_to_the_last_completed_rollout() {
    let play = stage(Breaker::Rollback).await;
    let before = play.ask("ecs.DescribeServices", services()).await["services"][0]["deployments"]
        [0]["id"]
        .clone();
    let revision = play.register("1.4.0").await;
    let id = update(&play, &revision).await;
    let failed = play
        .until("ecs.DescribeServices", services(), |answer| {
            rollout(answer, &id)["rolloutState"] == "FAILED"
        })
        .await;
    assert_eq!(failed["services"][0]["deployments"][0]["id"], before);
    assert_eq!(failed["services"][0]["deployments"][0]["status"], "PRIMARY");
    let back = |answer: &Value| {
        rollout(answer, before.as_str().unwrap_or_default())["rolloutState"] == "COMPLETED"
    };
    play.until("ecs.DescribeServices", services(), back).await;
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rollback_the_breaker_leaves_the_failed_rollout_as_primary() {
    let play = stage(Breaker::Fail).await;
    let revision = play.register("1.4.0").await;
    let id = update(&play, &revision).await;
    let failed = play
        .until("ecs.DescribeServices", services(), |answer| {
            rollout(answer, &id)["rolloutState"] == "FAILED"
        })
        .await;
    assert_eq!(rollout(&failed, &id)["status"], "PRIMARY");
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_update_supersedes_and_no_desired_tasks_complete_at_once() {
    let play = stage(Breaker::Off).await;
    let bad = update(&play, &play.register("1.4.0").await).await;
    let good = update(&play, &play.register("1.1.0").await).await;
    let done = play
        .until("ecs.DescribeServices", services(), |answer| {
            rollout(answer, &good)["rolloutState"] == "COMPLETED"
        })
        .await;
    assert_eq!(rollout(&done, &bad), Value::Null);
    play.ask(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "desiredCount": 0 }),
    )
    .await;
    play.until("ecs.DescribeServices", services(), |answer| {
        answer["services"][0]["runningCount"] == 0
    })
    .await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_fail_their_health_checks_are_stopped_with_aws_s_words_and_replaced() {
    let words = [
        (
            HealthChecks::LoadBalancer,
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:",
        ),
        (
            HealthChecks::Containers,
            "Task failed container health checks",
        ),
    ];
    for (health_checks, begins) in words {
        let switches = Switches {
            health_checks,
            unhealthy_after_ms: 700,
            ..Switches::default()
        };
        let options = StageOptions {
            switches,
            ..StageOptions::default()
        };
        let play = Play::with(Controller::Rolling(RollingOptions::default()), options).await;
        let mut sick = definition(&format!("{}/app:1.0.0", play.stage.registry_host()));
        sick["containerDefinitions"][0]["environment"] = json!([{ "name": "ERROR_RATE", "value": "1" }, { "name": "TROUBLE_PATH", "value": "/health" }]);
        let revision = play.ask("ecs.RegisterTaskDefinition", sick).await["taskDefinition"]["taskDefinitionArn"].clone();
        update(&play, revision.as_str().expect("an ARN")).await;
        let stopped =
            json!({ "cluster": "prod", "serviceName": "api", "desiredStatus": "STOPPED" });
        let listed = play
            .until("ecs.ListTasks", stopped, |answer| {
                answer["taskArns"]
                    .as_array()
                    .is_some_and(|arns| arns.len() > 1)
            })
            .await;
        let described = play
            .ask(
                "ecs.DescribeTasks",
                json!({ "cluster": "prod", "tasks": listed["taskArns"] }),
            )
            .await;
        for task in described["tasks"].as_array().expect("tasks") {
            assert_eq!(
                (&task["stopCode"], &task["taskDefinitionArn"]),
                (&json!("ServiceSchedulerInitiated"), &revision)
            );
            assert!(
                task["stoppedReason"]
                    .as_str()
                    .is_some_and(|reason| reason.starts_with(begins)),
                "{task}"
            );
        }
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_may_be_answered_with_the_service_as_it_was() {
    let switches = Switches {
        update_answer: UpdateAnswer::Before,
        ..Switches::default()
    };
    let options = StageOptions {
        switches,
        ..StageOptions::default()
    };
    let play = Play::with(Controller::Rolling(RollingOptions::default()), options).await;
    let revision = play.register("1.1.0").await;
    let answer = play
        .ask(
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "taskDefinition": revision }),
        )
        .await;
    assert_eq!(
        answer["service"]["deployments"].as_array().map(Vec::len),
        Some(1)
    );
    assert_ne!(
        answer["service"]["deployments"][0]["taskDefinition"],
        revision
    );
    let shown = play.ask("ecs.DescribeServices", services()).await;
    assert_eq!(
        shown["services"][0]["deployments"][0]["taskDefinition"],
        revision
    );
    play.stage.shutdown().await;
}
