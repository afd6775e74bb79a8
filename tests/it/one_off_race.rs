//! One-off tasks of several runs for one service: one at a time, and each run's own only once.

use std::collections::BTreeMap;

use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions, Stage};
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Play, Story, When, call, join_texts};

const OVERRIDES: &str = r#"[{ "name": "app", "command": ["migrate"] }]"#;

fn migrate(version: &str, policy: &str) -> Action {
    Action::deploy(version)
        .with("run-task", "true")
        .with("run-task-container-overrides", OVERRIDES)
        .with("if-running", policy)
}

/// A service whose one-off tasks take so many milliseconds to start.
fn slow_to_start(start_ms: u64) -> Story {
    Story::rolling(RollingOptions::default())
        .switches(|switches| switches.run_task_start_ms = start_ms)
}

/// A one-off task of workflow run 99.
fn theirs(command: &[&str]) -> Value {
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    json!({ "cluster": "prod", "taskDefinition": "api:1", "launchType": "FARGATE", "group": "ecs-bluegreen:99-1-0a1b2c3d:0a1b2c3d4e5f:api",
        "networkConfiguration": network, "overrides": { "containerOverrides": [{ "name": "app", "command": command }] } })
}

/// A one-off task as the stage shows it when all is over.
#[derive(Debug)]
struct Shown {
    arn: String,
    /// From when to when its containers ran; none for one that was stopped before.
    ran: Option<(f64, f64)>,
}

/// The one-off tasks there were, by their run.
async fn tasks(stage: &Stage) -> BTreeMap<String, Vec<Shown>> {
    let listed = call(
        stage,
        "ecs.ListTasks",
        &json!({ "cluster": "prod", "family": "api", "desiredStatus": "STOPPED" }),
    )
    .await;
    let described = call(
        stage,
        "ecs.DescribeTasks",
        &json!({ "cluster": "prod", "tasks": listed["taskArns"] }),
    )
    .await;
    let mut tasks: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    for task in described["tasks"].as_array().into_iter().flatten() {
        let Some(run) = task["group"]
            .as_str()
            .and_then(|group| group.strip_prefix("ecs-bluegreen:")?.split('-').next())
        else {
            continue;
        };
        let ran = task["containers"][0]["exitCode"]
            .as_i64()
            .and_then(|_| Some((task["startedAt"].as_f64()?, task["stoppedAt"].as_f64()?)));
        tasks.entry(run.to_owned()).or_default().push(Shown {
            arn: task["taskArn"].as_str().expect("an ARN").to_owned(),
            ran,
        });
    }
    tasks
}

fn count_started(run: &ActionRun) -> usize {
    let is_ours = |call: &&ecs_bluegreen_sim::Entry| {
        call.operation == "ecs:RunTask" && call.request["group"] != theirs(&[])["group"]
    };
    run.calls.iter().filter(is_ours).count()
}

