//! Pauses and functions at lifecycle stages: answered, rejected, expired, failed.

use ecs_bluegreen_sim::{EcsStrategyOptions, Strategy};
use serde_json::{Value, json};

use crate::ecs::{
    deploy, deploy_with, go_on, look, pause, paused, reach, services, stage, stages, until, waiting,
};
use crate::harness::Play;

fn function(name: &str, stage: &str) -> Value {
    json!({ "hookTargetArn": format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}"),
        "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": [stage] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_after_test_traffic_waits_until_it_is_continued() {
    let play = stage(EcsStrategyOptions::default()).await;
    let arn = deploy_with(
        &play,
        "1.1.0",
        json!({ "lifecycleHooks": [pause(&["POST_TEST_TRAFFIC_SHIFT"], 60)] }),
    )
    .await;
    let (seen, hook) = paused(&play, &arn).await;
    assert_eq!(seen["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
    assert_eq!(seen["lifecycleHookDetails"][0]["timeoutAction"], "ROLLBACK");
    assert_eq!(
        seen["deploymentConfiguration"]["lifecycleHooks"][0]["targetType"],
        "PAUSE"
    );
    assert!(play.get("test", "/health").await.contains("1.1.0"));
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(waiting(&look(&play, &arn).await).as_ref(), Some(&hook));
    go_on(&play, &arn, &hook, "CONTINUE").await;
    let stale = json!({ "serviceDeploymentArn": arn, "hookId": hook });
    assert_eq!(
        play.refused("ecs.ContinueServiceDeployment", stale).await,
        "InvalidParameterException"
    );
    let done = reach(&play, &arn, "SUCCESSFUL").await;
    assert_eq!(done["lifecycleHookDetails"][0]["status"], "SUCCEEDED");
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_canary_pauses_anew_with_an_id_of_its_own() {
    let ecs = EcsStrategyOptions {
        strategy: Strategy::Canary {
            percent: 10.0,
            bake_minutes: 1,
        },
        ..EcsStrategyOptions::default()
    };
    let play = stage(EcsStrategyOptions {
        hooks: vec![pause(&["PRE_PRODUCTION_TRAFFIC_SHIFT"], 60)],
        ..ecs
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let (seen, first) = paused(&play, &arn).await;
    assert_eq!(
        seen["targetServiceRevision"]["requestedProductionTrafficWeight"],
        0.0
    );
    go_on(&play, &arn, &first, "CONTINUE").await;
    let (seen, second) = paused(&play, &arn).await;
    assert_eq!(
        seen["targetServiceRevision"]["requestedProductionTrafficWeight"],
        10.0
    );
    assert_ne!(first, second);
    go_on(&play, &arn, &second, "CONTINUE").await;
    reach(&play, &arn, "SUCCESSFUL").await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_pause_goes_back_inside_the_same_deployment() {
    let play = stage(EcsStrategyOptions {
        hooks: vec![pause(&["POST_PRODUCTION_TRAFFIC_SHIFT"], 60)],
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &arn).await;
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    go_on(&play, &arn, &hook, "ROLLBACK").await;
    let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(back["lifecycleHookDetails"][0]["status"], "FAILED");
    assert!(back.get("lifecycleStage").is_none());
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    let service = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(service["runningCount"], 1);
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_nobody_answers_does_what_it_says() {
    for (action, status) in [
        ("ROLLBACK", "ROLLBACK_SUCCESSFUL"),
        ("CONTINUE", "SUCCESSFUL"),
    ] {
        let mut hook = pause(&["PRE_SCALE_UP"], 1);
        hook["timeoutConfiguration"]["action"] = json!(action);
        let play = stage(EcsStrategyOptions {
            hooks: vec![hook],
            ..EcsStrategyOptions::default()
        })
        .await;
        let arn = deploy(&play, "1.1.0").await;
        let (seen, _) = paused(&play, &arn).await;
        assert_eq!(seen["targetServiceRevision"]["requestedTaskCount"], 0);
        let over = reach(&play, &arn, status).await;
        assert_eq!(over["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
        play.stage.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hooks_of_a_stage_must_be_answered_and_one_rejection_is_enough() {
    let hooks = vec![
        pause(&["POST_SCALE_UP"], 60),
        pause(&["POST_SCALE_UP"], 60),
        function("smoke", "POST_SCALE_UP"),
    ];
    let play = stage(EcsStrategyOptions {
        hooks,
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let succeeded =
        |deployment: &Value| deployment["lifecycleHookDetails"][2]["status"] == "SUCCEEDED";
    until(&play, &arn, succeeded).await;
    let (_, first) = paused(&play, &arn).await;
    go_on(&play, &arn, &first, "CONTINUE").await;
    let (seen, second) = paused(&play, &arn).await;
    assert_eq!(seen["lifecycleStage"], "POST_SCALE_UP");
    assert_ne!(first, second);
    go_on(&play, &arn, &second, "ROLLBACK").await;
    reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_fails_goes_back_even_while_production_is_shifting() {
    let hooks = vec![function("check", "PRODUCTION_TRAFFIC_SHIFT")];
    let play = stage(EcsStrategyOptions {
        hooks,
        failing_hooks: vec!["check".into()],
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let back = reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(back["lifecycleHookDetails"][0]["targetType"], "AWS_LAMBDA");
    assert_eq!(back["lifecycleHookDetails"][0]["status"], "FAILED");
    assert!(
        !stages(&play.stage, &arn)
            .iter()
            .any(|stage| stage == "BAKE_TIME")
    );
    play.stage.shutdown().await;
}

async fn refused(play: &Play, configuration: Value) -> String {
    let body =
        json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": configuration });
    play.refused("ecs.UpdateService", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_answer_a_hook_or_pass_its_role_is_refused() {
    let play = stage(EcsStrategyOptions {
        hooks: vec![pause(&["PRE_SCALE_UP"], 60)],
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &arn).await;
    play.stage.deny(&[
        "ecs:ContinueServiceDeployment",
        "ecs:StopServiceDeployment",
        "iam:PassRole",
    ]);
    let body = json!({ "serviceDeploymentArn": arn, "hookId": hook });
    let denied = play.call("ecs.ContinueServiceDeployment", &body).await.body["Message"]
        .as_str()
        .expect("a message")
        .to_owned();
    assert!(
        denied.contains("ecs:ContinueServiceDeployment on resource: arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/")
    );
    assert_eq!(
        play.refused(
            "ecs.StopServiceDeployment",
            json!({ "serviceDeploymentArn": arn })
        )
        .await,
        "AccessDeniedException"
    );
    assert_eq!(
        refused(
            &play,
            json!({ "lifecycleHooks": [function("smoke", "POST_SCALE_UP")] })
        )
        .await,
        "AccessDeniedException"
    );
    let mutations: Vec<String> = play
        .stage
        .ledger()
        .into_iter()
        .map(|entry| entry.operation)
        .collect();
    assert_eq!(
        mutations[1..],
        [
            "ecs:UpdateService",
            "ecs:ContinueServiceDeployment",
            "ecs:StopServiceDeployment",
            "ecs:UpdateService"
        ]
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_hook_is_refused_before_anything_starts() {
    let play = stage(EcsStrategyOptions::default()).await;
    for stages in [["TEST_TRAFFIC_SHIFT"], ["PRODUCTION_TRAFFIC_SHIFT"]] {
        assert_eq!(
            refused(&play, json!({ "lifecycleHooks": [pause(&stages, 60)] })).await,
            "InvalidParameterException"
        );
    }
    assert_eq!(
        refused(&play, json!({ "strategy": "CANARY" })).await,
        "InvalidParameterException"
    );
    let missing = json!({ "serviceDeploymentArn": "arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/none", "hookId": "x" });
    assert_eq!(
        play.refused("ecs.ContinueServiceDeployment", missing).await,
        "ServiceDeploymentNotFoundException"
    );
    play.stage.shutdown().await;
}
