//! The bake and the last look: `deployed` is said of a green that serves now, and a green that
//! fails while blue is kept is rolled back.

use ecs_bluegreen_sim::world::load::{FailureTolerance, LoadOptions};
use ecs_bluegreen_sim::{
    EcsStrategyOptions, EventTime, GroupOptions, StageOptions, Strategy, TaskFault, TaskFaultKind,
};
use insta::assert_snapshot;

use crate::harness::ecs::assert_finished;
use crate::harness::{Action, ActionRun, Play, Story, client};

/// So many minutes of AWS's, which are as many seconds here, are long enough for every look.
const BAKE: u32 = 25;

/// What befalls green some seconds after it has got all of production's traffic.
fn trouble(kind: TaskFaultKind, seconds_later: f64) -> impl FnOnce(&mut StageOptions) {
    let when = EventTime::Shifted {
        listener: "prod".to_owned(),
        percent: 100.0,
        seconds_later,
    };
    move |options| {
        options.task_troubles.push(TaskFault {
            revision: "api:2".to_owned(),
            when,
            kind,
        });
    }
}

/// Users of a green that crashed are answered by nobody until blue is back.
fn whatever_they_see(users: &LoadOptions) -> LoadOptions {
    LoadOptions {
        tolerated: FailureTolerance::Any,
        ..users.clone()
    }
}

fn codedeploy() -> Story {
    let config = "CodeDeployDefault.ECSAllAtOnce".to_owned();
    Story::group(GroupOptions {
        config,
        termination_minutes: BAKE,
        ..GroupOptions::default()
    })
    .in_real_time()
    .users(whatever_they_see)
}

fn ecs_story(strategy: Strategy) -> Story {
    Story::ecs(EcsStrategyOptions {
        strategy,
        bake_minutes: BAKE,
        ..EcsStrategyOptions::default()
    })
    .in_real_time()
    .users(whatever_they_see)
}

/// Blue answers its users.
async fn assert_answers(play: &Play, version: &str) {
    let url = play.stage.listener_url("prod").expect("a listener");
    let answer = client()
        .get(format!("{url}/health"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["x-app-version"], *version);
}

/// How it ended, without what the containers wrote: their ports differ.
fn without_log(run: &ActionRun) -> String {
    run.ending()
        .lines()
        .filter(|line| !line.trim_start().starts_with("| "))
        .collect::<Vec<_>>()
        .join("\n")
}

async fn taken_back(story: Story) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(Action::deploy("1.1.0")).await;
    assert_finished(&play, "api-1").await;
    assert_answers(&play, "1.0.0").await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "tasks-unhealthy"),
        "{}",
        run.text()
    );
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_that_crashes_in_the_bake_of_codedeploy_is_taken_back_while_blue_is_kept() {
    let run = taken_back(codedeploy().stage(trouble(TaskFaultKind::Crashes, 1.0))).await;
    assert_snapshot!(without_log(&run), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (tasks-unhealthy)::while green had all of production's traffic, target group api-2 had no target left
      container app of task [task]: exit code 137; Essential container in task exited
      hint: fix what the containers stopped for; when none stopped, look at the target group's health check
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_that_crashes_in_the_bake_of_ecs_is_taken_back_while_blue_is_kept() {
    for strategy in [
        Strategy::BlueGreen,
        Strategy::Canary {
            percent: 10.0,
            bake_minutes: 1,
        },
    ] {
        taken_back(ecs_story(strategy).stage(trouble(TaskFaultKind::Crashes, 1.0))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_whose_targets_become_unhealthy_in_the_bake_is_taken_back() {
    let story =
        ecs_story(Strategy::BlueGreen).switches(|switches| switches.unhealthy_after_ms = 60_000);
    let run = taken_back(story.stage(trouble(TaskFaultKind::Hangs, 1.0))).await;
    let why = run.log_with("::error");
    assert!(
        why.contains("the one target in target group api-2 was not healthy"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_whose_tasks_stop_again_and_again_is_taken_back_although_one_of_them_answers() {
    let story = codedeploy().service(|service| service.desired = 2);
    let run = taken_back(story.stage(trouble(TaskFaultKind::AllButOneCrash, 0.5))).await;
    let why = run.log_with("::error");
    assert!(
        why.contains("while green had all of production's traffic")
            && why.contains("tasks of api:2 stopped"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_wait_until_shifted_the_last_look_takes_a_crashed_green_back() {
    let document = "tests: [{ name: down, get: /health, on: production, retry: { for: 20s, every: 50ms }, expect: { status: 503 } }]";
    let story = codedeploy().stage(trouble(TaskFaultKind::Crashes, 0.0));
    let mut play = story.begin().await;
    let run = play
        .act(
            Action::deploy("1.1.0")
                .with("wait-until", "shifted")
                .with("smoke-tests", document)
                .with("production-url", "$PRODUCTION"),
        )
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "tasks-unhealthy"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_green_that_crashes_when_blue_is_gone_is_no_success() {
    // It crashes with the last seconds of the bake: before that is certain, blue is gone.
    let group = GroupOptions {
        config: "CodeDeployDefault.ECSAllAtOnce".to_owned(),
        termination_minutes: 3,
        ..GroupOptions::default()
    };
    let story = Story::group(group).in_real_time().users(whatever_they_see);
    let mut play = story
        .stage(trouble(TaskFaultKind::Crashes, 1.0))
        .begin()
        .await;
    let run = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(40), "stuck", "tasks-unhealthy"),
        "{}",
        run.text()
    );
    assert_snapshot!(without_log(&run), @r#"
    exit code 40
    ---
    ::warning title=note::deployment [deployment 1] had succeeded before it could be stopped; to go back, deploy arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1 again (task-definition-arn)
    ---
    All of production goes to green, api:2, which is not healthy; blue was terminated before traffic could return to it.
    ::error title=stuck (tasks-unhealthy)::while green had all of production's traffic, target group api-2 had no target left
      container app of task [task]: exit code 137; Essential container in task exited
      hint: fix what the containers stopped for; when none stopped, look at the target group's health check
      hint: blue is gone: mode: rollback with rollback-to: api:1 brings the old revision back (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (tasks-unhealthy), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_target_health_is_denied_the_looks_are_skipped_and_said() {
    let denied = |options: &mut StageOptions| {
        options.denied = vec!["elasticloadbalancing:DescribeTargetHealth".to_owned()];
    };
    let run = Story::codedeploy()
        .stage(denied)
        .run(Action::deploy("1.1.0"))
        .await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(0), "deployed"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::warning")
            .contains("elasticloadbalancing:DescribeTargetHealth"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_fails_in_the_bake_brings_blue_back() {
    let document = "bake-interval: 1s\ntests: [{ name: late, get: /health, on: bake, retry: { for: 0s }, expect: { status: 201 } }]";
    let mut play = codedeploy().begin().await;
    let run = play
        .act(
            Action::deploy("1.1.0")
                .with("smoke-tests", document)
                .with("production-url", "$PRODUCTION"),
        )
        .await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "smoke-failed"),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("::error")
            .contains("smoke test \"late\" failed on production in the bake"),
        "{}",
        run.text()
    );
}
