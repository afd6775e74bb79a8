//! The effect lands and the answer is lost: it is found and adopted, and nothing is done twice.

use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions};
use insta::assert_snapshot;

use crate::harness::{Action, ActionRun, Story};

/// A deployment whose call to this operation lands without an answer.
async fn deploy_losing_an_answer(operation: &str, action: Action) -> ActionRun {
    let mut play = Story::codedeploy()
        .fault(Fault::on_first_call(operation, FaultKind::LandsThenDrops))
        .begin()
        .await;
    let run = play.act(action).await;
    let ours = play
        .stage
        .ledger()
        .iter()
        .filter(|call| call.operation == "codedeploy:CreateDeployment")
        .count();
    assert_eq!(ours, 1, "one deployment only");
    play.end().await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_whose_creation_was_not_answered_is_adopted() {
    let run = deploy_losing_an_answer("CreateDeployment", Action::deploy("1.1.0")).await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
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
    codedeploy:CreateDeployment got no answer: dispatch failure: other: client error (SendRequest): connection closed before message completed; looking whether the deployment was created all the same
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
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
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → no answer
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_whose_registration_was_not_answered_gets_no_twin() {
    let run = deploy_losing_an_answer("RegisterTaskDefinition", Action::deploy("1.1.0")).await;
    assert_eq!(run.count("ecs:RegisterTaskDefinition"), 1);
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition → no answer
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_whose_opening_was_not_answered_is_open() {
    assert_snapshot!(deploy_losing_an_answer("ContinueDeployment", Action::deploy_tested("1.1.0")).await.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment → no answer
    codedeploy:ContinueDeployment → DeploymentIsNotInReadyStateException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_was_not_answered_still_ends_on_blue() {
    assert_snapshot!(deploy_losing_an_answer("StopDeployment", Action::deploy_tested_by("1.2.0", &["health"])).await.text(), @r#"
    exit code 20
    ---
    Deploying 1.2.0 to api on prod, eu-central-1 (run [run])
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
    [registry]/app@[digest] as 1.2.0: 2 layers and configs sent ([size]), 1 there already ([size])
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
    ✗ health on green: GET /health ([time])
        $.version: expected "1.2.0", found "0.0.0-dev"
    ::endgroup::
    ✗ Smoke tests on green ([time])
    Smoke test "health" failed on green (GET /health, [n] attempts).
    ::group::Rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "health" failed on green (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment → no answer
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_arrived_is_made_again_after_a_look() {
    let mut play = Story::codedeploy()
        .fault(Fault::on_first_call("CreateDeployment", FaultKind::Drops))
        .begin()
        .await;
    let run = play.act(Action::deploy("1.1.0")).await;
    assert_eq!(play.stage.deployments().len(), 1);
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → no answer
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_update_was_not_answered_is_followed() {
    let story = Story::rolling(RollingOptions::default()).fault(Fault::on_first_call(
        "UpdateService",
        FaultKind::LandsThenDrops,
    ));
    assert_snapshot!(story.run(Action::deploy("1.1.0")).await.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
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
    ecs:UpdateService got no answer: dispatch failure: other: client error (SendRequest): connection closed before message completed; looking whether the deployment was started all the same
    Deployment started: [ecs deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:2), observed at the service's deployments
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])

    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    deployment-id=[ecs deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService → no answer
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_task_whose_start_was_not_answered_runs_once() {
    let action = Action::deploy("1.1.0").with("run-task", "true").with(
        "run-task-container-overrides",
        r#"[{"name":"app","command":["migrate"]}]"#,
    );
    let mut play = Story::codedeploy()
        .fault(Fault::on_first_call("RunTask", FaultKind::LandsThenDrops))
        .begin()
        .await;
    let run = play.act(action).await;
    play.end().await;
    assert_eq!(run.output("run-task-arn").matches("arn:aws:ecs").count(), 1);
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask → no answer
    ecs:RunTask
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}
