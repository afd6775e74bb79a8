//! Green that never becomes healthy, the commonest failure on ECS: ended after its third failed
//! task on every controller and strategy, and at the latest when the deadline passes, with AWS's
//! own words and blue serving.

use std::time::Duration;

use ecs_bluegreen_sim::{
    Breaker, Clock, EcsStrategyOptions, Fault, FaultKind, HealthChecks, RollingOptions,
};
use insta::assert_snapshot;

use crate::harness::ecs::foreign_pause_hook;
use crate::harness::{Action, ActionRun, Play, Story, definition};

/// A version whose health checks all fail.
const SICK: &str = "ERROR_RATE=1\nTROUBLE_PATH=/health";

fn rolling(breaker: Breaker) -> Story {
    Story::rolling(RollingOptions {
        breaker,
        ..RollingOptions::default()
    })
}

/// Every way to roll out.
fn every_controller() -> [(&'static str, Story); 5] {
    [
        ("codedeploy", Story::codedeploy()),
        ("blue-green", Story::blue_green()),
        ("canary", Story::canary()),
        ("linear", Story::linear()),
        ("rolling", rolling(Breaker::Off)),
    ]
}

/// The controller itself would try for an hour, a day, or for ever.
fn patient(story: Story) -> Story {
    story.switches(|switches| {
        switches.install_timeout_ms = Some(600_000);
        switches.unhealthy_after_ms = 700;
    })
}

/// The revision behind production.
async fn assert_blue_serves(play: &Play) {
    let is_blue = |view: ecs_bluegreen_sim::ServiceView| {
        view.primary()
            .is_some_and(|fleet| fleet.revision.ends_with("api:1"))
    };
    let came = play
        .stage
        .wait_until(Duration::from_secs(10), |stage| {
            stage.service_view("api").is_some_and(is_blue)
        })
        .await;
    assert!(came, "{:?}", play.stage.service_view("api"));
    let elsewhere: u32 = play
        .stage
        .weights("prod")
        .iter()
        .filter(|(group, _)| group != "api-1")
        .map(|(_, weight)| weight)
        .sum();
    assert!(
        elsewhere == 0 || play.stage.weights("prod").len() == 1,
        "{:?}",
        play.stage.weights("prod")
    );
}

/// Runs it, and blue serves at the end.
async fn on_blue(story: Story, action: Action) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert_blue_serves(&play).await;
    play.end().await;
    run
}

