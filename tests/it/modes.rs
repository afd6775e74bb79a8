//! The other modes: back to what was good, the answer to a gate, a look at what is in progress.

use ecs_bluegreen_sim::{EcsStrategyOptions, GroupOptions, RollingOptions};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::ecs::foreign_pause_hook;
use crate::harness::{Action, ActionRun, Play, Story, call, definition};

/// Any mode on the service of the story.
fn mode(mode: &str) -> Action {
    Action::to_service().with("mode", mode)
}

/// The revision behind production.
fn serves(play: &Play) -> String {
    let green: Vec<String> = play
        .stage
        .weights("prod")
        .into_iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(group, _)| group)
        .collect();
    green.join(", ")
}

/// Green waits for a person.
async fn waiting(story: Story) -> (Play, ActionRun) {
    let mut play = story.begin().await;
    let first = play
        .act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
        .await;
    assert_eq!(first.outputs["outcome"], "waiting");
    assert_eq!(serves(&play), "api-1");
    (play, first)
}

/// Somebody lets the gate open that waits.
fn answer() -> Value {
    json!({ "serviceDeploymentArn": "$ARN", "hookId": "$HOOK", "action": "CONTINUE" })
}

/// Somebody deploys 1.1.0 without this action.
async fn started_by_somebody(play: &Play) {
    let image = format!("{}/app:1.1.0", play.stage.registry_host());
    let container =
        json!({ "name": "app", "image": image, "portMappings": [{ "containerPort": 8080 }] });
    call(
        &play.stage,
        "ecs.RegisterTaskDefinition",
        &json!({ "family": "api", "containerDefinitions": [container] }),
    )
    .await;
    call(
        &play.stage,
        "ecs.UpdateService",
        &json!({ "cluster": "prod", "service": "api", "taskDefinition": "api:2" }),
    )
    .await;
}

