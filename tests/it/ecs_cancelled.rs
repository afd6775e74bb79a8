//! The workflow is cancelled, or an answer is lost, during a rollout of ECS's own.

use std::time::Duration;

use ecs_bluegreen_sim::{Fault, FaultKind, Stage};
use insta::assert_snapshot;

use crate::harness::ecs::{assert_finished, assert_no_hook_of_ours};
use crate::harness::{Action, ActionRun, Incident, Story, When};

async fn cancelled(story: Story, action: Action) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "cancelled"),
        "{}",
        run.log.join("\n")
    );
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_green_comes_up() {
    let run = cancelled(
        Story::blue_green(),
        Action::deploy_tested("1.1.0").on_incident(When::State("SCALE_UP"), Incident::Interrupt),
    )
    .await;
    assert_snapshot!(run.text(), @"
    exit code 20
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, blue-green; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (blue-green), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    ::endgroup::
    ✗ Green: cut short ([time])
    The runner asks us to stop: undoing what is in progress
    The workflow was cancelled.
    ::group::Rollback
    service deployment [service deployment] is stopped, with rollback
    service deployment [service deployment] is ROLLBACK_REQUESTED
    service deployment [service deployment] is ROLLBACK_IN_PROGRESS
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: service deployment [service deployment]
    undone: PAUSE hooks of this run
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=cancelled
    registry=[registry]
    rolled-back=true
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_at_the_gate() {
    let action = Action::deploy_tested_slowly("1.1.0")
        .on_incident(When::Line("Smoke tests on green"), Incident::Interrupt);
    let run = cancelled(Story::blue_green(), action).await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_a_canary_has_some_users() {
    let run = cancelled(
        Story::canary(),
        Action::deploy_tested("1.1.0").on_incident(
            When::State("prod forwards to api-1=90"),
            Incident::Interrupt,
        ),
    )
    .await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_during_the_bake() {
    let run = cancelled(
        Story::blue_green().in_real_time(),
        Action::deploy_tested("1.1.0").on_incident(When::State("BAKE_TIME"), Incident::Interrupt),
    )
    .await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_rollout_that_is_left_says_what_ecs_does_with_it() {
    let action = Action::deploy_tested_slowly("1.1.0")
        .with("on-cancel", "leave")
        .on_incident(When::Line("Smoke tests on green"), Incident::Interrupt);
    let mut play = Story::blue_green().begin().await;
    let run = play.act(action).await;
    assert_eq!(run.count("ecs:StopServiceDeployment"), 0);
    assert_no_hook_of_ours(&play).await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(30), "still-running")
    );
    assert_snapshot!(run.ending(), @"
    exit code 30
    ---
    The workflow was cancelled: service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time].
    ::error title=still-running (cancelled)::the workflow was cancelled
      Caused by: service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: still-running (cancelled), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_is_left_after_its_last_gate_goes_on_by_itself() {
    let action = Action::deploy_tested("1.1.0")
        .with("on-cancel", "leave")
        .on_incident(When::State("BAKE_TIME"), Incident::Interrupt);
    let mut play = Story::blue_green().in_real_time().begin().await;
    let run = play.act(action).await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(30), "still-running")
    );
    let is_over = |stage: &Stage| {
        stage
            .service_deployments()
            .last()
            .is_some_and(|own| own.status == "SUCCESSFUL")
    };
    assert!(
        play.stage
            .wait_until(Duration::from_secs(20), is_over)
            .await,
        "what was said of ECS is what it does"
    );
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 30
    ---
    The workflow was cancelled: service deployment [service deployment] continues by itself; ECS keeps blue for 5 min after the shift.
    ::error title=still-running (cancelled)::the workflow was cancelled
      Caused by: service deployment [service deployment] continues by itself; ECS keeps blue for 5 min after the shift
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: still-running (cancelled), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

/// A deployment, one of whose calls goes wrong on its way.
async fn deploy_losing_a_call(operation: &str, kind: FaultKind) -> ActionRun {
    let mut play = Story::blue_green()
        .fault(Fault::on_first_call(operation, kind))
        .begin()
        .await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_finished(&play, "api-2").await;
    let started = play
        .stage
        .service_deployments()
        .iter()
        .filter(|deployment| deployment.revision.ends_with("api:2"))
        .count();
    assert_eq!(started, 1, "one deployment only");
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_whose_answer_was_lost_is_adopted() {
    let run = deploy_losing_a_call("UpdateService", FaultKind::LandsThenDrops).await;
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
      it pauses at POST_TEST_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ google login on production: GET /auth/google/login ([time])
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 4 passed ([time])
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
    ecs:UpdateService → no answer
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_never_arrived_is_sent_again() {
    let run = deploy_losing_a_call("UpdateService", FaultKind::Drops).await;
    assert_eq!(
        run.count("ecs:UpdateService"),
        3,
        "lost, sent again, and the hooks taken away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_gate_that_was_lost_on_the_way_back_is_seen() {
    let run = deploy_losing_a_call("ContinueServiceDeployment", FaultKind::LandsThenDrops).await;
    assert_eq!(run.count("ecs:ContinueServiceDeployment"), 2, "one a gate");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_gate_that_never_arrived_is_given_again() {
    let run = deploy_losing_a_call("ContinueServiceDeployment", FaultKind::Drops).await;
    assert_eq!(
        run.count("ecs:ContinueServiceDeployment"),
        3,
        "the first gate twice"
    );
    assert_eq!(
        run.log_with("opened again"),
        "the gate was still closed; it was opened again"
    );
}
