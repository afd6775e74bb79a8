//! Two runs start a rollout in the same instant: exactly one wins, and the other says who, and what
//! serves.

use std::collections::BTreeSet;

use ecs_bluegreen_sim::{ConcurrentUpdate, Fault, FaultKind, RollingOptions};
use futures_util::future::join_all;
use serde_json::json;

use crate::harness::ecs::assert_finished;
use crate::harness::{Action, ActionRun, Play, Story, When, join_texts};

/// Two workflows deploy two versions; both are tested.
fn two_deploys() -> [Action; 2] {
    [("1.1.0", "42"), ("1.0.0", "43")]
        .map(|(version, run)| of_workflow(Action::deploy_tested(version), run))
}

fn of_workflow(action: Action, run: &str) -> Action {
    action
        .with("environment-variables", &format!("RELEASE={run}"))
        .env("GITHUB_RUN_ID", run)
}

/// Both updates are on their way before either has arrived, and arrive so many milliseconds later.
fn at_once(story: Story, arrive: [u64; 2]) -> Story {
    let slow = |nth: u64| {
        Fault::on_first_call(
            "UpdateService",
            FaultKind::Slow(arrive[usize::from(nth == 2)]),
        )
        .starting_at(nth)
    };
    story.fault(slow(1)).fault(slow(2))
}

/// ECS is slow to stop the older deployment: for a while both are in progress, as far as reads
/// show.
fn slow_to_stop(story: Story) -> Story {
    story.switches(|switches| switches.supersede_lag_ms = 700)
}

/// The winner and the loser.
fn by_end(runs: &[ActionRun; 2]) -> (&ActionRun, &ActionRun) {
    let is_winner = |run: &ActionRun| run.output("outcome") == "deployed";
    assert_eq!(
        runs.iter().filter(|run| is_winner(run)).count(),
        1,
        "exactly one is deployed: {}",
        join_texts(runs)
    );
    if is_winner(&runs[0]) {
        (&runs[0], &runs[1])
    } else {
        (&runs[1], &runs[0])
    }
}

fn started(run: &ActionRun) -> usize {
    run.calls
        .iter()
        .filter(|call| {
            call.operation == "ecs:UpdateService" && !call.request["taskDefinition"].is_null()
        })
        .count()
}

/// What the service runs is what the winner says it has deployed; nothing of the loser is left.
async fn assert_won(play: &Play, winner: &ActionRun) {
    assert_finished(play, "api-2").await;
    let running: BTreeSet<String> = play
        .stage
        .service_view("api")
        .into_iter()
        .flat_map(|view| view.fleets)
        .map(|fleet| fleet.revision)
        .collect();
    assert_eq!(
        running,
        BTreeSet::from([winner.output("task-definition-arn").to_owned()])
    );
}

