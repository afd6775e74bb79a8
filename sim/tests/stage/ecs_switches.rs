//! The unsure points of ECS's own deployments, in both positions.

use std::time::Duration;

use ecs_bluegreen_sim::{
    AlarmState, AlarmWindow, BareHook, ConcurrentUpdate, Controller, EcsStrategyOptions,
    HookDetails, HookScope, LateStop, LaterPause, PreProduction, RemovedHooks, RollbackEnding,
    ShownDeployment, StageOptions, StaleHook, StopAbort, Strategy, Switches, Toggle,
};
use serde_json::{Value, json};

use crate::ecs::{
    deploy, deploy_with, go_on, look, newest, pause, paused, reach, services, stages, stop, until,
};
use crate::harness::Play;

async fn stage(switches: Switches, ecs: EcsStrategyOptions) -> Play {
    Play::with(
        Controller::Ecs(ecs),
        StageOptions {
            switches,
            ..StageOptions::default()
        },
    )
    .await
}

fn gated(stages: &[&str]) -> EcsStrategyOptions {
    EcsStrategyOptions {
        hooks: vec![pause(stages, 60)],
        ..EcsStrategyOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_before_production_is_shown_or_the_former_one_stays() {
    for (pre_production, shown) in [
        (PreProduction::Shown, json!("PRE_PRODUCTION_TRAFFIC_SHIFT")),
        (PreProduction::FormerStage, json!("POST_TEST_TRAFFIC_SHIFT")),
        (PreProduction::Absent, Value::Null),
    ] {
        let play = stage(
            Switches {
                pre_production,
                ..Switches::default()
            },
            gated(&["PRE_PRODUCTION_TRAFFIC_SHIFT"]),
        )
        .await;
        let arn = deploy(&play, "1.1.0").await;
        assert_eq!(paused(&play, &arn).await.0["lifecycleStage"], shown);
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_the_same_call_govern_this_deployment_or_the_next() {
    for hook_scope in [HookScope::ThisDeployment, HookScope::NextDeployment] {
        let play = stage(
            Switches {
                hook_scope,
                ..Switches::default()
            },
            EcsStrategyOptions::default(),
        )
        .await;
        let hooks = json!({ "lifecycleHooks": [pause(&["POST_TEST_TRAFFIC_SHIFT"], 60)] });
        let arn = deploy_with(&play, "1.1.0", hooks).await;
        if hook_scope == HookScope::ThisDeployment {
            paused(&play, &arn).await;
        } else {
            let done = reach(&play, &arn, "SUCCESSFUL").await;
            assert_eq!(
                done["deploymentConfiguration"]["lifecycleHooks"],
                json!([]),
                "the snapshot tells"
            );
            let next = deploy(&play, "1.0.0").await;
            paused(&play, &next).await;
        }
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_waits_for_a_paused_deployment_or_is_refused() {
    let queues = Switches {
        concurrent_update: ConcurrentUpdate::Queues,
        ..Switches::default()
    };
    let play = stage(queues, gated(&["POST_TEST_TRAFFIC_SHIFT"])).await;
    let older = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &older).await;
    let newer = deploy(&play, "1.1.0").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(look(&play, &newer).await["status"], "PENDING");
    go_on(&play, &older, &hook, "ROLLBACK").await;
    reach(&play, &older, "ROLLBACK_SUCCESSFUL").await;
    let (_, hook) = paused(&play, &newer).await;
    assert_eq!(
        play.ask("ecs.DescribeServices", services()).await["services"][0]["deployments"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    go_on(&play, &newer, &hook, "CONTINUE").await;
    reach(&play, &newer, "SUCCESSFUL").await;
    let waits = deploy(&play, "1.0.0").await;
    paused(&play, &waits).await;
    let never = deploy(&play, "1.1.0").await;
    stop(&play, &never).await;
    reach(&play, &never, "ROLLBACK_SUCCESSFUL").await;
    play.stage.shutdown().await;

    let refuses = Switches {
        concurrent_update: ConcurrentUpdate::Refused,
        ..Switches::default()
    };
    let play = stage(refuses, gated(&["POST_TEST_TRAFFIC_SHIFT"])).await;
    let older = deploy(&play, "1.1.0").await;
    paused(&play, &older).await;
    let body = json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true });
    assert_eq!(
        play.refused("ecs.UpdateService", body).await,
        "ClientException"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_watched_from_the_shift_on_or_while_baking_only_and_perhaps_not_in_a_pause() {
    let table = [
        (AlarmWindow::ShiftAndBake, Toggle::On, "ROLLBACK_SUCCESSFUL"),
        (AlarmWindow::ShiftAndBake, Toggle::Off, "IN_PROGRESS"),
        (AlarmWindow::BakeOnly, Toggle::On, "IN_PROGRESS"),
    ];
    for (alarm_window, alarm_in_pause, status) in table {
        let ecs = EcsStrategyOptions {
            alarms: vec!["errors".into()],
            ..gated(&["POST_PRODUCTION_TRAFFIC_SHIFT"])
        };
        let play = stage(
            Switches {
                alarm_window,
                alarm_in_pause,
                ..Switches::default()
            },
            ecs,
        )
        .await;
        let arn = deploy(&play, "1.1.0").await;
        let (_, hook) = paused(&play, &arn).await;
        play.stage.set_alarm("errors", AlarmState::Alarm);
        tokio::time::sleep(Duration::from_millis(300)).await;
        reach(&play, &arn, status).await;
        if status == "IN_PROGRESS" {
            go_on(&play, &arn, &hook, "CONTINUE").await;
            reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
        }
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_no_longer_waits_is_refused_in_one_of_two_ways() {
    for (stale_hook, code) in [
        (StaleHook::InvalidParameter, "InvalidParameterException"),
        (StaleHook::Client, "ClientException"),
    ] {
        let play = stage(
            Switches {
                stale_hook,
                ..Switches::default()
            },
            gated(&["POST_TEST_TRAFFIC_SHIFT"]),
        )
        .await;
        let arn = deploy(&play, "1.1.0").await;
        let (_, hook) = paused(&play, &arn).await;
        go_on(&play, &arn, &hook, "CONTINUE").await;
        let again = json!({ "serviceDeploymentArn": arn, "hookId": hook });
        assert_eq!(
            play.refused("ecs.ContinueServiceDeployment", again).await,
            code
        );
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_details_of_a_pause_are_stored_dropped_or_refused() {
    for hook_details in [
        HookDetails::Stored,
        HookDetails::Dropped,
        HookDetails::Refused,
    ] {
        let play = stage(
            Switches {
                hook_details,
                ..Switches::default()
            },
            EcsStrategyOptions::default(),
        )
        .await;
        let mut hook = pause(&["POST_SCALE_UP"], 60);
        hook["hookDetails"] = json!({ "owner": "team-a" });
        let body = json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": { "lifecycleHooks": [hook] } });
        if hook_details == HookDetails::Refused {
            assert_eq!(
                play.refused("ecs.UpdateService", body).await,
                "InvalidParameterException"
            );
        } else {
            let shown = play.ask("ecs.UpdateService", body).await["service"]["deploymentConfiguration"]["lifecycleHooks"][0].clone();
            let kept = if hook_details == HookDetails::Stored {
                json!({ "owner": "team-a" })
            } else {
                Value::Null
            };
            assert_eq!(
                (&shown["targetType"], &shown["hookDetails"]),
                (&json!("PAUSE"), &kept)
            );
        }
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_without_a_type_is_refused_or_taken_and_a_service_has_tags() {
    for bare_hook in [BareHook::Refused, BareHook::Taken] {
        let play = stage(
            Switches {
                bare_hook,
                ..Switches::default()
            },
            EcsStrategyOptions::default(),
        )
        .await;
        let hook = json!({ "lifecycleStages": ["POST_SCALE_UP"] });
        let body = json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": { "lifecycleHooks": [hook] } });
        match bare_hook {
            BareHook::Refused => assert_eq!(
                play.refused("ecs.UpdateService", body).await,
                "InvalidParameterException"
            ),
            BareHook::Taken => drop(play.ask("ecs.UpdateService", body).await),
        }
        let arn =
            play.ask("ecs.DescribeServices", services()).await["services"][0]["serviceArn"].clone();
        let tag = json!({ "resourceArn": arn, "tags": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }] });
        play.ask("ecs.TagResource", tag).await;
        play.ask(
            "ecs.UntagResource",
            json!({ "resourceArn": arn, "tagKeys": ["a", "none"] }),
        )
        .await;
        let wrong = json!({ "resourceArn": arn, "tags": [{ "key": "a", "value": "1,2" }] });
        assert_eq!(
            play.refused("ecs.TagResource", wrong).await,
            "InvalidParameterException"
        );
        let mut asked = services();
        assert!(
            play.ask("ecs.DescribeServices", asked.clone()).await["services"][0]
                .get("tags")
                .is_none()
        );
        asked["include"] = json!(["TAGS"]);
        assert_eq!(
            play.ask("ecs.DescribeServices", asked).await["services"][0]["tags"],
            json!([{ "key": "b", "value": "2" }])
        );
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_blue_is_removed_may_announce_a_rollback_that_does_not_come() {
    let clock = ecs_bluegreen_sim::Clock::Scaled(20.0);
    let options = StageOptions {
        switches: Switches {
            late_stop: LateStop::TooLate,
            ..Switches::default()
        },
        clock,
        ..StageOptions::default()
    };
    let play = Play::with(
        Controller::Ecs(EcsStrategyOptions {
            bake_minutes: 0,
            ..EcsStrategyOptions::default()
        }),
        options,
    )
    .await;
    let arn = deploy(&play, "1.1.0").await;
    until(&play, &arn, |deployment| {
        deployment["lifecycleStage"] == "CLEAN_UP"
    })
    .await;
    stop(&play, &arn).await;
    assert_eq!(look(&play, &arn).await["status"], "ROLLBACK_REQUESTED");
    reach(&play, &arn, "SUCCESSFUL").await;
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    play.stage.shutdown().await;
}

/// Whether the bake of a canary's first step was over when its second pause came.
fn baked_before_second_pause(play: &Play, arn: &str) -> bool {
    let moments: Vec<_> = play
        .stage
        .timeline()
        .into_iter()
        .filter(|moment| moment.subject == arn)
        .collect();
    let shifted = moments
        .iter()
        .find(|moment| moment.state.contains("api-2=10"))
        .expect("a shift")
        .at_ms;
    let paused = moments
        .iter()
        .filter(|moment| moment.state == "PRE_PRODUCTION_TRAFFIC_SHIFT paused")
        .nth(1)
        .expect("a pause")
        .at_ms;
    paused - shifted >= 400
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pause_before_a_later_step_comes_after_or_before_the_bake() {
    for (later_pause, baked) in [
        (LaterPause::AfterBake, true),
        (LaterPause::BeforeBake, false),
    ] {
        let strategy = Strategy::Canary {
            percent: 10.0,
            bake_minutes: 5,
        };
        let clock = ecs_bluegreen_sim::Clock::Scaled(600.0);
        let options = StageOptions {
            switches: Switches {
                later_pause,
                ..Switches::default()
            },
            clock,
            ..StageOptions::default()
        };
        let ecs = EcsStrategyOptions {
            strategy,
            bake_minutes: 0,
            ..gated(&["PRE_PRODUCTION_TRAFFIC_SHIFT"])
        };
        let play = Play::with(Controller::Ecs(ecs), options).await;
        let arn = deploy(&play, "1.1.0").await;
        for _ in 0..2 {
            let (_, hook) = paused(&play, &arn).await;
            go_on(&play, &arn, &hook, "CONTINUE").await;
        }
        reach(&play, &arn, "SUCCESSFUL").await;
        assert_eq!(
            baked_before_second_pause(&play, &arn),
            baked,
            "{:#?}",
            play.stage.timeline()
        );
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_and_lists_may_lag_and_the_answer_may_not_name_the_deployment() {
    let switches = Switches {
        weight_lag_ms: 600,
        list_lag_ms: 500,
        current_deployment: ShownDeployment::Absent,
        ..Switches::default()
    };
    let play = stage(switches, gated(&["POST_TEST_TRAFFIC_SHIFT"])).await;
    let before = newest(&play).await;
    let revision = play.register("1.1.0").await;
    let answer = play
        .ask(
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "taskDefinition": revision }),
        )
        .await;
    assert!(answer["service"].get("currentServiceDeployment").is_none());
    assert_eq!(newest(&play).await, before, "the list lags");
    let described = play.ask("ecs.DescribeServices", services()).await["services"][0]["currentServiceDeployment"].clone();
    let arn = described.as_str().expect("an ARN").to_owned();
    let (seen, _) = paused(&play, &arn).await;
    assert_eq!(
        play.stage.weights("test").last().map(|(_, weight)| *weight),
        Some(100)
    );
    assert_eq!(
        seen["targetServiceRevision"]["requestedTestTrafficWeight"], 0.0,
        "the weight lags"
    );
    until(&play, &arn, |deployment| {
        deployment["targetServiceRevision"]["requestedTestTrafficWeight"] == 100.0
    })
    .await;
    assert_eq!(newest(&play).await, Some(arn));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_are_removed_during_a_rollout_stay_in_its_snapshot_or_go() {
    for removed_hooks in [RemovedHooks::SnapshotKeeps, RemovedHooks::Dropped] {
        let ecs = gated(&["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]);
        let play = stage(
            Switches {
                removed_hooks,
                ..Switches::default()
            },
            ecs,
        )
        .await;
        let arn = deploy(&play, "1.1.0").await;
        let (_, hook) = paused(&play, &arn).await;
        let removal = json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": { "lifecycleHooks": [] } });
        let answer = play.ask("ecs.UpdateService", removal).await;
        assert_eq!(
            answer["service"]["deploymentConfiguration"]["lifecycleHooks"],
            json!([])
        );
        assert_eq!(
            newest(&play).await.as_ref(),
            Some(&arn),
            "that starts nothing"
        );
        go_on(&play, &arn, &hook, "CONTINUE").await;
        match removed_hooks {
            RemovedHooks::SnapshotKeeps => assert_eq!(
                paused(&play, &arn).await.0["lifecycleStage"],
                "POST_PRODUCTION_TRAFFIC_SHIFT"
            ),
            RemovedHooks::Dropped => drop(reach(&play, &arn, "SUCCESSFUL").await),
        }
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_is_refused_or_leaves_everything_where_it_is() {
    for stop_abort in [StopAbort::Refused, StopAbort::Works] {
        let play = stage(
            Switches {
                stop_abort,
                ..Switches::default()
            },
            gated(&["POST_PRODUCTION_TRAFFIC_SHIFT"]),
        )
        .await;
        let arn = deploy(&play, "1.1.0").await;
        paused(&play, &arn).await;
        let body = json!({ "serviceDeploymentArn": arn, "stopType": "ABORT" });
        match stop_abort {
            StopAbort::Refused => assert_eq!(
                play.refused("ecs.StopServiceDeployment", body).await,
                "InvalidParameterException"
            ),
            StopAbort::Works => {
                play.ask("ecs.StopServiceDeployment", body).await;
                assert!(
                    reach(&play, &arn, "STOPPED")
                        .await
                        .get("rollback")
                        .is_none()
                );
                assert!(play.get("prod", "/health").await.contains("1.1.0"));
                let next = deploy_with(&play, "1.1.0", json!({ "lifecycleHooks": [] })).await;
                reach(&play, &next, "SUCCESSFUL").await;
                assert!(play.get("prod", "/health").await.contains("1.1.0"));
            }
        }
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_may_fail_and_former_hooks_may_vanish() {
    let switches = Switches {
        rollback_ending: RollbackEnding::Fails,
        former_hooks: Toggle::Off,
        ..Switches::default()
    };
    let play = stage(
        switches,
        gated(&["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]),
    )
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &arn).await;
    go_on(&play, &arn, &hook, "CONTINUE").await;
    let (seen, hook) = paused(&play, &arn).await;
    assert_eq!(
        seen["lifecycleHookDetails"].as_array().map(Vec::len),
        Some(1)
    );
    go_on(&play, &arn, &hook, "ROLLBACK").await;
    reach(&play, &arn, "ROLLBACK_FAILED").await;
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    assert!(!stages(&play.stage, &arn).contains(&"BAKE_TIME".to_owned()));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hooks_minute_lasts_as_long_as_it_is_told_to() {
    let mut hook = pause(&["POST_SCALE_UP"], 1);
    hook["timeoutConfiguration"]["action"] = Value::from("CONTINUE");
    let switches = Switches {
        hook_minute_ms: Some(100),
        ..Switches::default()
    };
    let play = stage(
        switches,
        EcsStrategyOptions {
            hooks: vec![hook],
            ..EcsStrategyOptions::default()
        },
    )
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let done = reach(&play, &arn, "SUCCESSFUL").await;
    assert_eq!(done["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
    play.stage.shutdown().await;
}
