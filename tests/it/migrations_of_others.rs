//! Migrations and other jobs: what another run does meanwhile or since, what `mode: abort`, `continue`
//! and `rollback` make of the migration of a deployment that another job has started, and what a
//! changed state must not do.

use ecs_bluegreen_sim::{GroupOptions, RollingOptions, ScalingOptions, Stage, Suspension};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Play, Story, When, call};

const FAILING_TEST: &str = "defaults: { retry: { for: 0s } }\ntests:\n  - { name: none, get: /nowhere, expect: { status: 200 } }\n";

fn migrate() -> Action {
    Action::deploy("1.1.0").with("migrate", "migrate")
}

/// A task of workflow run 99 for the service, with what it is for.
fn theirs(purpose: &str, command: &[&str]) -> Value {
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    json!({ "cluster": "prod", "taskDefinition": "api:1", "launchType": "FARGATE", "group": format!("ecs-bluegreen:99-1-0a1b2c3d:{purpose}-0a1b2c3d4e5f:api"),
        "networkConfiguration": network, "overrides": { "containerOverrides": [{ "name": "app", "command": command }] } })
}

/// The groups of the tasks that a run has started, without their digests and run ids, and their
/// commands.
fn marked(run: &ActionRun) -> Vec<String> {
    let started = run.calls.iter().filter(|call| {
        call.operation == "ecs:RunTask"
            && call.request["startedBy"]
                .as_str()
                .is_some_and(|name| name.starts_with("ecs-bluegreen/4711-"))
    });
    let describe = |request: &Value| {
        let group = request["group"].as_str().unwrap_or_default();
        let purpose = group.split(':').nth(2).unwrap_or_default();
        let kind = purpose.split('-').next().unwrap_or_default();
        let words = request["overrides"]["containerOverrides"][0]["command"].as_array();
        let words: Vec<&str> = words
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        format!("{kind}: {}", words.join(" "))
    };
    started.map(|call| describe(&call.request)).collect()
}

