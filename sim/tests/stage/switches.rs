//! The unsure points of AWS, each in the position that the other stories do not take.

use ecs_bluegreen_sim::{
    Breaker, BreakerRollback, Clock, Controller, GroupOptions, LateStop, OrphanGreen, ReadyExpiry,
    RollbackEnding, RollingOptions, StageOptions, StopAnswer, Switches, Toggle,
};
use serde_json::{Value, json};

use crate::codedeploy::{deploy, reach, request};
use crate::harness::{PATIENCE, Play, definition};

const QUICK: Clock = Clock::Observed {
    brief_ms: 20,
    patience_ms: 400,
    ready_minute_ms: 150,
};

async fn stage(switches: Switches, group: GroupOptions) -> Play {
    let options = StageOptions {
        switches,
        clock: QUICK,
        ..StageOptions::default()
    };
    Play::with(Controller::CodeDeploy(group), options).await
}

fn no_gate() -> GroupOptions {
    GroupOptions {
        ready_wait_minutes: None,
        ..GroupOptions::default()
    }
}

async fn rollback_of(play: &Play, id: &str) -> String {
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
    info["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn baking_may_show_and_a_late_stop_may_be_ignored() {
    let switches = Switches {
        baking: Toggle::On,
        late_stop: LateStop::Ignored,
        stop_answer: StopAnswer::Succeeded,
        ..Switches::default()
    };
    let play = stage(switches, no_gate()).await;
    let id = deploy(&play, "1.1.0").await;
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .timeline()
                .iter()
                .any(|moment| moment.state == "Baking"))
            .await
    );
    assert!(
        play.stage
            .wait_until(PATIENCE, |stage| stage
                .timeline()
                .iter()
                .any(|moment| moment.state.contains("being terminated")))
            .await
    );
    let stop = play
        .ask(
            "codedeploy.StopDeployment",
            json!({ "deploymentId": id, "autoRollbackEnabled": true }),
        )
        .await;
    assert_eq!(stop["status"], "Succeeded");
    reach(&play, &id, "Succeeded").await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_ready_wait_may_count_as_a_failure_and_the_rollback_may_fail() {
    let switches = Switches {
        ready_expiry: ReadyExpiry::AsFailure,
        rollback_ending: RollbackEnding::Fails,
        ..Switches::default()
    };
    let group = GroupOptions {
        ready_wait_minutes: Some(1),
        auto_rollback: vec!["DEPLOYMENT_FAILURE".into()],
        ..GroupOptions::default()
    };
    let play = stage(switches, group).await;
    let id = deploy(&play, "1.1.0").await;
    reach(&play, &id, "Stopped").await;
    let rollback = rollback_of(&play, &id).await;
    let info = reach(&play, &rollback, "Failed").await;
    assert_eq!(
        info["deploymentInfo"]["errorInformation"]["code"],
        "ELASTIC_LOAD_BALANCING_INVALID"
    );
    assert_eq!(
        play.stage.weights("test"),
        [("api-1".to_owned(), 0), ("api-2".to_owned(), 100)]
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_left_behind_is_replaced_or_blocks_the_next_deployment() {
    for (orphan_green, status) in [
        (OrphanGreen::Replaced, "Ready"),
        (OrphanGreen::Blocks, "Failed"),
    ] {
        let play = stage(
            Switches {
                orphan_green,
                ..Switches::default()
            },
            GroupOptions::default(),
        )
        .await;
        let first = deploy(&play, "1.1.0").await;
        reach(&play, &first, "Ready").await;
        play.ask(
            "codedeploy.StopDeployment",
            json!({ "deploymentId": first, "autoRollbackEnabled": false }),
        )
        .await;
        reach(&play, &first, "Stopped").await;
        let answer = play
            .ask("codedeploy.CreateDeployment", request("api:2"))
            .await;
        reach(
            &play,
            answer["deploymentId"].as_str().expect("an id"),
            status,
        )
        .await;
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_anything_was_made_may_get_a_rollback_all_the_same() {
    for (rollback_of_nothing, deployments) in [(Toggle::Off, 1), (Toggle::On, 2)] {
        let play = stage(
            Switches {
                rollback_of_nothing,
                ..Switches::default()
            },
            GroupOptions::default(),
        )
        .await;
        let id = deploy(&play, "1.1.0").await;
        play.ask(
            "codedeploy.StopDeployment",
            json!({ "deploymentId": id, "autoRollbackEnabled": true }),
        )
        .await;
        reach(&play, &id, "Stopped").await;
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        assert_eq!(play.stage.deployments().len(), deployments);
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_may_go_back_by_a_new_deployment() {
    let switches = Switches {
        breaker_rollback: BreakerRollback::NewId,
        ..Switches::default()
    };
    let rolling = RollingOptions {
        breaker: Breaker::Rollback,
        ..RollingOptions::default()
    };
    let play = Play::with(
        Controller::Rolling(rolling),
        StageOptions {
            switches,
            clock: QUICK,
            ..StageOptions::default()
        },
    )
    .await;
    let before = play
        .stage
        .service_view("api")
        .and_then(|view| view.primary().cloned())
        .expect("a fleet");
    let revision = play.register("1.4.0").await;
    play.ask(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "taskDefinition": revision }),
    )
    .await;
    let back = |stage: &ecs_bluegreen_sim::Stage| {
        let primary = stage
            .service_view("api")
            .and_then(|view| view.primary().cloned());
        primary.is_some_and(|fleet| {
            fleet.revision == before.revision
                && fleet.id != before.id
                && fleet.rollout == "COMPLETED"
        })
    };
    assert!(
        play.stage.wait_until(PATIENCE, back).await,
        "{:#?}",
        play.stage.service_view("api")
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_model_does_not_know_is_kept_or_dropped() {
    for keep_unknown_fields in [true, false] {
        let play = stage(
            Switches {
                keep_unknown_fields,
                ..Switches::default()
            },
            GroupOptions::default(),
        )
        .await;
        let mut body = definition("example/app:1");
        body["containerDefinitions"][0]["brandNew"] = json!({ "thing": true });
        let answer = play.ask("ecs.RegisterTaskDefinition", body).await;
        let kept = answer["taskDefinition"]["containerDefinitions"][0]
            .get("brandNew")
            .is_some();
        assert_eq!(kept, keep_unknown_fields);
        let ledger = play.stage.ledger();
        assert!(ledger.last().is_some_and(
            |entry| entry.request["containerDefinitions"][0]["brandNew"]["thing"] == true
        ));
        play.stage.shutdown().await;
    }
}