/// The tests again, for modes that know no image.
fn tested(action: Action) -> Action {
    let tests = crate::harness::smoke_tests(&["health"]).replace("${version}", "1.1.0");
    action
        .with("smoke-tests", &tests)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_while_blue_still_runs_is_a_flip_of_weights() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let deployed = play
        .act(Action::deploy("1.1.0").with("wait-until", "shifted"))
        .await;
    assert_eq!(deployed.outputs["outcome"], "deployed");
    let back = play.act(mode("rollback")).await;
    assert_eq!(serves(&play), "api-1");
    play.end().await;
    assert_snapshot!(back.text(), @"
    exit code 0
    ---
    Rolling api on prod back, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    deployment [deployment 1] of api:2 is in progress (InProgress, made [time] by workflow run [run]): blue still runs, so it is rolled back
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])
    api:2 stays registered, so that it can be deployed again (rollback-to)

    api:1 serves 100 % of production again (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    reason=rollback-asked
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    ---
    codedeploy:StopDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_ecs_while_blue_still_runs_stops_the_deployment() {
    let mut play = Story::blue_green().in_real_time().begin().await;
    let deployed = play
        .act(Action::deploy("1.1.0").with("wait-until", "shifted"))
        .await;
    assert_eq!(deployed.outputs["outcome"], "deployed");
    let back = play.act(mode("rollback")).await;
    assert_eq!(serves(&play), "api-1");
    play.end().await;
    assert_snapshot!(back.text(), @"
    exit code 0
    ---
    Rolling api on prod back, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    deployment [service deployment] of api:2 is in progress (IN_PROGRESS at BAKE_TIME, made [time]): blue still runs, so it is rolled back
    ::group::Rollback
    service deployment [service deployment] is stopped, with rollback
    service deployment [service deployment] is ROLLBACK_REQUESTED
    service deployment [service deployment] is ROLLBACK_IN_PROGRESS
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: service deployment [service deployment]
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])
    api:2 stays registered, so that it can be deployed again (rollback-to)

    api:1 serves 100 % of production again (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    reason=rollback-asked
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    ---
    ecs:StopServiceDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_after_blue_is_gone_is_a_rollout_of_the_last_good_revision() {
    let mut play = Story::codedeploy().begin().await;
    for version in ["1.1.0", "1.2.0"] {
        assert_eq!(
            play.act(Action::deploy(version)).await.outputs["outcome"],
            "deployed"
        );
    }
    let back = play.act(mode("rollback")).await;
    play.end().await;
    assert_snapshot!(back.text(), @"
    exit code 0
    ---
    Rolling api on prod back, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    back to api:2, deployed by deployment [deployment 1], the last good one before what serves now
    ::group::Survey
    controller codedeploy; 1 of 1 tasks run api:3
      api:3 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:2 is registered already, unchanged ([time])
    Deployment started: [deployment 3]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 3]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 3]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 3]?region=eu-central-1
    deployment-id=[deployment 3]
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:3
    reason=rollback-asked
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_ecs_after_blue_is_gone_goes_through_the_same_gates() {
    let mut play = Story::blue_green().begin().await;
    for version in ["1.1.0", "1.2.0"] {
        assert_eq!(
            play.act(Action::deploy(version)).await.outputs["outcome"],
            "deployed"
        );
    }
    let back = play.act(tested(mode("rollback"))).await;
    play.end().await;
    assert_snapshot!(back.text(), @"
    exit code 0
    ---
    Rolling api on prod back, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    back to api:2, deployed by deployment [service deployment], the last good one before what serves now
    ::group::Survey
    controller ecs, blue-green; 1 of 1 tasks run api:3
      api:3 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (blue-green), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:2 is registered already, unchanged ([time])
    Deployment started: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ health on green: GET /health ([time])
    ::endgroup::
    ✓ Smoke tests on green: 1 passed ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ health on production: GET /health ([time])
    ::endgroup::
    ✓ Smoke tests on production: 1 passed ([time])
    The gate after the shift is open: the rollout may end
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    undone: PAUSE hooks of this run

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:3
    reason=rollback-asked
    rolled-back=true
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_service_goes_back_to_the_last_good_revision() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    for version in ["1.1.0", "1.2.0"] {
        assert_eq!(
            play.act(Action::deploy(version)).await.outputs["outcome"],
            "deployed"
        );
    }
    let back = play.act(mode("rollback")).await;
    play.end().await;
    assert_eq!(
        back.outputs["task-definition-arn"],
        "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2"
    );
    assert_eq!(
        (back.code, back.outputs["reason"].as_str()),
        (Some(0), "rollback-asked")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_to_go_back_to_is_named_by_tag_digest_revision_or_deployment() {
    let mut play = Story::blue_green().begin().await;
    let first = play.act(Action::deploy("1.1.0")).await;
    for version in ["1.2.0", "1.0.0"] {
        assert_eq!(
            play.act(Action::deploy(version)).await.outputs["outcome"],
            "deployed"
        );
    }
    let names = [
        "1.1.0".to_owned(),
        first.outputs["image-digest"].clone(),
        "api:2".to_owned(),
        first.outputs["deployment-id"].clone(),
    ];
    for name in names {
        let back = play.act(mode("rollback").with("rollback-to", &name)).await;
        let revision = back
            .outputs
            .get("task-definition-arn")
            .cloned()
            .unwrap_or_default();
        assert!(revision.ends_with("api:2"), "{name}: {}", back.text());
        assert_eq!(
            play.act(Action::deploy("1.2.0")).await.outputs["outcome"],
            "deployed"
        );
    }
    let nowhere = play
        .act(mode("rollback").with("rollback-to", "9.9.9"))
        .await;
    play.end().await;
    assert_snapshot!(nowhere.text(), @"
    exit code 10
    ---
    Rolling api on prod back, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    No successful deployment of the last 20 fits `9.9.9`.

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (nothing-to-return-to)::no successful deployment of the last 20 fits `9.9.9`
      Caused by: good were: api:8 ([service deployment]), api:2 ([service deployment]), api:7 ([service deployment]), api:2 ([service deployment]), api:6 ([service deployment]), api:2 ([service deployment]), api:5 ([service deployment]), api:2 ([service deployment]), api:4 ([service deployment]), api:3 ([service deployment]), api:2 ([service deployment]), api:1 ([service deployment])
      hint: set rollback-to to a revision, such as api:12
    Outcome: not-deployed (nothing-to-return-to), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    reason=nothing-to-return-to
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tested_green_waits_for_a_person_and_goes_on_when_told() {
    let (mut play, first) = waiting(Story::codedeploy()).await;
    let second = play
        .act(tested(mode("continue")).with("deployment", &first.outputs["deployment-id"]))
        .await;
    let again = play
        .act(mode("continue").with("deployment", &first.outputs["deployment-id"]))
        .await;
    play.end().await;
    assert_snapshot!(first.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
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
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ google login on green: GET /auth/google/login ([time])
    ✓ health on green: GET /health ([time])
    ✓ me on green: GET /auth/me ([time])
    ✓ session on green: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on green: 4 passed ([time])

    Green is up and tested; blue serves 100 % of production; deployment [deployment 1] continues; at its gate CodeDeploy waits 60 min for ContinueDeployment and then stops it; answer with mode: continue or mode: abort.
    Outcome: waiting, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=waiting
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=approval
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    ");
    assert_snapshot!(second.text(), @"
    exit code 0
    ---
    Opening the gate of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    Deployment followed: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ health on green: GET /health ([time])
    ::endgroup::
    ✓ Smoke tests on green: 1 passed ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ health on production: GET /health ([time])
    ::endgroup::
    ✓ Smoke tests on production: 1 passed ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    outcome=deployed
    reason=as-planned
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    codedeploy:ContinueDeployment
    ");
    assert_snapshot!(again.text(), @"
    exit code 0
    ---
    Opening the gate of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])

    Deployment [deployment 1] is over already (Succeeded): api:2 serves production.
    Outcome: already-deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=already-deployed
    reason=already-answered
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_of_ecs_waits_for_a_person_and_continues_when_told() {
    let (mut play, first) = waiting(Story::canary()).await;
    let service = call(
        &play.stage,
        "ecs.DescribeServices",
        &json!({ "cluster": "prod", "services": ["api"] }),
    )
    .await;
    assert_eq!(
        service["services"][0]["deploymentConfiguration"]["lifecycleHooks"],
        json!([]),
        "no hook waits for the next deployment"
    );
    let second = play.act(tested(mode("continue"))).await;
    let again = play
        .act(mode("continue").with("deployment", &first.outputs["service-deployment-arn"]))
        .await;
    play.end().await;
    assert_snapshot!(first.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, canary; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (canary), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, PRE_PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ google login on green: GET /auth/google/login ([time])
    ✓ health on green: GET /health ([time])
    ✓ me on green: GET /auth/me ([time])
    ✓ session on green: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on green: 4 passed ([time])
    undone: PAUSE hooks of this run

    Green is up and tested; blue serves 100 % of production; service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]; answer with mode: continue or mode: abort.
    Outcome: waiting, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=waiting
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=approval
    registry=[registry]
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ");
    assert_snapshot!(second.text(), @"
    exit code 0
    ---
    Opening the gate of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    Deployment followed: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ health on green: GET /health ([time])
    ::endgroup::
    ✓ Smoke tests on green: 1 passed ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    green is healthy and no alarm has fired: the next step of traffic may follow
    green is healthy and no alarm has fired: the next step of traffic may follow
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ health on production: GET /health ([time])
    ::endgroup::
    ✓ Smoke tests on production: 1 passed ([time])
    The gate after the shift is open: the rollout may end
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    outcome=deployed
    reason=as-planned
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ");
    assert_snapshot!(again.text(), @"
    exit code 0
    ---
    Opening the gate of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])

    Deployment [service deployment] is over already (SUCCESSFUL): api:2 serves production.
    Outcome: already-deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=already-deployed
    reason=already-answered
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_no() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let (mut play, first) = waiting(story).await;
        let no = play
            .act(mode("abort").with("deployment", &first.outputs["deployment-id"]))
            .await;
        assert_eq!(serves(&play), "api-1");
        assert_eq!(
            (
                no.code,
                no.outputs["outcome"].as_str(),
                no.outputs["reason"].as_str()
            ),
            (Some(20), "rolled-back", "aborted")
        );
        let twice = play
            .act(mode("abort").with("deployment", &first.outputs["deployment-id"]))
            .await;
        assert_eq!(
            (twice.code, twice.outputs["reason"].as_str()),
            (Some(0), "already-answered"),
            "{}",
            twice.text()
        );
        let late = play
            .act(mode("continue").with("deployment", &first.outputs["deployment-id"]))
            .await;
        assert_eq!(
            (late.code, late.outputs["outcome"].as_str()),
            (Some(10), "not-deployed"),
            "{}",
            late.text()
        );
        play.end().await;
    }
}

/// What is registered, as a person would see it.
async fn registered(play: &Play) -> Vec<String> {
    let listed = call(
        &play.stage,
        "ecs.ListTaskDefinitions",
        &json!({ "familyPrefix": "api", "status": "ACTIVE" }),
    )
    .await;
    let arns = listed["taskDefinitionArns"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    arns.iter()
        .filter_map(|arn| Some(arn.as_str()?.rsplit_once('/')?.1.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_deregisters_the_revision_that_the_waiting_run_has_registered() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let (mut play, first) = waiting(story).await;
        assert_eq!(registered(&play).await, ["api:1", "api:2"]);
        let no = play
            .act(mode("abort").with("deployment", &first.outputs["deployment-id"]))
            .await;
        assert_eq!(
            (
                no.output("outcome"),
                no.count("ecs:DeregisterTaskDefinition")
            ),
            ("rolled-back", 1),
            "{}",
            no.text()
        );
        assert_eq!(registered(&play).await, ["api:1"]);
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_leaves_a_revision_that_was_registered_before_the_waiting_run() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let mut play = story.begin().await;
        let file = definition("x").to_string();
        let action = || {
            Action::deploy("1.1.0")
                .file("task.json", &file)
                .with("task-definition", "task.json")
        };
        assert_eq!(
            play.act(action().without("service")).await.output("reason"),
            "no-service"
        );
        let first = play.act(action().with("approval", "before-traffic")).await;
        assert_eq!(
            (
                first.output("outcome"),
                first.count("ecs:RegisterTaskDefinition")
            ),
            ("waiting", 0),
            "{}",
            first.text()
        );
        let no = play.act(mode("abort")).await;
        assert_eq!(
            (
                no.output("outcome"),
                no.count("ecs:DeregisterTaskDefinition")
            ),
            ("rolled-back", 0),
            "{}",
            no.text()
        );
        assert_eq!(registered(&play).await, ["api:1", "api:2"]);
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fails_on_production_deregisters_the_revision_too() {
    let (mut play, first) = waiting(Story::blue_green()).await;
    let tests = crate::harness::smoke_tests(&["health"]).replace("${version}", "2.0.0");
    let checked = mode("continue")
        .with("smoke-tests", &tests)
        .with("production-url", "$PRODUCTION");
    let run = play
        .act(checked.with("deployment", &first.outputs["deployment-id"]))
        .await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "smoke-failed"),
        "{}",
        run.text()
    );
    assert_eq!(registered(&play).await, ["api:1"]);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_in_time() {
    let group = GroupOptions {
        ready_wait_minutes: Some(1),
        ..GroupOptions::default()
    };
    let ecs_story = Story::ecs(EcsStrategyOptions::default());
    for (story, deadline) in [(Story::group(group), "10m"), (ecs_story, "1m")] {
        let mut play = story.begin().await;
        let first = play
            .act(
                Action::deploy_tested("1.1.0")
                    .with("approval", "before-traffic")
                    .with("deadline", deadline),
            )
            .await;
        assert_eq!(first.outputs["outcome"], "waiting", "{}", first.text());
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let late = play
            .act(mode("continue").with("deployment", &first.outputs["deployment-id"]))
            .await;
        assert_eq!(
            (late.code, late.outputs["reason"].as_str()),
            (Some(10), "expired"),
            "{}",
            late.text()
        );
        assert_eq!(
            (
                late.count("ecs:DeregisterTaskDefinition"),
                registered(&play).await
            ),
            (1, vec!["api:1".to_owned()]),
            "{}",
            late.text()
        );
        let once_more = play
            .act(mode("continue").with("deployment", &first.outputs["deployment-id"]))
            .await;
        assert_eq!(
            once_more.count("ecs:DeregisterTaskDefinition"),
            0,
            "{}",
            once_more.text()
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_deployment_than_the_one_that_is_meant_is_never_answered() {
    let (mut play, _) = waiting(Story::blue_green()).await;
    let other = play
        .act(mode("continue").with("deployment", "0123456789abcdef01234"))
        .await;
    assert_eq!(other.code, Some(10));
    assert!(other.calls.is_empty(), "{:?}", other.calls);
    play.act(mode("abort")).await;
    play.end().await;
    assert_snapshot!(other.text(), @"
    exit code 10
    ---
    Opening the gate of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    [service deployment] is not in progress: deployment [service deployment] of api:2 is in progress (IN_PROGRESS at POST_TEST_TRAFFIC_SHIFT, made [time], by workflow run [run]).

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (superseded)::[service deployment] is not in progress: deployment [service deployment] of api:2 is in progress (IN_PROGRESS at POST_TEST_TRAFFIC_SHIFT, made [time], by workflow run [run])
      hint: answer the deployment that waits, or leave `deployment` out
    Outcome: not-deployed (superseded), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    reason=superseded
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_is_in_progress_and_what_came_of_it() {
    let (mut play, _) = waiting(Story::canary()).await;
    let at_gate = play.act(mode("status")).await;
    play.act(mode("abort")).await;
    let nothing = play.act(mode("status")).await;
    play.end().await;
    assert_snapshot!(at_gate.text(), @"
    exit code 0
    ---
    Looking at api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])
    deployment [service deployment] of api:2 is in progress (IN_PROGRESS at POST_TEST_TRAFFIC_SHIFT, made [time], by workflow run [run])
    Deployment followed: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    ::group::Traffic
    ::endgroup::
    ✓ Traffic: it waits at a gate ([time])

    Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]; answer with mode: continue or mode: abort.
    Outcome: waiting, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    outcome=waiting
    reason=approval
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ");
    assert_snapshot!(nothing.text(), @"
    exit code 0
    ---
    Looking at api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: read ([time])

    Nothing is in progress; api:1 serves production.
    Outcome: already-deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=already-deployed
    reason=nothing-running
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_what_serves_at_every_gate() {
    let (mut play, _) = waiting(Story::canary()).await;
    let mut gates = Vec::new();
    for _ in 0..3 {
        call(&play.stage, "ecs.ContinueServiceDeployment", &answer()).await;
        let status = play.act(mode("status")).await;
        assert_eq!(
            (status.code, status.outputs["outcome"].as_str()),
            (Some(0), "waiting"),
            "{}",
            status.text()
        );
        gates.push(status.log_with("waits at its gate"));
    }
    play.act(mode("abort")).await;
    assert_eq!(serves(&play), "api-1");
    play.end().await;
    assert_snapshot!(gates.join("\n"), @"
    Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]; answer with mode: continue or mode: abort.
    Blue serves 90 % of production, green 10 % (observed at the load balancer's listeners); service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]; answer with mode: continue or mode: abort.
    Blue serves 0 % of production, green 100 % (observed at the load balancer's listeners); service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]; answer with mode: continue or mode: abort.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_leaves_the_answer_at_somebody_else_s_gate_to_its_owner() {
    let options = EcsStrategyOptions {
        hooks: vec![foreign_pause_hook(&["POST_SCALE_UP"])],
        ..EcsStrategyOptions::default()
    };
    let mut play = Story::ecs(options)
        .begin()
        .await
        .push_version("1.1.0")
        .await;
    started_by_somebody(&play).await;
    let status = play.act(mode("status")).await;
    call(&play.stage, "ecs.ContinueServiceDeployment", &answer()).await;
    let then = play.act(mode("status")).await;
    play.end().await;
    assert_eq!(
        (then.code, then.outputs["outcome"].as_str()),
        (Some(0), "deployed"),
        "{}",
        then.text()
    );
    assert_snapshot!(status.ending(), @"
    exit code 0
    ---
    Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]; the owner of this gate answers it; mode: abort rolls it back.
    Outcome: waiting, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_follows_a_deployment_that_somebody_else_started() {
    for story in [
        Story::blue_green(),
        Story::rolling(RollingOptions::default()),
    ] {
        let mut play = story.begin().await.push_version("1.1.0").await;
        started_by_somebody(&play).await;
        let status = play.act(mode("status")).await;
        assert_eq!(
            status.calls.len(),
            2,
            "only what somebody else called: {:?}",
            status.calls
        );
        assert_eq!(
            (status.code, status.outputs["outcome"].as_str()),
            (Some(0), "deployed"),
            "{}",
            status.text()
        );
        play.end().await;
    }
}
