//! Whatever is called in whatever order: production is served by one side at the end, and nothing
//! of the others is left.

use std::time::Duration;

use ecs_bluegreen_sim::world::load::{Load, LoadOptions};
use ecs_bluegreen_sim::{
    ConcurrentUpdate, Controller, EcsStrategyOptions, StageOptions, Strategy, Switches,
};
use serde_json::json;

use crate::ecs::{look, newest, pause, waiting};
use crate::harness::{PATIENCE, Play};

/// A sequence that is the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

async fn one_call(play: &Play, random: &mut Random, revisions: &[String]) {
    let arn = newest(play).await.expect("an ARN");
    let seen = look(play, &arn).await;
    let body = match (random.below(12), waiting(&seen)) {
        (0, _) => {
            let revision = &revisions[usize::try_from(random.below(2)).expect("small")];
            let linear = json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 50.0, "stepBakeTimeInMinutes": 1 } });
            let configuration = if random.below(3) == 0 {
                json!({ "strategy": "ROLLING" })
            } else {
                linear
            };
            let body = json!({ "cluster": "prod", "service": "api", "taskDefinition": revision, "forceNewDeployment": true,
                "deploymentConfiguration": configuration });
            ("ecs.UpdateService", body)
        }
        (1, _) => (
            "ecs.StopServiceDeployment",
            json!({ "serviceDeploymentArn": arn }),
        ),
        (2, Some(hook)) => (
            "ecs.ContinueServiceDeployment",
            json!({ "serviceDeploymentArn": arn, "hookId": hook, "action": "ROLLBACK" }),
        ),
        (_, Some(hook)) => (
            "ecs.ContinueServiceDeployment",
            json!({ "serviceDeploymentArn": arn, "hookId": hook }),
        ),
        (_, None) => (
            "ecs.DescribeServices",
            json!({ "cluster": "prod", "services": ["api"] }),
        ),
    };
    play.call(body.0, &body.1).await;
    tokio::time::sleep(Duration::from_millis(random.below(60))).await;
}

async fn one_story(seed: u64) {
    let mut random = Random(seed);
    let concurrent_update = if seed.is_multiple_of(2) {
        ConcurrentUpdate::Supersedes
    } else {
        ConcurrentUpdate::Queues
    };
    let ecs = EcsStrategyOptions {
        strategy: Strategy::Linear {
            percent: 50.0,
            bake_minutes: 1,
        },
        hooks: vec![pause(
            &["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"],
            60,
        )],
        ..EcsStrategyOptions::default()
    };
    let options = StageOptions {
        switches: Switches {
            concurrent_update,
            ..Switches::default()
        },
        ..StageOptions::default()
    };
    let play = Play::with(Controller::Ecs(ecs), options).await;
    let load = Load::start(LoadOptions {
        connections: 2,
        ..LoadOptions::for_target(play.stage.listener("prod").expect("a listener"))
    });
    let revisions = [play.register("1.1.0").await, play.register("1.0.0").await];
    for _ in 0..60 {
        one_call(&play, &mut random, &revisions).await;
    }
    settle(&play).await;
    let stats = load.stop().await;
    assert_eq!(
        stats.failures,
        0,
        "{seed}: {:?}\n{:#?}",
        stats.failures_by_kind,
        play.stage.timeline()
    );
    is_whole(&play, seed);
    play.stage.shutdown().await;
}

/// Continues whatever waits until everything is over.
async fn settle(play: &Play) {
    let over = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL"];
    let began = tokio::time::Instant::now();
    while let Some(open) = play
        .stage
        .service_deployments()
        .into_iter()
        .find(|deployment| !over.contains(&deployment.status.as_str()))
    {
        look(play, &open.arn).await;
        play.ask(
            "ecs.DescribeServices",
            json!({ "cluster": "prod", "services": ["api"] }),
        )
        .await;
        for hook in open.waiting {
            play.call(
                "ecs.ContinueServiceDeployment",
                &json!({ "serviceDeploymentArn": open.arn, "hookId": hook }),
            )
            .await;
        }
        assert!(began.elapsed() < PATIENCE, "{:#?}", play.stage.timeline());
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

fn is_whole(play: &Play, seed: u64) {
    let view = play.stage.service_view("api").expect("a service");
    let timeline = play.stage.timeline();
    assert_eq!(view.fleets.len(), 1, "{seed}: {view:#?}\n{timeline:#?}");
    let serving: Vec<String> = play
        .stage
        .weights("prod")
        .into_iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(group, _)| group)
        .collect();
    assert_eq!(
        serving,
        view.fleets
            .iter()
            .filter_map(|fleet| fleet.target_group.clone())
            .collect::<Vec<_>>(),
        "{seed}: {timeline:#?}"
    );
    assert!(
        view.primary().is_some_and(|primary| primary.healthy == 1),
        "{seed}: {view:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_any_order_end_with_one_side_and_without_a_failed_request() {
    #[expect(clippy::disallowed_methods, reason = "a test asks its own environment")]
    let stories = std::env::var("STAGE_STORIES")
        .ok()
        .and_then(|stories| stories.parse().ok())
        .unwrap_or(2);
    for seed in 0..stories {
        one_story(seed).await;
    }
}
