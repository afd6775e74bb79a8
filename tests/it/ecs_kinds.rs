//! What carries the traffic of a rollout of ECS's own: a network load balancer, Service Connect,
//! nothing that ECS knows of.

use ecs_bluegreen_sim::{EcsStrategyOptions, LoadBalancerKind, Strategy};
use insta::assert_snapshot;

use crate::harness::ecs::{assert_finished, assert_no_hook_of_ours};
use crate::harness::{Action, Story, smoke_tests};

fn story(kind: LoadBalancerKind) -> Story {
    Story::ecs(EcsStrategyOptions {
        kind,
        ..EcsStrategyOptions::default()
    })
}

/// Service Connect leads to green by a header, at the address of production.
fn marked(version: &str, tests: &[&str]) -> Action {
    let tests = smoke_tests(tests).replace(
        "{ name: health,",
        "{ name: health, headers: { x-amzn-ecs-blue-green-test: \"yes\" },",
    );
    Action::deploy(version)
        .with("smoke-tests", &tests)
        .with("test-url", "$PRODUCTION")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_load_balancer_is_observed_at_its_listeners() {
    let mut play = story(LoadBalancerKind::Nlb).begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_eq!(
        run.log_with("green is registered in"),
        "green is registered in target group api-2, 1 of 1 targets healthy"
    );
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_load_balancer_s_green_that_fails_its_tests_is_taken_back() {
    let mut play = story(LoadBalancerKind::Nlb).begin().await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health"]))
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "smoke-failed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn service_connect_is_tested_by_its_header() {
    let mut play = story(LoadBalancerKind::ServiceConnect).begin().await;
    let run = play.act(marked("1.1.0", &["health"])).await;
    assert_no_hook_of_ours(&play).await;
    assert!(play.users().versions.contains_key("1.1.0"));
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, blue-green; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (blue-green), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    ::group::Green
    green is reached through Service Connect with the header x-amzn-ecs-blue-green-test; test-url must lead there
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests at test-url
    ✓ health at test-url: GET /health ([time])
    test-url answers with the new version, and answered with another one before the rollout: it leads to green
    ::endgroup::
    ✓ Smoke tests on green: 1 passed ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), as the controller says; nothing else could be read
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    undone: PAUSE hooks of this run

    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_connect_s_green_that_fails_its_tests_never_reaches_a_user() {
    let mut play = story(LoadBalancerKind::ServiceConnect).begin().await;
    let run = play.act(marked("1.2.0", &["health"])).await;
    assert_no_hook_of_ours(&play).await;
    assert!(
        !play
            .users()
            .versions
            .keys()
            .any(|version| version != "1.0.0"),
        "{:?}",
        play.users().versions
    );
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "smoke-failed")
    );
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (smoke-failed)::smoke test "health" failed at test-url (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_connect_takes_a_canary_s_steps() {
    let strategy = Strategy::Canary {
        percent: 10.0,
        bake_minutes: 5,
    };
    let mut play = Story::ecs(EcsStrategyOptions {
        kind: LoadBalancerKind::ServiceConnect,
        strategy,
        ..EcsStrategyOptions::default()
    })
    .begin()
    .await;
    let run = play.act(marked("1.1.0", &["health"])).await;
    assert_no_hook_of_ours(&play).await;
    play.end().await;
    assert_eq!(
        (
            run.output("outcome"),
            run.count("ecs:ContinueServiceDeployment")
        ),
        ("deployed", 3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_service_is_said_to_be_one() {
    let mut play = story(LoadBalancerKind::Headless).begin().await;
    let run = play.act(Action::deploy("1.1.0")).await;
    assert_no_hook_of_ours(&play).await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, blue-green; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      the service is headless (no load balancer, no Service Connect): ECS exchanges tasks, no traffic is managed
      ECS shifts traffic (blue-green), and keeps blue for 5 min after it
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:2), as the controller says; nothing else could be read
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_service_has_no_green_to_test() {
    let run = story(LoadBalancerKind::Headless)
        .run(
            Action::deploy_tested("1.1.0")
                .with("test-url", "http://127.0.0.1:9")
                .without("production-url"),
        )
        .await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0));
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::test-url: http://[address]/ cannot be reached from this runner: tcp connect error: Connection refused (os error 111)
      hint: check the host, the port and the listener behind it, its security group, and whether this runner is in a network that may reach it
    ::error title=input refused::test-url: the service has neither a load balancer nor Service Connect: ECS exchanges its tasks, and there is no test traffic
      hint: leave test-url out; production-url tests after the rollout
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_service_s_green_that_crashes_leaves_blue() {
    // Without a load balancer its tasks count from their start: the bake lasts long enough for them
    // to crash in it on a busy machine, whatever is read.
    let bake = EcsStrategyOptions {
        kind: LoadBalancerKind::Headless,
        bake_minutes: 30,
        ..EcsStrategyOptions::default()
    };
    let mut play = Story::ecs(bake).in_real_time().begin().await;
    let run = play.act(Action::deploy("1.4.0")).await;
    assert_no_hook_of_ours(&play).await;
    play.end().await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    // It may have crashed before ECS counted it, or after: both are true.
    let ending = run.ending();
    let (crash, rest): (Vec<&str>, Vec<&str>) = ending.lines().partition(|line| {
        ["::error", "  Caused by: ", "  hint: "]
            .iter()
            .any(|start| line.starts_with(start))
    });
    assert!(
        [
            "title=rolled-back (tasks-unhealthy)::green does not become healthy: [n] of its tasks have failed",
            "title=rolled-back (tasks-unhealthy)::while green had all of production's traffic, no task of api:2 was running",
        ]
        .iter()
        .any(|sentence| crash[0].ends_with(sentence)),
        "{ending}"
    );
    assert!(
        crash
            .last()
            .expect("a hint")
            .starts_with("  hint: fix what the containers stopped for; "),
        "{ending}"
    );
    assert_snapshot!(rest.join("\n"), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:DeregisterTaskDefinition
    "#);
}
