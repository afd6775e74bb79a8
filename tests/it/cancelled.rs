//! The workflow is cancelled, or the machine dies: blue serves, and nothing of ours is left armed.

use std::time::Duration;

use ecs_bluegreen::checks::smoke::TestVerdict;
use ecs_bluegreen::event::{Event, Step};
use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions};
use insta::assert_snapshot;

use crate::harness::ecs::assert_serves;
use crate::harness::{Action, ActionRun, Incident, Play, Story, When, serve_body};

/// Production is all on blue, and no deployment is in progress.
fn assert_over(play: &Play) {
    assert_serves(play, "api-1");
    for id in play.stage.deployments() {
        let status = play.stage.deployment_status(&id).unwrap_or_default();
        assert!(
            ["Stopped", "Succeeded", "Failed"].contains(&status.as_str()),
            "{id} is {status}"
        );
    }
}

async fn cancelled(story: Story, action: Action) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert_over(&play);
    play.end().await;
    run
}

/// The machine dies at a point of the run; then the post step runs, twice.
async fn kill_then_post_twice(story: Story, action: Action) -> String {
    let mut play = story.begin().await;
    let main = play.act(action).await;
    assert_eq!(main.code, None);
    let post = play.post(&main).await;
    assert_over(&play);
    let again = play.post(&main).await;
    assert_over(&play);
    assert_eq!(
        again.code,
        Some(0),
        "post is harmless when everything is taken back"
    );
    play.end().await;
    format!("{}\n=== again\n{}", post.text(), again.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_green_comes_up() {
    let run = cancelled(
        Story::codedeploy(),
        Action::deploy_tested("1.1.0")
            .on_incident(When::State("Install InProgress"), Incident::Interrupt),
    )
    .await;
    assert_snapshot!(run.text(), @"
    exit code 20
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
    ::endgroup::
    ✗ Green: cut short ([time])
    The runner asks us to stop: undoing what is in progress
    The workflow was cancelled.
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=cancelled
    registry=[registry]
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_green_is_tested() {
    let run = cancelled(
        Story::codedeploy(),
        Action::deploy_tested_slowly("1.1.0")
            .on_incident(When::Line("Smoke tests on green"), Incident::Interrupt),
    )
    .await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_traffic_moves() {
    let action =
        Action::deploy_tested("1.1.0").on_incident(When::State("api-1=90"), Incident::Interrupt);
    assert_snapshot!(cancelled(Story::codedeploy().in_real_time(), action).await.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runner_s_second_signal_does_not_cut_the_rollback_short() {
    let action = Action::deploy_tested("1.1.0")
        .on_incident(When::State("api-1=90"), Incident::Interrupt)
        .on_incident(When::Later(Duration::from_millis(100)), Incident::Terminate);
    let run = cancelled(Story::codedeploy().in_real_time(), action).await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_while_a_rolling_service_is_tested() {
    let action = Action::deploy_tested_slowly("1.1.0")
        .without("test-url")
        .on_incident(When::Line("Smoke tests on production"), Incident::Interrupt);
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    let run = play.act(action).await;
    let view = play.stage.service_view("api").expect("the service");
    assert!(
        view.primary()
            .is_some_and(|fleet| fleet.revision.ends_with("api:1")),
        "{view:?}"
    );
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: rolled-back (cancelled), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_outlasts_the_grace_is_finished_by_the_post_step() {
    // Stopping works, but for nine seconds nobody may look: the runner waits for seven and a half.
    let blind = Fault {
        operation: "GetDeployment".into(),
        nth: 1,
        times: 40,
        kind: FaultKind::Slow(9_000),
    };
    let action = Action::deploy_tested_slowly("1.1.0")
        .on_incident(When::Line("Smoke tests on green"), Incident::Fault(blind))
        .on_incident(When::Later(Duration::ZERO), Incident::Interrupt);
    let mut play = Story::codedeploy().begin().await;
    let main = play.act(action).await;
    play.stage.clear_faults();
    let post = play.post(&main).await;
    assert_over(&play);
    play.end().await;
    assert_snapshot!(format!("{}\n=== post\n{}", main.ending(), post.text()), @"
    exit code 30
    ---
    The rollback was asked for, but this step had to end before it was observed; the post step continues it.
    ::error title=still-running (cancelled)::the workflow was cancelled
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: still-running (cancelled), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    === post
    exit code 0
    ---
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_green_comes_up_the_post_step_takes_the_deployment_back() {
    let action = Action::deploy_tested("1.1.0")
        .on_incident(When::State("Install InProgress"), Incident::Kill);
    assert_snapshot!(kill_then_post_twice(Story::codedeploy(), action).await, @"
    exit code 0
    ---
    deployment [deployment 1] is stopped, with rollback
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    === again
    exit code 0
    ---
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_traffic_moves_the_post_step_brings_blue_back() {
    let action =
        Action::deploy_tested("1.1.0").on_incident(When::State("api-1=90"), Incident::Kill);
    assert_snapshot!(kill_then_post_twice(Story::codedeploy().in_real_time(), action).await, @"
    exit code 0
    ---
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    === again
    exit code 0
    ---
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_deployment_s_id_was_known_the_post_step_finds_it_by_our_run() {
    let story = Story::codedeploy().fault(Fault::on_first_call(
        "CreateDeployment",
        FaultKind::LandsThenHangs,
    ));
    assert_snapshot!(kill_then_post_twice(story, Action::deploy_tested("1.1.0").on_incident(When::State("Created"), Incident::Kill)).await, @"
    exit code 0
    ---
    deployment [deployment 1] is stopped, with rollback
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    === again
    exit code 0
    ---
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_a_rolling_service_was_updated_the_post_step_goes_back() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    let main = play
        .act(
            Action::deploy_tested_slowly("1.1.0")
                .without("test-url")
                .on_incident(When::Line("Smoke tests on production"), Incident::Kill),
        )
        .await;
    let post = play.post(&main).await;
    let view = play.stage.service_view("api").expect("the service");
    assert!(
        view.primary()
            .is_some_and(|fleet| fleet.revision.ends_with("api:1")),
        "{view:?}"
    );
    play.end().await;
    assert_snapshot!(post.text(), @"
    exit code 0
    ---
    the service goes back to api:1
    production: 100 % on blue (api:1), observed at the service's deployments
    undone: rolling deployment of api:2
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_run_that_ended_the_post_step_has_nothing_to_do() {
    let mut play = Story::codedeploy().begin().await;
    let main = play.act(Action::deploy("1.1.0")).await;
    let post = play.post(&main).await;
    play.end().await;
    assert_snapshot!(post.text(), @"
    exit code 0
    ---
    Nothing is left to undo
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_costly_to_judge_does_not_hold_up_a_cancel() {
    // As deep as JSON may be, again and again; and a pattern that has hundreds of ways at every
    // letter.
    let chains = vec![format!("{}1{}", "[".repeat(100), "]".repeat(100)); 1_000].join(",");
    let url = serve_body(format!("[{chains}]")).await;
    let costly = [
        "json: { '$..[?@..[?@..a]]': 1 }",
        r"body: { matches: '(?:\[?1?\]?,?){200}q' }",
    ];
    for expectation in costly {
        let tests =
            format!("tests:\n  - {{ name: costly, get: /, expect: {{ {expectation} }} }}\n");
        let action = Action::deploy("1.1.0")
            .with("smoke-tests", &tests)
            .with("test-url", &url);
        let action = action
            .on_incident(When::Line("Smoke tests at test-url"), Incident::Nothing)
            .on_incident(When::Later(Duration::from_millis(700)), Incident::Interrupt);
        let run = cancelled(Story::codedeploy(), action).await;
        let events =
            ecs_bluegreen::sinks::journal::read(run.journal.as_bytes()).expect("a journal");
        let at = |wanted: fn(&Event) -> bool| {
            events
                .iter()
                .find(|stamped| wanted(&stamped.event))
                .map(|stamped| stamped.at_ms)
        };
        let began = at(|event| matches!(event, Event::StepStarted { step: Step::Gate }))
            .expect("the tests' step");
        let heard = at(|event| matches!(event, Event::Signalled)).expect("the signal");
        let judged = at(
            |event| matches!(event, Event::SmokeTested { result } if result.verdict != TestVerdict::Unfinished),
        );
        assert_eq!(judged, None, "{expectation}: it was cheap");
        assert!(
            heard - began < 700 + 1_000,
            "{expectation}: the signal was heard after {} ms",
            heard - began
        );
    }
}