async fn race(story: Story, arrive: [u64; 2]) {
    let mut play = at_once(slow_to_stop(story), arrive).begin().await;
    let runs = play.act_at_once(two_deploys()).await;
    let (winner, loser) = by_end(&runs);
    assert_eq!(
        started(winner),
        2,
        "both were started at the same time: {:?}",
        winner.calls
    );
    assert_eq!(
        (loser.code, loser.output("reason")),
        (Some(30), "superseded"),
        "{}",
        join_texts(&runs)
    );
    assert_eq!(
        loser.count("ecs:StopServiceDeployment"),
        0,
        "the winner's is not the loser's to stop"
    );
    let run = if winner.output("task-definition-arn") == runs[0].output("task-definition-arn") {
        "42-1-"
    } else {
        "43-1-"
    };
    let says = loser
        .log
        .iter()
        .any(|line| line.contains("serve") && line.contains(&format!("by workflow run {run}")));
    assert!(
        says,
        "the loser says who won, and what serves: {}",
        loser.text()
    );
    assert_won(&play, winner).await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_in_the_same_instant_exactly_one_wins() {
    let stories = [
        (Story::blue_green(), [900, 900]),
        (Story::blue_green(), [1200, 700]),
        (Story::canary(), [700, 1100]),
    ];
    join_all(stories.map(|(story, arrive)| race(story, arrive))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_winner_without_tests_passes_the_gate_that_the_loser_had_set() {
    let mut play = at_once(slow_to_stop(Story::blue_green()), [700, 1100])
        .begin()
        .await;
    let run = play
        .act_at_once([
            of_workflow(Action::deploy_tested("1.1.0"), "42"),
            of_workflow(Action::deploy("1.0.0"), "43"),
        ])
        .await;
    let (winner, _) = by_end(&run);
    assert_won(&play, winner).await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_ecs_lets_a_newer_deployment_wait_the_older_one_wins() {
    let queues = Story::blue_green()
        .switches(|switches| switches.concurrent_update = ConcurrentUpdate::Queues);
    let mut play = at_once(queues, [900, 900]).begin().await;
    let runs = play
        .act_at_once(two_deploys().map(|action| {
            action
                .with("wait-until", "shifted")
                .with("if-running", "fail")
        }))
        .await;
    let (_, loser) = by_end(&runs);
    assert!(
        ["already-running", "superseded"].contains(&loser.output("reason")),
        "{}",
        join_texts(&runs)
    );
    assert!(
        loser
            .log
            .iter()
            .any(|line| line.contains("by workflow run")),
        "{}",
        loser.text()
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_of_codedeploy_one_is_refused_by_name_or_waits() {
    for (policy, ends) in [
        ("fail", ["deployed", "not-deployed"]),
        ("wait", ["deployed", "deployed"]),
    ] {
        let slow = |nth: u64| {
            Fault::on_first_call("CreateDeployment", FaultKind::Slow(900)).starting_at(nth)
        };
        let mut play = Story::codedeploy()
            .fault(slow(1))
            .fault(slow(2))
            .begin()
            .await;
        let runs = play
            .act_at_once(
                two_deploys()
                    .map(|action| action.with("if-running", policy).with("stale-run", "allow")),
            )
            .await;
        let outcomes: BTreeSet<&str> = runs.iter().map(|run| run.output("outcome")).collect();
        assert_eq!(
            outcomes,
            BTreeSet::from(ends),
            "{policy}: {}",
            join_texts(&runs)
        );
        if policy == "fail" {
            let (_, loser) = by_end(&runs);
            assert_eq!(loser.output("reason"), "already-running");
            assert!(
                loser
                    .log
                    .iter()
                    .any(|line| line.contains("by workflow run 4")),
                "{}",
                loser.text()
            );
        }
        play.end().await;
    }
}

/// Two pushes in a row: the second run begins when the rollout of the first is under way.
async fn push_twice(story: Story, begun: When) -> (Play, [ActionRun; 2]) {
    let mut play = story.begin().await;
    let [first, second] = [("1.1.0", "42"), ("1.0.0", "43")]
        .map(|(version, run)| of_workflow(Action::deploy(version), run));
    let runs = play.act_in_a_row(first, begun, second).await;
    assert_eq!(
        runs[1].output("outcome"),
        "deployed",
        "{}",
        join_texts(&runs)
    );
    let running: BTreeSet<String> = play
        .stage
        .service_view("api")
        .into_iter()
        .flat_map(|view| view.fleets)
        .filter(|fleet| fleet.status == "PRIMARY")
        .map(|fleet| fleet.revision)
        .collect();
    assert_eq!(
        running,
        BTreeSet::from([runs[1].output("task-definition-arn").to_owned()]),
        "the newest commit serves: {}",
        join_texts(&runs)
    );
    (play, runs)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pushes_in_a_row_the_newer_one_takes_the_place_of_the_older_one_on_a_rolling_service()
 {
    let story = Story::rolling(RollingOptions::default()).in_real_time();
    let (play, runs) = push_twice(story, When::Called("ecs:UpdateService".into(), 1)).await;
    assert_eq!(
        (runs[0].code, runs[0].output("reason")),
        (Some(30), "superseded"),
        "{}",
        join_texts(&runs)
    );
    assert!(
        runs[0].text().to_lowercase().contains("running now: "),
        "it says what serves: {}",
        runs[0].text()
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pushes_in_a_row_the_newer_one_waits_where_traffic_moves_by_weights() {
    for (story, starts) in [
        (Story::codedeploy(), "codedeploy:CreateDeployment"),
        (Story::canary(), "ecs:UpdateService"),
    ] {
        let (play, runs) = push_twice(story, When::Called(starts.into(), 1)).await;
        assert_eq!(
            runs[0].output("outcome"),
            "deployed",
            "nobody stops it half-way: {}",
            join_texts(&runs)
        );
        assert!(
            runs[1]
                .log
                .iter()
                .any(|line| line.contains("waiting until it is over")),
            "{}",
            runs[1].text()
        );
        play.end().await;
    }
}

/// Somebody else's rollout.
fn theirs() -> serde_json::Value {
    json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true })
}

mod before_what_cannot_be_undone {
    use super::*;
    use crate::harness::Incident;

    fn with_task(version: &str, policy: &str) -> Action {
        let overrides = r#"[{ "name": "app", "command": ["migrate"] }]"#;
        Action::deploy(version)
            .with("run-task", "true")
            .with("run-task-container-overrides", overrides)
            .with("if-running", policy)
    }

    /// Between the survey and the one-off task somebody else starts a rollout.
    async fn overtaken_before_the_task(policy: &str) -> (Play, ActionRun) {
        let slow = Fault::on_first_call("RegisterTaskDefinition", FaultKind::Slow(1_500));
        let mut play = Story::blue_green().fault(slow).begin().await;
        let run = play
            .act(with_task("1.1.0", policy).on_incident(
                When::Line("✓ Image"),
                Incident::Call("ecs.UpdateService", theirs()),
            ))
            .await;
        (play, run)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_rollout_that_somebody_starts_meanwhile_is_noticed_before_the_one_off_task() {
        let (play, run) = overtaken_before_the_task("fail").await;
        assert_eq!(
            (run.output("outcome"), run.output("reason")),
            ("not-deployed", "already-running"),
            "{}",
            run.text()
        );
        assert_eq!(
            run.count("ecs:RunTask"),
            0,
            "what a task does cannot be undone: {:?}",
            run.calls
        );
        assert_eq!(run.count("ecs:DeregisterTaskDefinition"), 1);
        play.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn with_if_running_wait_the_task_runs_once_the_other_rollout_is_over() {
        let (play, run) = overtaken_before_the_task("wait").await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
        assert_eq!(run.count("ecs:RunTask"), 1);
        assert!(
            run.log
                .iter()
                .any(|line| line.contains("waiting until it is over")),
            "{}",
            run.text()
        );
        // The other rollout went to the second group, and this one comes back to the first.
        assert_finished(&play, "api-1").await;
        play.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_rollout_that_somebody_starts_during_the_task_is_noticed_before_ours_begins() {
        for (policy, outcome) in [("fail", "not-deployed"), ("wait", "deployed")] {
            let mut play = Story::blue_green().begin().await;
            let meanwhile = Incident::Call("ecs.UpdateService", theirs());
            let run = play
                .act(
                    with_task("1.1.0", policy)
                        .on_incident(When::Called("ecs:RunTask".into(), 1), meanwhile),
                )
                .await;
            assert_eq!(run.output("outcome"), outcome, "{policy}: {}", run.text());
            assert_eq!(run.count("ecs:RunTask"), 1);
            assert_eq!(
                started(&run),
                usize::from(policy == "wait"),
                "{policy}: {:?}",
                run.calls
            );
            play.end().await;
        }
    }
}