fn assert_ended(run: &ActionRun, name: &str, why: &str) {
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "tasks-unhealthy"),
        "{name}: {}",
        run.text()
    );
    let log = run.log.join("\n");
    assert!(
        log.contains(why),
        "{name}: the log does not say `{why}`: {log}"
    );
    let plain: String = run
        .summary
        .chars()
        .filter(|letter| *letter != '\\')
        .collect();
    assert!(
        plain.replace("&#58;", ":").contains(why),
        "{name}: the summary does not say `{why}`: {}",
        run.summary
    );
    assert!(!log.contains("wait-for-minutes"), "{name}: {log}");
    let counted = run
        .log
        .iter()
        .filter(|line| line.contains(" failed") && line.contains("tasks running"))
        .count();
    assert!(counted <= 3, "{name}: {counted} lines count failed tasks");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_the_load_balancer_s_health_checks_kill_end_the_run_on_every_strategy() {
    for (name, story) in every_controller() {
        let action = Action::deploy("1.1.0").with("environment-variables", SICK);
        let run = on_blue(patient(story), action).await;
        assert_ended(
            &run,
            name,
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn green_that_its_health_checks_kill_is_told_with_aws_s_sentence_and_its_log() {
    let run = on_blue(
        patient(Story::blue_green()),
        Action::deploy_tested("1.1.0").with("environment-variables", SICK),
    )
    .await;
    let ending = run.ending();
    for words in [
        "Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).",
        "::error title=rolled-back (tasks-unhealthy)::green does not become healthy: [n] of its tasks have failed",
        "  Caused by: Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api-2/",
        "exit code 0; Task failed ELB health checks",
        "\"message\":\"request failed\",\"cause\":\"the pricing service did not answer\"",
        "hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes",
    ] {
        assert!(ending.contains(words), "`{words}` is not in: {ending}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_fail_the_health_checks_of_their_containers_end_the_run_too() {
    for (name, story) in [
        ("blue-green", Story::blue_green()),
        ("rolling", rolling(Breaker::Off)),
    ] {
        let story =
            patient(story).switches(|switches| switches.health_checks = HealthChecks::Containers);
        let run = on_blue(
            story,
            Action::deploy("1.1.0").with("environment-variables", SICK),
        )
        .await;
        assert_ended(&run, name, "Task failed container health checks");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_service_without_a_circuit_breaker_does_not_crash_for_ever() {
    let run = on_blue(rolling(Breaker::Off), Action::deploy("1.4.0")).await;
    assert_ended(&run, "rolling", "Essential container in task exited");
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (tasks-unhealthy)::green does not become healthy: [n] of its tasks have failed
      Caused by: Essential container in task exited
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_ends_the_run_on_every_strategy() {
    for (name, story) in every_controller() {
        let action = Action::to_service()
            .file(
                "task.json",
                &definition("$REGISTRY/app:nowhere").to_string(),
            )
            .with("task-definition", "task.json");
        let run = on_blue(patient(story), action).await;
        assert_ended(
            &run,
            name,
            "CannotPullContainerError: pull image manifest has been retried 1 time(s)",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_circuit_breaker_that_counts_up_to_more_ecs_has_the_first_word_and_we_the_last() {
    let run = on_blue(
        patient(rolling(Breaker::Rollback)),
        Action::deploy("1.1.0").with("environment-variables", SICK),
    )
    .await;
    assert_ended(&run, "rolling", "circuit breaker");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tasks_may_not_be_listed_ecs_s_own_count_ends_a_rolling_deployment() {
    let story = patient(rolling(Breaker::Off))
        .stage(|options| options.denied = vec!["ecs:ListTasks".to_owned()]);
    let run = on_blue(
        story,
        Action::deploy("1.1.0").with("environment-variables", SICK),
    )
    .await;
    assert_ended(&run, "rolling", "is unhealthy in (target-group");
}

/// Tasks run and are not healthy, and nobody stops them: a long grace period.
fn slow(story: Story) -> Story {
    story.switches(|switches| {
        switches.install_timeout_ms = Some(600_000);
        switches.unhealthy_after_ms = 600_000;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_before_any_traffic_moved_rolls_green_back_on_every_strategy() {
    for (name, story) in every_controller() {
        let action = Action::deploy("1.1.0")
            .with("environment-variables", SICK)
            .with("deadline", "2s");
        let run = on_blue(slow(story), action).await;
        assert_eq!(
            (run.code, run.output("outcome"), run.output("reason")),
            (Some(20), "rolled-back", "timeout"),
            "{name}: {}",
            run.text()
        );
        let said: &[&str] = match name {
            "rolling" => &["none of the old tasks had been replaced after 2 s"],
            // CodeDeploy's target has nothing to show at first.
            "codedeploy" => &[
                "no traffic had moved to green after 2 s",
                "the rollout had not reached its traffic shift after 2 s",
            ],
            _ => &["no traffic had moved to green after 2 s"],
        };
        let log = run.log.join("\n").to_lowercase();
        assert!(
            said.iter().any(|said| log.contains(said)),
            "{name}: {}",
            run.text()
        );
        let is_shared = run
            .log
            .iter()
            .any(|line| line.contains("behind the same target group"));
        assert_eq!(is_shared, name == "rolling", "{name}: {}", run.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_before_any_traffic_says_how_far_the_rollout_was() {
    let run = on_blue(
        slow(Story::canary()),
        Action::deploy_tested("1.1.0")
            .with("environment-variables", SICK)
            .with("deadline", "2s"),
    )
    .await;
    let ending = run.ending();
    for words in [
        "Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).",
        "::error title=rolled-back (timeout)::no traffic had moved to green after [time]\n  Caused by: the rollout was at SCALE_UP, with ",
        "hint: the service's events say what green waits for",
    ] {
        assert!(ending.contains(words), "`{words}` is not in: {ending}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_at_somebody_else_s_gate_leaves_the_answer_to_them() {
    let options = EcsStrategyOptions {
        hooks: vec![foreign_pause_hook(&["POST_SCALE_UP"])],
        ..EcsStrategyOptions::default()
    };
    let mut play = Story::ecs(options).begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").with("deadline", "12s"))
        .await;
    assert!(
        play.stage
            .service_deployments()
            .iter()
            .any(|deployment| !deployment.waiting.is_empty()),
        "their gate waits still"
    );
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 30
    ---
    The rollout was not over after [time]: service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time].
    ::error title=still-running (timeout)::the rollout was not over after [time]
      Caused by: service deployment [service deployment] waits at its gate; unless it is answered, ECS rolls back at [time]
      hint: the gate is somebody else's to answer: ask them, or roll green back with mode: abort
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: still-running (timeout), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_at_a_gate_that_only_others_may_open_leaves_it_to_them() {
    for (story, action) in [
        (Story::codedeploy(), "codedeploy:ContinueDeployment"),
        (Story::blue_green(), "ecs:ContinueServiceDeployment"),
    ] {
        // The gate itself waits longer than the run.
        let clock = Clock::Observed {
            brief_ms: 3_000,
            patience_ms: 10_000,
            ready_minute_ms: 60_000,
        };
        let story = story.fault(Fault::on_every_call(
            action.split(':').next_back().unwrap_or_default(),
            FaultKind::Denied,
        ));
        let story = story.stage(|options| options.clock = clock);
        let mut play = story.begin().await;
        let run = play
            .act(Action::deploy_tested("1.1.0").with("deadline", "15s"))
            .await;
        play.end().await;
        assert_eq!(
            (run.code, run.output("outcome"), run.output("reason")),
            (Some(30), "still-running", "timeout"),
            "{action}: {}",
            run.text()
        );
        assert_eq!(
            run.count("codedeploy:StopDeployment") + run.count("ecs:StopServiceDeployment"),
            0,
            "{action}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_watches_rolls_nothing_back_when_the_deadline_passes() {
    let mut play = slow(Story::blue_green()).begin().await;
    let started = Action::deploy("1.1.0")
        .with("environment-variables", SICK)
        .with("wait-for-service-stability", "false");
    assert_eq!(play.act(started).await.output("outcome"), "started");
    let run = play
        .act(
            Action::to_service()
                .with("mode", "status")
                .with("deadline", "2s"),
        )
        .await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(30), "still-running"),
        "{}",
        run.text()
    );
    assert_eq!(
        run.calls
            .iter()
            .map(|call| call.operation.clone())
            .collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_before_that_a_rollout_stops_are_no_failed_tasks() {
    let run = Story::rolling(RollingOptions::default())
        .service(|service| service.desired = 4)
        .run(Action::deploy("1.1.0"))
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
}