/// While another run's task goes on, this one comes to its own.
async fn play_overtaken(start_ms: u64, command: &[&str], action: Action) -> (Play, ActionRun) {
    let mut play = slow_to_start(start_ms).begin().await;
    call(&play.stage, "ecs.RunTask", &theirs(command)).await;
    let run = play.act(action).await;
    (play, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_run_s_task_goes_on_the_run_is_refused_by_name() {
    let (play, run) = play_overtaken(20_000, &["migrate"], migrate("1.1.0", "fail")).await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(10), "not-deployed", "already-running"),
        "{}",
        run.text()
    );
    assert_eq!(
        (
            count_started(&run),
            run.count("ecs:DeregisterTaskDefinition")
        ),
        (0, 1),
        "{}",
        run.text()
    );
    let says = |line: &String| {
        line.contains("one-off task of workflow run 99-1-0a1b2c3d for this service is PROVISIONING")
    };
    assert!(run.log.iter().any(says), "{}", run.text());
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_s_task_is_waited_for_and_never_stopped() {
    // The other run's task fails, so that there is no rollout of the other run to wait for.
    for policy in ["wait", "supersede"] {
        let (play, run) =
            play_overtaken(4_000, &["migrate", "--fail"], migrate("1.1.0", policy)).await;
        assert_eq!(
            (
                run.output("outcome"),
                count_started(&run),
                run.count("ecs:StopTask")
            ),
            ("deployed", 1, 0),
            "{policy}: {}",
            run.text()
        );
        let tasks = tasks(&play.stage).await;
        let (theirs, ours) = (
            tasks["99"][0].ran.expect("it ran"),
            tasks["4711"][0].ran.expect("it ran"),
        );
        assert!(theirs.1 <= ours.0, "{policy}: {tasks:?}");
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_run_does_not_wait_for_the_task_of_a_newer_one() {
    let (play, run) = play_overtaken(
        20_000,
        &["migrate"],
        migrate("1.1.0", "wait").env("GITHUB_RUN_ID", "98"),
    )
    .await;
    assert_eq!(
        (
            run.output("outcome"),
            run.output("reason"),
            count_started(&run)
        ),
        ("not-deployed", "stale-run", 0),
        "{}",
        run.text()
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cancelled_while_waiting_for_a_task_leaves_it_alone() {
    let action = migrate("1.1.0", "wait")
        .on_incident(When::Line("waiting until it is over"), Incident::Interrupt);
    let (play, run) = play_overtaken(20_000, &["migrate"], action).await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("not-deployed", "cancelled"),
        "{}",
        run.text()
    );
    assert_eq!(
        (
            count_started(&run),
            run.count("ecs:StopTask"),
            run.count("ecs:DeregisterTaskDefinition")
        ),
        (0, 0, 1),
        "{}",
        run.text()
    );
    play.end().await;
}

/// Both runs have looked before either has started its task, and tasks are listed late.
fn at_once() -> Story {
    let slow = |nth: u64| Fault::on_first_call("RunTask", FaultKind::Slow(900)).starting_at(nth);
    slow_to_start(2_500)
        .switches(|switches| switches.task_list_lag_ms = 300)
        .fault(slow(1))
        .fault(slow(2))
}

fn two_deploys(policy: &str) -> [Action; 2] {
    [("1.1.0", "42"), ("1.0.0", "43")].map(|(version, run)| {
        migrate(version, policy)
            .with("environment-variables", &format!("RELEASE={run}"))
            .with("stale-run", "allow")
            .env("GITHUB_RUN_ID", run)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tasks_in_the_same_instant_the_younger_one_gives_way_before_it_begins() {
    let mut play = at_once().begin().await;
    let runs = play.act_at_once(two_deploys("fail")).await;
    let (winner, loser) = if runs[0].output("outcome") == "deployed" {
        (&runs[0], &runs[1])
    } else {
        (&runs[1], &runs[0])
    };
    assert_eq!(
        (
            winner.output("outcome"),
            loser.output("outcome"),
            loser.output("reason")
        ),
        ("deployed", "not-deployed", "already-running")
    );
    assert_eq!(
        (count_started(winner), winner.count("ecs:StopTask")),
        (2, 1),
        "{}",
        join_texts(&runs)
    );
    assert!(
        !loser.text().contains("is not undone"),
        "what had not begun has done nothing: {}",
        loser.text()
    );
    let ran: Vec<bool> = tasks(&play.stage)
        .await
        .into_values()
        .flatten()
        .map(|task| task.ran.is_some())
        .collect();
    assert_eq!(
        ran.iter().filter(|ran| **ran).count(),
        1,
        "{}",
        join_texts(&runs)
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tasks_in_the_same_instant_the_younger_one_runs_when_the_other_run_is_over() {
    let mut play = at_once().begin().await;
    let runs = play.act_at_once(two_deploys("wait")).await;
    assert!(
        runs.iter().all(|runs| runs.output("outcome") == "deployed"),
        "{}",
        join_texts(&runs)
    );
    assert_eq!(
        (count_started(&runs[0]), runs[0].count("ecs:StopTask")),
        (3, 1),
        "{}",
        join_texts(&runs)
    );
    let mut ran: Vec<(f64, f64)> = tasks(&play.stage)
        .await
        .into_values()
        .flatten()
        .filter_map(|task| task.ran)
        .collect();
    ran.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(ran.len(), 2, "{}", join_texts(&runs));
    // The first run's rollout comes between the two tasks: a schema is not changed again under a
    // rollout.
    let updates = runs[0]
        .calls
        .iter()
        .filter(|call| call.operation == "ecs:UpdateService")
        .map(|call| call.at_ms);
    let first_update = updates.min().expect("a rollout");
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of the epoch fit")]
    let first_update = first_update as f64 / 1_000.0;
    assert!(
        ran[0].1 <= first_update && first_update < ran[1].0,
        "{ran:?}, {first_update}: {}",
        join_texts(&runs)
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_again_follows_its_own_task_and_does_not_repeat_one_that_ended_well() {
    let hangs = Fault::on_first_call("UpdateService", FaultKind::Hangs);
    let deaths = [
        When::Line("the one-off task is PROVISIONING"),
        When::Called("ecs:UpdateService".into(), 1),
    ];
    for death in deaths {
        let mut play = slow_to_start(1_500).fault(hangs.clone()).begin().await;
        let first = play
            .act(migrate("1.1.0", "fail").on_incident(death.clone(), Incident::Kill))
            .await;
        if matches!(death, When::Line(_)) {
            play.stage.clear_faults();
        }
        let again = play
            .act(migrate("1.1.0", "fail").env("GITHUB_RUN_ATTEMPT", "2"))
            .await;
        assert_eq!(
            (first.code, again.output("outcome"), count_started(&again)),
            (None, "deployed", 0),
            "{death:?}: {}",
            again.text()
        );
        assert!(
            again
                .text()
                .contains("of an earlier attempt of this run is used: it is not run again"),
            "{}",
            again.text()
        );
        let tasks = tasks(&play.stage).await;
        assert_eq!(tasks["4711"].len(), 1, "{tasks:?}");
        assert_eq!(
            again.output("run-task-arn"),
            json!([tasks["4711"][0].arn]).to_string()
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tasks_cannot_be_listed_the_task_runs_and_that_is_said() {
    let mut play = slow_to_start(0)
        .fault(Fault::on_every_call("ListTasks", FaultKind::InternalError))
        .begin()
        .await;
    let run = play.act(migrate("1.1.0", "fail")).await;
    assert_eq!(
        (run.output("outcome"), count_started(&run)),
        ("deployed", 1),
        "{}",
        run.text()
    );
    assert!(
        run.text()
            .contains("One-off tasks that other runs have started at the same time"),
        "{}",
        run.text()
    );
    play.end().await;
}
