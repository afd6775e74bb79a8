//! What carries the traffic of an ECS blue/green deployment: a network load balancer, Service
//! Connect, nothing; and services that change their way.

use ecs_bluegreen_sim::world::load::{Load, LoadOptions};
use ecs_bluegreen_sim::{
    Controller, EcsStrategyOptions, Exposure, LoadBalancerKind, RollingOptions, StageOptions,
    Strategy,
};
use serde_json::{Value, json};

use crate::ecs::{
    deploy, deploy_with, go_on, pause, paused, reach, services, stage, stages, stop, until,
};
use crate::harness::Play;

/// Asks ELBv2, whose answer is XML.
async fn balancer(play: &Play, query: &str) -> String {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", "AWS4-HMAC-SHA256 x"),
    ];
    let answered = play
        .try_send(&headers, format!("{query}&Version=2015-12-01"))
        .await
        .expect("an answer");
    answered
        .body
        .as_str()
        .map_or_else(|| answered.body.to_string(), ToOwned::to_owned)
}

fn advanced(service: &Value) -> Value {
    service["services"][0]["loadBalancers"][0]["advancedConfiguration"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_load_balancer_shows_the_live_weights_by_the_rule_that_ecs_names() {
    let strategy = Strategy::Canary {
        percent: 10.0,
        bake_minutes: 5,
    };
    let play = stage(EcsStrategyOptions {
        strategy,
        hooks: vec![pause(&["PRE_PRODUCTION_TRAFFIC_SHIFT"], 60)],
        ..EcsStrategyOptions::default()
    })
    .await;
    let rule =
        advanced(&play.ask("ecs.DescribeServices", services()).await)["productionListenerRule"]
            .clone();
    let rule = rule.as_str().expect("an ARN").to_owned();
    assert!(rule.contains(":listener-rule/app/"));
    let arn = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &arn).await;
    go_on(&play, &arn, &hook, "CONTINUE").await;
    paused(&play, &arn).await;
    let shown = balancer(
        &play,
        &format!("Action=DescribeRules&RuleArns.member.1={rule}"),
    )
    .await;
    assert!(
        shown.contains("<Weight>90</Weight>") && shown.contains("<Weight>10</Weight>"),
        "{shown}"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_load_balancer_is_named_by_its_listeners() {
    let play = stage(EcsStrategyOptions {
        kind: LoadBalancerKind::Nlb,
        hooks: vec![pause(&["POST_TEST_TRAFFIC_SHIFT"], 60)],
        ..EcsStrategyOptions::default()
    })
    .await;
    let configuration = advanced(&play.ask("ecs.DescribeServices", services()).await);
    let test = configuration["testListenerRule"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    assert!(test.contains(":listener/net/"), "{configuration}");
    let arn = deploy(&play, "1.1.0").await;
    let (_, hook) = paused(&play, &arn).await;
    let shown = balancer(
        &play,
        &format!("Action=DescribeListeners&ListenerArns.member.1={test}"),
    )
    .await;
    assert!(
        shown.contains("<Protocol>TCP</Protocol>") && shown.contains("<Weight>100</Weight>"),
        "{shown}"
    );
    let balancers = balancer(&play, "Action=DescribeLoadBalancers").await;
    assert!(balancers.contains("<Type>network</Type>"), "{balancers}");
    go_on(&play, &arn, &hook, "CONTINUE").await;
    reach(&play, &arn, "SUCCESSFUL").await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_connect_tells_test_traffic_by_a_header() {
    let hooks = vec![pause(&["POST_TEST_TRAFFIC_SHIFT"], 60)];
    let play = stage(EcsStrategyOptions {
        kind: LoadBalancerKind::ServiceConnect,
        hooks,
        ..EcsStrategyOptions::default()
    })
    .await;
    let marked = [("x-amzn-ecs-blue-green-test", "")];
    let before = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(before["loadBalancers"], json!([]));
    let connect = &before["deployments"][0]["serviceConnectConfiguration"];
    assert_eq!(
        connect["services"][0]["clientAliases"][0]["testTrafficRules"]["header"]["name"],
        marked[0].0
    );
    assert!(
        play.get_with("prod", "/health", &marked)
            .await
            .contains("1.0.0"),
        "nothing to test yet"
    );
    let arn = deploy(&play, "1.1.0").await;
    let (seen, hook) = paused(&play, &arn).await;
    assert_eq!(
        seen["targetServiceRevision"]["requestedTestTrafficWeight"],
        100.0
    );
    assert!(
        play.get_with("prod", "/health", &marked)
            .await
            .contains("1.1.0")
    );
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    assert!(
        !balancer(&play, "Action=DescribeTargetGroups")
            .await
            .contains("TargetGroupArn"),
        "no load balancer is involved"
    );
    go_on(&play, &arn, &hook, "ROLLBACK").await;
    reach(&play, &arn, "ROLLBACK_SUCCESSFUL").await;
    assert!(
        play.get_with("prod", "/health", &marked)
            .await
            .contains("1.0.0")
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_service_swaps_its_tasks_and_shows_no_weights() {
    let play = stage(EcsStrategyOptions {
        kind: LoadBalancerKind::Headless,
        ..EcsStrategyOptions::default()
    })
    .await;
    let arn = deploy(&play, "1.1.0").await;
    let done = reach(&play, &arn, "SUCCESSFUL").await;
    assert!(
        done["targetServiceRevision"]
            .get("requestedProductionTrafficWeight")
            .is_none()
    );
    let service = play.ask("ecs.DescribeServices", services()).await["services"][0].clone();
    assert_eq!(
        (
            service["loadBalancers"].clone(),
            service["runningCount"].clone()
        ),
        (json!([]), json!(1))
    );
    assert!(stages(&play.stage, &arn).contains(&"PRODUCTION_TRAFFIC_SHIFT".to_owned()));
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_service_becomes_one_of_an_ecs_strategy_and_rolls_again_without_failing_anybody()
{
    let exposure = Exposure::new("app", 8080);
    let play = Play::exposed(
        Controller::Rolling(RollingOptions::default()),
        exposure,
        StageOptions::default(),
    )
    .await;
    let load = Load::start(LoadOptions {
        connections: 4,
        ..LoadOptions::for_target(play.stage.listener("prod").expect("a listener"))
    });
    assert_eq!(
        advanced(&play.ask("ecs.DescribeServices", services()).await),
        Value::Null
    );
    let first = deploy_with(
        &play,
        "1.1.0",
        json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 }),
    )
    .await;
    let seen = until(&play, &first, |deployment| {
        deployment["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    })
    .await;
    assert_eq!(seen["deploymentConfiguration"]["strategy"], "BLUE_GREEN");
    reach(&play, &first, "SUCCESSFUL").await;
    assert!(
        advanced(&play.ask("ecs.DescribeServices", services()).await)["alternateTargetGroupArn"]
            .is_string()
    );
    let second = deploy_with(&play, "1.0.0", json!({ "strategy": "ROLLING" })).await;
    let done = reach(&play, &second, "SUCCESSFUL").await;
    assert!(done.get("lifecycleStage").is_none());
    assert!(play.get("prod", "/health").await.contains("1.0.0"));
    let stats = load.stop().await;
    assert_eq!(stats.failures, 0, "{:?}", stats.failures_by_kind);
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_user_sees_a_failure_through_the_steps_and_through_a_rollback() {
    let strategy = Strategy::Linear {
        percent: 25.0,
        bake_minutes: 1,
    };
    let play = stage(EcsStrategyOptions {
        strategy,
        bake_minutes: 1,
        ..EcsStrategyOptions::default()
    })
    .await;
    let load = Load::start(LoadOptions {
        connections: 4,
        ..LoadOptions::for_target(play.stage.listener("prod").expect("a listener"))
    });
    let first = deploy(&play, "1.1.0").await;
    reach(&play, &first, "SUCCESSFUL").await;
    let second = deploy(&play, "1.0.0").await;
    until(&play, &second, |deployment| {
        deployment["targetServiceRevision"]["requestedProductionTrafficWeight"] == 50.0
    })
    .await;
    stop(&play, &second).await;
    reach(&play, &second, "ROLLBACK_SUCCESSFUL").await;
    let stats = load.stop().await;
    assert_eq!(stats.failures, 0, "{:?}", stats.failures_by_kind);
    assert_eq!(
        stats.versions.keys().collect::<Vec<_>>(),
        ["1.0.0", "1.1.0"]
    );
    assert!(play.get("prod", "/health").await.contains("1.1.0"));
    play.stage.shutdown().await;
}
