//! Somebody else answers, stops or replaces a rollout of ECS's own; and what runs after one
//! another.

use std::time::Duration;

use ecs_bluegreen_sim::{LateStop, Stage, StopAbort};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::ecs::{assert_finished, assert_no_hook_of_ours, assert_serves, hooks};
use crate::harness::{Action, Incident, Play, Story, When, call};

const AT_TESTS: When = When::Line("Smoke tests on green");

fn answer(action: &str) -> Incident {
    Incident::Call(
        "ecs.ContinueServiceDeployment",
        json!({ "serviceDeploymentArn": "$ARN", "hookId": "$HOOK", "action": action }),
    )
}

fn stop(how: &str) -> Incident {
    Incident::Call(
        "ecs.StopServiceDeployment",
        json!({ "serviceDeploymentArn": "$ARN", "stopType": how }),
    )
}

/// A run whose machine dies while green is tested, and whose deployment somebody sends back.
async fn died(play: &mut Play) {
    let dead = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(AT_TESTS, Incident::Kill))
        .await;
    assert_eq!(dead.code, None);
    let Incident::Call(operation, request) = answer("ROLLBACK") else {
        return;
    };
    call(&play.stage, operation, &request).await;
    let is_over = |stage: &Stage| {
        stage
            .service_deployments()
            .last()
            .is_some_and(|own| own.status == "ROLLBACK_SUCCESSFUL")
    };
    assert!(
        play.stage
            .wait_until(Duration::from_secs(10), is_over)
            .await
    );
    assert!(
        hooks(play).await.to_string().contains("4711-1-"),
        "the dead run has left its hook"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_somebody_opens_before_the_tests_is_bypassed_and_taken_back() {
    let mut play = Story::blue_green().begin().await;
    let action = Action::deploy_tested("1.1.0").with("poll-interval", "1500ms");
    let run = play
        .act(action.on_incident(
            When::State("POST_TEST_TRAFFIC_SHIFT paused"),
            answer("CONTINUE"),
        ))
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "gate-bypassed")
    );
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (gate-bypassed)::the gate was opened before the smoke tests had run, by somebody else or by the rollout's own settings
      hint: ask who opened it, in the deployment's console page or in CloudTrail
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (gate-bypassed), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_somebody_opens_while_the_tests_run_counts_once_they_have_passed() {
    let mut play = Story::blue_green().begin().await;
    let run = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(AT_TESTS, answer("CONTINUE")))
        .await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    assert_eq!(
        run.log_with("gate does not wait"),
        "the gate does not wait any more; looking why"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_somebody_answers_with_a_rollback_is_told_as_stopped() {
    let mut play = Story::blue_green().begin().await;
    let run = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(AT_TESTS, answer("ROLLBACK")))
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "stopped")
    );
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (stopped)::somebody else answered a gate of service deployment [service deployment] with a rollback; ECS is rolling it back
      Caused by: Service deployment rolled back because of a rollback action on a lifecycle hook.
      hint: ask who stopped it, in the deployment's console page or in CloudTrail
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (stopped), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment → InvalidParameterException
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_somebody_stops_is_told_as_stopped() {
    let mut play = Story::canary().begin().await;
    let run = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(AT_TESTS, stop("ROLLBACK")))
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("rolled-back", "stopped")
    );
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (stopped)::service deployment [service deployment] was stopped by somebody else; ECS is rolling it back
      Caused by: Service deployment rolled back because of a user request.
      hint: ask who stopped it, in the deployment's console page or in CloudTrail
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (stopped), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:ContinueServiceDeployment → InvalidParameterException
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_comes_too_late_is_no_rollback() {
    let story = Story::blue_green()
        .in_real_time()
        .switches(|switches| switches.late_stop = LateStop::TooLate);
    let mut play = story.begin().await;
    let run = play
        .act(
            Action::deploy_tested_by("1.1.0", &["health"])
                .on_incident(When::State("CLEAN_UP"), stop("ROLLBACK")),
        )
        .await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_ne!(
        run.log_with("ROLLBACK_REQUESTED"),
        "",
        "it was seen: {}",
        run.log.join("\n")
    );
    assert_eq!(
        (run.output("outcome"), run.code),
        ("deployed", Some(0)),
        "{}",
        run.log.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_stopped_where_it_is_leaves_both_sides_and_is_stuck() {
    let story = Story::canary().switches(|switches| switches.stop_abort = StopAbort::Works);
    let mut play = story.begin().await;
    let run = play
        .act(
            Action::deploy_tested("1.1.0")
                .on_incident(When::State("prod forwards to api-1=90"), stop("ABORT")),
        )
        .await;
    assert_no_hook_of_ours(&play).await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(40), "stuck"),
        "{}",
        run.log.join("\n")
    );
    assert_snapshot!(run.ending(), @"
    exit code 40
    ---
    Blue serves 90 % of production, green 10 % (observed at the load balancer's listeners); service deployment [service deployment] could not be undone: a person is needed.
    ::error title=stuck (stopped)::service deployment [service deployment] was stopped by somebody else; ECS stopped it without a rollback
      Caused by: Service deployment stopped because of a user request.
      hint: ask who stopped it, in the deployment's console page or in CloudTrail
    ::error title=stuck::not undone: service deployment [service deployment]: service deployment [service deployment] is STOPPED, but production is not all on blue
      Caused by: rule arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/stage/c7ff6dcd94d7161e/6754af9632a2745e/52a5a04d053db0e7 forwards 90 to api-1, 10 to api-2
      hint: bring the old revision back: mode: rollback with rollback-to: api:1, or aws ecs update-service --cluster prod --service api --task-definition arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1 (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: stuck (stopped), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:StopServiceDeployment → ConflictException
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_deployment_is_named_and_left_alone() {
    let mut play = Story::blue_green().begin().await;
    let update = json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true });
    let run = play
        .act(
            Action::deploy_tested_slowly("1.1.0")
                .on_incident(AT_TESTS, Incident::Call("ecs.UpdateService", update)),
        )
        .await;
    assert_no_hook_of_ours(&play).await;
    assert_eq!(
        run.count("ecs:StopServiceDeployment"),
        0,
        "it is somebody else's"
    );
    play.end().await;
    assert_eq!((run.code, run.output("reason")), (Some(30), "superseded"));
    assert_snapshot!(run.ending(), @"
    exit code 30
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners); service deployment [service deployment] of api:2 (PENDING) took the place of ours, [service deployment] (it pauses at our gates, for mode continue or mode abort): Service deployment stopped because a new service deployment started.
    ::error title=still-running (superseded)::service deployment [service deployment] of api:2 (PENDING) took the place of ours, [service deployment] (it pauses at our gates, for mode continue or mode abort)
      Caused by: Service deployment stopped because a new service deployment started.
      hint: let one workflow deploy at a time: give it a concurrency group
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: still-running (superseded), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ecs:ContinueServiceDeployment → InvalidParameterException
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_deployment_of_another_workflow_run_is_named_with_it() {
    let mut play = Story::blue_green().begin().await;
    let mut hook = crate::harness::ecs::foreign_pause_hook(&["POST_TEST_TRAFFIC_SHIFT"]);
    hook["hookDetails"] = json!({ "ecsBluegreenAction": { "run": "4712-1-0a0a0a0a" } });
    let update = json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true, "deploymentConfiguration": { "lifecycleHooks": [hook] } });
    let run = play
        .act(
            Action::deploy_tested_slowly("1.1.0")
                .on_incident(AT_TESTS, Incident::Call("ecs.UpdateService", update)),
        )
        .await;
    assert!(
        hooks(&play).await.to_string().contains("4712-1-0a0a0a0a"),
        "another run's hook is its own to take away"
    );
    play.end().await;
    assert_eq!((run.code, run.output("reason")), (Some(30), "superseded"));
    assert!(
        run.log
            .iter()
            .any(|line| line.contains("by workflow run 4712-1-0a0a0a0a")),
        "{}",
        run.log.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_a_dead_run_left_goes_with_the_next_run() {
    let mut play = Story::blue_green().begin().await;
    died(&mut play).await;
    let run = play
        .act(Action::deploy_tested("1.1.0").env("GITHUB_RUN_ID", "4712"))
        .await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    ::warning title=note::PAUSE hooks that workflow run [run] left on the service are to be removed
    ---
    Green serves 100 % of production: api:3 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:ContinueServiceDeployment
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_a_dead_run_left_goes_with_its_deployment_when_that_is_rolled_back() {
    let mut play = Story::blue_green().begin().await;
    let dead = play
        .act(Action::deploy_tested_slowly("1.1.0").on_incident(AT_TESTS, Incident::Kill))
        .await;
    assert_eq!(dead.code, None);
    assert!(
        hooks(&play).await.to_string().contains("4711-1-"),
        "the dead run has left its hook"
    );
    let back = play
        .act(
            Action::to_service()
                .with("mode", "rollback")
                .env("GITHUB_RUN_ID", "4712"),
        )
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (back.output("outcome"), back.output("reason")),
        ("deployed", "rollback-asked")
    );
    assert_snapshot!(back.ending(), @"
    exit code 0
    ---
    api:1 serves 100 % of production again (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:StopServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_a_dead_run_left_goes_even_when_nothing_is_to_be_deployed() {
    let mut play = Story::blue_green().begin().await;
    died(&mut play).await;
    let revision = play
        .stage
        .service_view("api")
        .and_then(|view| view.primary().map(|fleet| fleet.revision.clone()))
        .unwrap_or_default();
    let run = play
        .act(
            Action::to_service()
                .with("task-definition-arn", &revision)
                .env("GITHUB_RUN_ID", "4712"),
        )
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(run.output("outcome"), "already-deployed");
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    ::warning title=note::PAUSE hooks that workflow run [run] left on the service are to be removed
    ---
    api:1 serves production already: nothing was to be deployed.
    Outcome: already-deployed, exit code 0, after [time]
    ---
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn green_is_found_although_target_groups_alternate() {
    let mut play = Story::blue_green().begin().await;
    let first = play.act(Action::deploy_tested("1.1.0")).await;
    assert_serves(&play, "api-2");
    let second = play
        .act(Action::deploy_tested("1.0.0").env("GITHUB_RUN_ID", "4712"))
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        first.log_with("green is registered in"),
        "green is registered in target group api-2, 1 of 1 targets healthy"
    );
    assert_eq!(
        second.log_with("green is registered in"),
        "green is registered in target group api-1, 1 of 1 targets healthy"
    );
    assert_eq!(
        [first.output("outcome"), second.output("outcome")],
        ["deployed", "deployed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_request_is_no_change_at_once() {
    let mut play = Story::blue_green().begin().await;
    play.act(Action::deploy_tested("1.1.0")).await;
    let run = play
        .act(Action::deploy_tested("1.1.0").env("GITHUB_RUN_ID", "4712"))
        .await;
    assert_eq!(run.count("ecs:UpdateService"), 0);
    assert_eq!(hooks(&play).await, Value::Array(Vec::new()));
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    api:2 serves production already: nothing was to be deployed.
    Outcome: already-deployed, exit code 0, after [time]
    ");
}