async fn start_theirs(stage: &Stage, purpose: &str, command: &[&str]) {
    call(stage, "ecs.RunTask", &theirs(purpose, command)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_around_a_migration_says_whose_it_is_and_what_for() {
    let action = migrate()
        .with("migrate-check", "exit 1")
        .with("migrate-verify", "exit 0")
        .with("migrate-undo", "exit 0")
        .with("smoke-tests", FAILING_TEST)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION");
    let run = Story::codedeploy().run(action).await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    assert_eq!(
        marked(&run),
        [
            "check: exit 1",
            "migrate: migrate",
            "verify: exit 0",
            "undo: exit 0"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_s_check_verification_and_undo_are_waited_for_as_its_migration() {
    for (purpose, noun) in [
        ("check", "migrate-check"),
        ("verify", "migrate-verify"),
        ("undo", "migrate-undo"),
        ("migrate", "migration"),
    ] {
        let mut play = Story::rolling(RollingOptions::default())
            .switches(|switches| switches.run_task_start_ms = 15_000)
            .begin()
            .await;
        start_theirs(&play.stage, purpose, &["exit", "0"]).await;
        let run = play.act(migrate().with("if-running", "fail")).await;
        assert_eq!(
            (
                run.output("outcome"),
                run.output("reason"),
                marked(&run).len()
            ),
            ("not-deployed", "already-running", 0),
            "{purpose}: {}",
            run.text()
        );
        let said = format!("the {noun} of workflow run 99-1-0a1b2c3d for this service is");
        let is_said = |line: &String| line.contains(&said);
        assert!(run.log.iter().any(is_said), "{purpose}: {}", run.text());
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_another_run_has_overtaken_is_made_again() {
    let mut play = Story::rolling(RollingOptions::default())
        .switches(|switches| switches.run_task_start_ms = 2_000)
        .begin()
        .await;
    let undo = theirs("undo", &["exit", "0"]);
    let action = migrate().with("migrate-check", "exit 0").on_incident(
        When::Line("migrate-check: \"exit 0\""),
        Incident::Call("ecs.RunTask", undo),
    );
    let run = play.act(action).await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(
        marked(&run),
        ["check: exit 0", "check: exit 0"],
        "{}",
        run.text()
    );
    assert!(
        run.text()
            .contains("another run has changed the database meanwhile"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_not_undone_when_another_run_has_migrated_since() {
    let mut play = Story::codedeploy().begin().await;
    let newer = theirs("migrate", &["exit", "0"]);
    let action = migrate()
        .with("migrate-undo", "exit 0")
        .with("smoke-tests", FAILING_TEST)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION")
        .on_incident(
            When::Line("Deployment started"),
            Incident::Call("ecs.RunTask", newer),
        );
    let run = play.act(action).await;
    play.end().await;
    assert_eq!(marked(&run), ["migrate: migrate"], "{}", run.text());
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    ::warning title=note::workflow run [run] has migrated since, so this run's migration is not undone ("exit 0" was not run: it might undo the newer one)
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners); the migration ran (command "migrate", exit 0) and is not undone, because workflow run [run] has migrated since: the schema may be ahead of the version that serves.
    ::error title=rolled-back (smoke-failed)::smoke test "none" failed on green (GET /nowhere, [n] attempts)
      Caused by: status: expected 200, found 404 Not Found
      Caused by: the answer began: {"error":"not found"}
      hint: users never reached this version; fix it, or the test, and deploy again
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment
    ecs:RunTask
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    "#);
    let report: Value = serde_json::from_str(run.output("report")).expect("a report");
    assert_eq!(
        (
            &report["migration"]["state"],
            &report["migration"]["kept-because"]
        ),
        (
            &json!("ran"),
            &json!("workflow run 99-1-0a1b2c3d has migrated since")
        )
    );
    assert!(
        run.summary
            .contains("it is not undone, because workflow run 99-1-0a1b2c3d has migrated since"),
        "{}",
        run.summary
    );
}

/// A deployment whose job has migrated, and waits for an answer.
async fn play_waiting(action: Action) -> (Play, ActionRun) {
    play_waiting_in(story_with_blue(), action).await
}

/// A service whose blue is kept for an hour.
fn story_with_blue() -> Story {
    Story::group(GroupOptions {
        termination_minutes: 60,
        ..GroupOptions::default()
    })
}

async fn play_waiting_in(story: Story, action: Action) -> (Play, ActionRun) {
    let mut play = story.begin().await;
    let action = action
        .with("approval", "before-traffic")
        .with("test-url", "$TEST")
        .with(
            "smoke-tests",
            "tests:\n  - { name: root, get: /, expect: { status: 200 } }\n",
        );
    let waiting = play.act(action).await;
    assert_eq!(waiting.output("outcome"), "waiting", "{}", waiting.text());
    (play, waiting)
}

fn answer(mode: &str) -> Action {
    Action::to_service()
        .with("mode", mode)
        .env("GITHUB_RUN_ATTEMPT", "2")
}

#[tokio::test(flavor = "multi_thread")]
async fn abort_undoes_the_migration_of_the_deployment_with_its_own_command() {
    let (mut play, _) = play_waiting(migrate()).await;
    let run = play
        .act(answer("abort").with("migrate-undo", "exit 0"))
        .await;
    play.end().await;
    assert_eq!(marked(&run), ["undo: exit 0"], "{}", run.text());
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners); the migration ran (command "migrate", exit 0) and was undone by "exit 0".
    Outcome: rolled-back (aborted), exit code 20, after [time]
    ---
    codedeploy:StopDeployment
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn abort_without_a_command_says_that_the_migration_stays() {
    let (mut play, _) = play_waiting(migrate()).await;
    let run = play.act(answer("abort")).await;
    play.end().await;
    assert_eq!(marked(&run), Vec::<String>::new(), "{}", run.text());
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    ::warning title=note::workflow run [run] has migrated the database for this deployment (command "migrate"); migrate-undo is not given here, so that is not undone
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners); the migration ran (command "migrate", exit 0) and is not undone: the schema may be ahead of the version that serves.
    Outcome: rolled-back (aborted), exit code 20, after [time]
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn abort_of_a_deployment_that_has_not_migrated_says_that_nothing_was_found() {
    let (mut play, _) = play_waiting(Action::deploy("1.1.0")).await;
    let run = play
        .act(answer("abort").with("migrate-undo", "exit 0"))
        .await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), marked(&run).len()),
        ("rolled-back", 0),
        "{}",
        run.text()
    );
    assert!(
        run.text()
            .contains("so \"exit 0\" is not run: if it has migrated, undo that by hand"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_of_what_waits_undoes_its_migration_too() {
    let (mut play, _) = play_waiting(migrate()).await;
    let run = play
        .act(answer("rollback").with("migrate-undo", "exit 0"))
        .await;
    play.end().await;
    assert_eq!(marked(&run), ["undo: exit 0"], "{}", run.text());
    assert_snapshot!(run.ending(), @r#"
    exit code 0
    ---
    api:1 serves 100 % of production again (observed at the load balancer's listeners); the migration ran (command "migrate", exit 0) and was undone by "exit 0".
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy:StopDeployment
    ecs:RunTask
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn continue_undoes_the_migration_when_production_fails_and_leaves_it_when_it_does_not() {
    for (story, tests, outcome, tasks) in [
        (
            story_with_blue().in_real_time(),
            FAILING_TEST,
            "rolled-back",
            vec!["undo: exit 0".to_owned()],
        ),
        (
            story_with_blue(),
            "tests:\n  - { name: root, get: /, expect: { status: 200 } }\n",
            "deployed",
            vec![],
        ),
    ] {
        let (mut play, _) = play_waiting_in(story, migrate()).await;
        let action = answer("continue")
            .with("migrate-undo", "exit 0")
            .with("smoke-tests", tests)
            .with("production-url", "$PRODUCTION");
        let run = play.act(action).await;
        play.end().await;
        assert_eq!(
            (run.output("outcome"), marked(&run)),
            (outcome, tasks),
            "{}",
            run.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_state_cannot_name_a_revision_of_another_family_for_the_undo() {
    let mut play = Story::codedeploy().begin().await;
    let other = json!({ "family": "admin", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{ "name": "app", "image": "x", "essential": true }] });
    call(&play.stage, "ecs.RegisterTaskDefinition", &other).await;
    let action = Action::deploy_tested_slowly("1.1.0")
        .with("migrate", "migrate")
        .with("migrate-undo", "exit 0")
        .on_incident(When::Line("Smoke tests on green"), Incident::Kill);
    let mut main = play.act(action).await;
    let saved = main.state["undos"].clone();
    let mut state: Value = serde_json::from_str(&saved).expect("JSON");
    let admin = "arn:aws:ecs:eu-central-1:123456789012:task-definition/admin:1";
    for undo in state["undos"].as_array_mut().expect("undos") {
        if undo["undo"] == "migration" {
            undo["revision"] = json!(admin);
            undo["request"]["taskDefinition"] = json!(admin);
        }
    }
    main.state.insert("undos".to_owned(), state.to_string());
    let post = play.post(&main).await;
    play.end().await;
    assert_eq!(
        (post.code, marked(&post).len()),
        (Some(40), 0),
        "{}",
        post.text()
    );
    assert!(
        post.text()
            .contains("admin:1 is no revision of the service, and ran no migration of it"),
        "{}",
        post.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_command_is_shown_nowhere() {
    let action = migrate()
        .with(
            "migrate",
            "migrate postgres://app:hunter-of-secrets@db/app --token=abc-of-secrets",
        )
        .with("migrate-undo", "sh -c 'PGPASSWORD=undo-of-secrets psql'")
        .with("migrate-undo-on-failure", "true");
    let run = Story::codedeploy().run(action).await;
    let shown: Vec<&String> = run
        .log
        .iter()
        .filter(|line| !line.starts_with("::add-mask::"))
        .collect();
    let shown = format!(
        "{shown:?} {} {:?} {}",
        run.summary, run.outputs, run.journal
    );
    assert!(!shown.contains("of-secrets"), "{shown}");
    assert!(
        run.ending()
            .contains("command \"migrate postgres://app:***@db/app --token=***\""),
        "{}",
        run.ending()
    );
    let masked = |line: &&String| line.starts_with("::add-mask::") && line.contains("of-secrets");
    assert!(run.log.iter().filter(masked).count() >= 3, "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_come_after_the_task_has_stopped_are_waited_for() {
    let run = Story::codedeploy()
        .switches(|switches| switches.log_lag_ms = 900)
        .run(migrate().with("poll-interval", "600ms"))
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert!(run.text().contains("migration finished"), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_for_the_rollout_is_tried_before_the_migration() {
    let run = Story::codedeploy()
        .service(|service| {
            service.scaling = Some(ScalingOptions {
                min: 1,
                max: 4,
                suspended: Suspension::default(),
                scale_in_after_ms: None,
            });
        })
        .stage(|options| {
            let action = "application-autoscaling:RegisterScalableTarget";
            options.denied.push(action.to_owned());
        })
        .run(migrate().with("suspend-autoscaling", "true"))
        .await;
    assert_eq!(
        (
            run.output("outcome"),
            run.output("reason"),
            marked(&run).len()
        ),
        ("not-deployed", "denied", 0),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_another_run_starts_while_we_migrate_is_seen_before_ours_begins() {
    let mut play = Story::rolling(RollingOptions::default()).begin().await;
    let theirs = json!({ "cluster": "prod", "service": "api", "forceNewDeployment": true });
    let action = migrate().with("if-running", "fail").on_incident(
        When::Line("migration started"),
        Incident::Call("ecs.UpdateService", theirs),
    );
    let run = play.act(action).await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("not-deployed", "already-running"),
        "{}",
        run.text()
    );
    let own = |call: &&ecs_bluegreen_sim::Entry| {
        call.operation == "ecs:UpdateService" && call.request["forceNewDeployment"] != json!(true)
    };
    assert_eq!(run.calls.iter().filter(own).count(), 0, "{}", run.text());
    let said = "the migration ran (command \"migrate\", exit 0) and is not undone: the schema may be ahead";
    assert!(run.ending().contains(said), "{}", run.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_may_lack_lines_is_named_and_one_that_blocks_is_not() {
    let with_mode = |mode: Option<&'static str>| {
        Story::codedeploy().service(move |service| {
            let options = &mut service.task_definition["containerDefinitions"][0]["logConfiguration"]["options"];
            if let Some(mode) = mode {
                options["mode"] = json!(mode);
                if mode == "non-blocking" {
                    options["max-buffer-size"] = json!("4m");
                }
            }
        })
    };
    let mut told = Vec::new();
    for mode in [None, Some("non-blocking"), Some("blocking")] {
        let run = with_mode(mode)
            .run(migrate().with("migrate-check", "exit 1"))
            .await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
        told.push(run.log_with("may be missing"));
    }
    assert_snapshot!(told.join("\n---\n"), @"
    lines of container app may be missing: its log driver has no mode, and ECS's default is non-blocking, and drops what exceeds its buffer (10m); mode: blocking keeps all
    ---
    lines of container app may be missing: its log driver is non-blocking, and drops what exceeds its buffer (4m); mode: blocking keeps all
    ---
    ");
}
