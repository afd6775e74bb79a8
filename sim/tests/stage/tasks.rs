//! Imaginary tasks: no process runs, and yet rollouts go their way and traffic shows whose turn it
//! is.

use std::collections::BTreeMap;

use ecs_bluegreen_sim::{
    Clock, ConfigOptions, Controller, GroupOptions, RollingOptions, StageOptions, TaskEngine,
    Traffic,
};
use serde_json::{Value, json};

use crate::codedeploy::deploy;
use crate::harness::{PATIENCE, Play};

/// Fast enough for a test, and independent of reads.
fn options() -> StageOptions {
    let canary = ConfigOptions {
        name: "Canary".to_owned(),
        traffic: Traffic::Canary {
            percent: 10,
            minutes: 10,
        },
    };
    StageOptions {
        engine: TaskEngine::Imaginary,
        clock: Clock::Scaled(60.0),
        deployment_configs: vec![canary],
        ..StageOptions::default()
    }
}

/// Which revision answered how often.
async fn answers(play: &Play, listener: &str, requests: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..requests {
        let page: Value =
            serde_json::from_str(&play.get(listener, "/anything").await).expect("JSON");
        *counts
            .entry(page["revision"].as_str().expect("a revision").to_owned())
            .or_default() += 1;
    }
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected
        .iter()
        .map(|(revision, count)| ((*revision).to_owned(), *count))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_seen_by_its_share_of_the_answers() {
    let group = GroupOptions {
        config: "Canary".to_owned(),
        ready_wait_minutes: None,
        ..GroupOptions::default()
    };
    let play = Play::with(Controller::CodeDeploy(group), options()).await;
    assert_eq!(answers(&play, "prod", 10).await, counts(&[("api:1", 10)]));
    deploy(&play, "no-such-image").await;
    let shared = |weights: Vec<(String, u32)>| weights.iter().any(|(_, weight)| *weight == 10);
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| shared(stage.weights("prod")))
            .await
    );
    assert_eq!(
        answers(&play, "prod", 100).await,
        counts(&[("api:1", 90), ("api:2", 10)])
    );
    assert_eq!(answers(&play, "test", 10).await, counts(&[("api:2", 10)]));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_service_is_replaced_and_its_former_tasks_end_well() {
    let play = Play::with(Controller::Rolling(RollingOptions::default()), options()).await;
    let revision = play.register("no-such-image").await;
    play.ask(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "taskDefinition": revision }),
    )
    .await;
    let stopped = json!({ "cluster": "prod", "serviceName": "api", "desiredStatus": "STOPPED" });
    let former = play
        .until("ecs.ListTasks", stopped, |answer| {
            answer["taskArns"] != json!([])
        })
        .await["taskArns"]
        .clone();
    let ended = |answer: &Value| answer["tasks"][0]["lastStatus"] == "STOPPED";
    let task = play
        .until(
            "ecs.DescribeTasks",
            json!({ "cluster": "prod", "tasks": former }),
            ended,
        )
        .await["tasks"][0]
        .clone();
    assert_eq!(
        (&task["containers"][0]["exitCode"], &task["stopCode"]),
        (&json!(0), &json!("ServiceSchedulerInitiated"))
    );
    assert_eq!(answers(&play, "prod", 10).await, counts(&[("api:2", 10)]));
    play.stage.shutdown().await;
}
