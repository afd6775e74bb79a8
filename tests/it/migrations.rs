//! The migration of the database: before the rollout, once, followed in the log; skipped, verified,
//! undone; and what every end says of it.

use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Story, When};

const FAILING_TEST: &str = "defaults: { retry: { for: 0s } }\ntests:\n  - { name: none, get: /nowhere, expect: { status: 200 } }\n";

fn migrate() -> Action {
    Action::deploy("1.1.0").with("migrate", "migrate")
}

/// A deployment whose smoke test on green fails.
fn rolled_back(action: Action) -> Action {
    action
        .with("smoke-tests", FAILING_TEST)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION")
}

/// The commands of the tasks that a run has started, in their order.
fn commands(run: &ActionRun) -> Vec<String> {
    let started = run
        .calls
        .iter()
        .filter(|call| call.operation == "ecs:RunTask");
    let command = |request: &Value| {
        let words = request["overrides"]["containerOverrides"][0]["command"].as_array();
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(" ")
    };
    started.map(|call| command(&call.request)).collect()
}

/// The report's migration, without the task that ran it, and what only other stories are about.
fn reported(run: &ActionRun) -> Value {
    let report: Value = serde_json::from_str(run.output("report")).expect("a report");
    let mut migration = report["migration"].clone();
    if let Some(members) = migration.as_object_mut() {
        members.remove("task");
        for seldom in ["backup", "kept-because"] {
            assert_eq!(members.remove(seldom), Some(Value::Null), "{seldom}");
        }
    }
    migration
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_migration_is_followed_in_the_log_and_the_rollout_begins() {
    let run = Story::codedeploy().run(migrate()).await;
    assert_snapshot!(run.with_summary(), @r#"
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
    ::group::Migration
    task [task] started
    lines of container app may be missing: its log driver has no mode, and ECS's default is non-blocking, and drops what exceeds its buffer (10m); mode: blocking keeps all
      | {"time":"[time]","level":"info","message":"migration started","from":"0007","to":"0008"}
      | {"time":"[time]","level":"info","message":"migration step","step":"add column sessions.expires_at"}
      | {"time":"[time]","level":"info","message":"migration finished","at":"0008"}
    app exit 0
    ::endgroup::
    ✓ Migration: done ([time])
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
    run-task-arn=["arn:aws:ecs:eu-central-1:123456789012:task/prod/[task]"]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the load balancer's listeners).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Migration | command "migrate", exit 0 (<code>[task]</code>) |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | green, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Migration | [time] | done |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✓ | Traffic | [time] | green serves 100 % |
    | ✓ | Bake | [time] | the rollout is over, blue is gone |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    "#);
    assert_eq!(
        reported(&run),
        json!({ "command": "migrate", "state": "ran", "exit-code": 0, "undone-by": null })
    );
    let asked = run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:RunTask")
        .expect("a task");
    let started_by = asked.request["startedBy"].as_str().expect("a name");
    assert!(
        started_by.starts_with("ecs-bluegreen/4711-1-"),
        "{started_by}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_rolls_nothing_out_and_is_not_undone_by_itself() {
    let run = Story::codedeploy()
        .run(
            migrate()
                .with("migrate", "migrate --fail")
                .with("migrate-undo", "exit 0"),
        )
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; the migration ran (command "migrate --fail", exit 3) and is not undone: the schema may be ahead of the version that serves.
    ::error title=not-deployed (migration-failed)::the migration failed: "migrate --fail" exited with 3 in container app
      Caused by: Essential container in task exited
      container app of task [task]: exit code 3; Essential container in task exited
        | {"time":"[time]","level":"info","message":"migration started","from":"0007","to":"0008"}
        | {"time":"[time]","level":"info","message":"migration step","step":"add column sessions.expires_at"}
        | {"time":"[time]","level":"error","message":"migration failed","cause":"column \"expires_at\" of relation \"sessions\" already exists"}
      hint: the task's last log lines are shown; nothing was rolled out
    Outcome: not-deployed (migration-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    "#);
    assert_eq!(commands(&run), ["migrate --fail"]);
    assert_eq!(
        reported(&run),
        json!({ "command": "migrate --fail", "state": "failed", "exit-code": 3, "undone-by": null })
    );
    assert!(
        run.summary
            .contains("it is not undone: the schema may be ahead of the version that serves"),
        "{}",
        run.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_is_undone_where_that_is_asked_for() {
    let run = Story::codedeploy()
        .run(
            migrate()
                .with("migrate", "migrate --fail")
                .with("migrate-undo", "exit 0")
                .with("migrate-undo-on-failure", "true"),
        )
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; the migration ran (command "migrate --fail", exit 3) and was undone by "exit 0".
    ::error title=not-deployed (migration-failed)::the migration failed: "migrate --fail" exited with 3 in container app
      Caused by: Essential container in task exited
      container app of task [task]: exit code 3; Essential container in task exited
        | {"time":"[time]","level":"info","message":"migration started","from":"0007","to":"0008"}
        | {"time":"[time]","level":"info","message":"migration step","step":"add column sessions.expires_at"}
        | {"time":"[time]","level":"error","message":"migration failed","cause":"column \"expires_at\" of relation \"sessions\" already exists"}
      hint: the task's last log lines are shown; nothing was rolled out
    Outcome: not-deployed (migration-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    "#);
    assert_eq!(commands(&run), ["migrate --fail", "exit 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_pending_the_migration_is_skipped_and_that_is_said() {
    let run = Story::codedeploy()
        .run(migrate().with("migrate-check", "exit 0"))
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(commands(&run), ["exit 0"]);
    assert_snapshot!(run.log_with("pending"), @"
    nothing is pending: the migration is skipped
    ✓ Migration: nothing is pending ([time])
    ");
    assert_eq!(
        reported(&run),
        json!({ "command": "migrate", "state": "skipped", "exit-code": null, "undone-by": null })
    );
    assert!(
        run.summary
            .contains("| Migration | command \"migrate\", nothing was pending |"),
        "{}",
        run.summary
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_something_is_pending_the_migration_runs_and_is_verified() {
    let action = migrate()
        .with("migrate-check", "exit 1")
        .with("migrate-verify", "exit 0");
    let run = Story::codedeploy().run(action).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(commands(&run), ["exit 1", "migrate", "exit 0"]);
    assert_snapshot!(run.log_with("exit"), @r#"
    migrate-check: "exit 1" in task [task]
    something is pending (exit 1)
    app exit 0
    migrate-verify: "exit 0" in task [task]
    the migration is verified (exit 0)
    Outcome: deployed, exit code 0, after [time]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_s_check_that_cannot_tell_ends_the_run_before_the_migration() {
    // The sample application knows no `alembic`, and exits with 2, which is none of its codes.
    let run = Story::codedeploy()
        .run(migrate().with("migrate-check", "alembic"))
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (migration-failed)::migrate-check cannot tell whether anything is pending: "alembic current --check-heads" exited with 2
      Caused by: Essential container in task exited
      container app of task [task]: exit code 2; Essential container in task exited
        | {"time":"[time]","level":"error","message":"unknown arguments","cause":"alembic current --check-heads"}
      hint: nothing was rolled out
    Outcome: not-deployed (migration-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    "#);
    assert_eq!(commands(&run), ["alembic current --check-heads"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_not_verified_is_undone_and_nothing_is_rolled_out() {
    let action = migrate()
        .with("migrate-verify", "exit 4")
        .with("migrate-undo", "exit 0");
    let run = Story::codedeploy().run(action).await;
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; the migration ran (command "migrate", exit 0) and was undone by "exit 0".
    ::error title=not-deployed (migration-failed)::the migration ran, and its verification failed: "exit 4" exited with 4
      Caused by: Essential container in task exited
      container app of task [task]: exit code 4; Essential container in task exited
        | {"time":"[time]","level":"info","message":"looked at the schema","code":"4"}
      hint: nothing was rolled out
    Outcome: not-deployed (migration-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:RunTask
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    "#);
    assert_eq!(commands(&run), ["migrate", "exit 4", "exit 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_takes_too_long_is_stopped() {
    let action = migrate()
        .with("migrate", "serve")
        .with("migrate-timeout", "2s");
    let run = Story::codedeploy().run(action).await;
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; the migration was started (command "serve") and what it did is not undone: the schema may be ahead of the version that serves.
    ::error title=not-deployed (migration-failed)::the migration failed: "serve" was not over after [time], and is stopped
      hint: raise migrate-timeout
    Outcome: not-deployed (migration-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:StopTask
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_is_named_when_green_is_rolled_back_afterwards() {
    let run = Story::codedeploy().run(rolled_back(migrate())).await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    let said = "the migration ran (command \"migrate\", exit 0) and is not undone: the schema may be ahead of the version that serves";
    assert!(run.ending().contains(said), "{}", run.ending());
    assert_eq!(commands(&run), ["migrate"]);
    assert_eq!(
        reported(&run),
        json!({ "command": "migrate", "state": "ran", "exit-code": 0, "undone-by": null })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_undone_by_the_new_revision_once_blue_serves_again() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let run = story
            .run(rolled_back(migrate()).with("migrate-undo", "exit 0"))
            .await;
        assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
        let said = "the migration ran (command \"migrate\", exit 0) and was undone by \"exit 0\"";
        assert!(run.ending().contains(said), "{}", run.ending());
        assert!(!run.text().contains("is not undone"), "{}", run.text());
        assert_eq!(commands(&run), ["migrate", "exit 0"]);
        assert_eq!(
            reported(&run),
            json!({ "command": "migrate", "state": "undone", "exit-code": 0, "undone-by": "exit 0" })
        );
        assert!(
            run.summary.contains("undone by \"exit 0\""),
            "{}",
            run.summary
        );
        let order: Vec<&str> = run
            .calls
            .iter()
            .map(|call| call.operation.as_str())
            .filter(|name| ["ecs:RunTask", "ecs:DeregisterTaskDefinition"].contains(name))
            .collect();
        assert_eq!(
            order,
            ["ecs:RunTask", "ecs:RunTask", "ecs:DeregisterTaskDefinition"],
            "the revision is there as long as its migration is undone"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_fails_needs_a_person() {
    let run = Story::codedeploy()
        .run(rolled_back(migrate()).with("migrate-undo", "exit 5"))
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 40
    ---
    Blue serves 100 % of production: api:1; migration (by "exit 5") could not be undone: a person is needed; the migration ran (command "migrate", exit 0) and is not undone: the schema may be ahead of the version that serves.
    ::error title=stuck (smoke-failed)::smoke test "none" failed on green (GET /nowhere, [n] attempts)
      Caused by: status: expected 200, found 404 Not Found
      Caused by: the answer began: {"error":"not found"}
      hint: users never reached this version; fix it, or the test, and deploy again
    ::error title=stuck::not undone: migration (by "exit 5"): the migration could not be undone: "exit 5" exited with 5
      Caused by: Essential container in task exited
      container app of task [task]: exit code 5; Essential container in task exited
        | {"time":"[time]","level":"info","message":"looked at the schema","code":"5"}
      hint: look at what the schema is, and undo the rest by hand, in a task of api:2 or otherwise (docs/stuck.md#the-migration-was-not-undone)
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (smoke-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:RunTask
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_deployment_the_migration_is_nobody_s_to_undo() {
    let run = Story::codedeploy()
        .run(migrate().with("migrate-undo", "exit 0"))
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(commands(&run), ["migrate"]);
    assert!(!run.text().contains("undone"), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_migrate_runs_the_migration_and_nothing_else() {
    let mut play = Story::codedeploy().begin().await;
    let run = play.act(migrate().with("mode", "migrate")).await;
    assert_snapshot!(run.text(), @r#"
    exit code 0
    ---
    Migrating the database for 1.1.0 of api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      only the migration runs: no traffic is touched
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
    ::group::Migration
    task [task] started
    lines of container app may be missing: its log driver has no mode, and ECS's default is non-blocking, and drops what exceeds its buffer (10m); mode: blocking keeps all
      | {"time":"[time]","level":"info","message":"migration started","from":"0007","to":"0008"}
      | {"time":"[time]","level":"info","message":"migration step","step":"add column sessions.expires_at"}
      | {"time":"[time]","level":"info","message":"migration finished","at":"0008"}
    app exit 0
    ::endgroup::
    ✓ Migration: done ([time])

    The migration ran (command "migrate", exit 0); nothing was rolled out: production traffic is unchanged.
    Outcome: migrated, exit code 0, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=migrated
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    run-task-arn=["arn:aws:ecs:eu-central-1:123456789012:task/prod/[task]"]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    "#);
    let deployed = play.act(Action::deploy("1.1.0")).await;
    assert_eq!(
        (deployed.output("outcome"), deployed.count("ecs:RunTask")),
        ("deployed", 0),
        "{}",
        deployed.text()
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_migrate_says_that_nothing_was_pending_and_fails_like_a_deployment() {
    let mut play = Story::codedeploy().begin().await;
    let skipped = play
        .act(
            migrate()
                .with("mode", "migrate")
                .with("migrate-check", "exit 0"),
        )
        .await;
    let failed = play
        .act(
            migrate()
                .with("mode", "migrate")
                .with("migrate", "migrate --fail"),
        )
        .await;
    play.end().await;
    assert_snapshot!(skipped.ending(), @r#"
    exit code 0
    ---
    Nothing is pending, so the migration was skipped (command "migrate"); nothing was rolled out: production traffic is unchanged.
    Outcome: migrated, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    "#);
    assert_eq!(
        (
            failed.code,
            failed.output("outcome"),
            failed.output("reason")
        ),
        (Some(10), "not-deployed", "migration-failed"),
        "{}",
        failed.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_again_does_not_repeat_a_migration_of_its_run() {
    let hangs = Fault::on_first_call("UpdateService", FaultKind::Hangs);
    let mut play = Story::rolling(RollingOptions::default())
        .fault(hangs)
        .begin()
        .await;
    let started = When::Called("ecs:UpdateService".into(), 1);
    let action = || migrate().with("migrate-check", "exit 1");
    let first = play
        .act(action().on_incident(started, Incident::Kill))
        .await;
    let again = play.act(action().env("GITHUB_RUN_ATTEMPT", "2")).await;
    play.end().await;
    assert_eq!(
        (first.code, again.output("outcome")),
        (None, "deployed"),
        "{}",
        again.text()
    );
    assert_eq!(commands(&again), Vec::<String>::new(), "{}", again.text());
    assert!(
        again
            .text()
            .contains("of an earlier attempt of this run is used: it is not run again"),
        "{}",
        again.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_again_that_rolls_its_own_rollout_back_undoes_the_migration_too() {
    let mut play = Story::codedeploy().begin().await;
    let action = || {
        Action::deploy_tested_slowly("1.1.0")
            .with("migrate", "migrate")
            .with("migrate-undo", "exit 0")
    };
    let dies = action().on_incident(When::Line("Smoke tests on green"), Incident::Kill);
    let first = play.act(dies).await;
    let again = play
        .act(rolled_back(action()).env("GITHUB_RUN_ATTEMPT", "2"))
        .await;
    play.end().await;
    assert_eq!(
        (first.code, again.output("outcome")),
        (None, "rolled-back"),
        "{}",
        again.text()
    );
    assert_eq!(commands(&again), ["exit 0"], "{}", again.text());
    let said = "the migration ran (command \"migrate\", exit 0) and was undone by \"exit 0\"";
    assert!(again.ending().contains(said), "{}", again.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_post_step_undoes_the_migration_of_a_run_that_was_killed() {
    let mut play = Story::codedeploy().begin().await;
    let action = Action::deploy_tested_slowly("1.1.0")
        .with("migrate", "migrate")
        .with("migrate-undo", "exit 0")
        .on_incident(When::Line("Smoke tests on green"), Incident::Kill);
    let mut main = play.act(action).await;
    assert_eq!(
        (main.code, commands(&main)),
        (None, vec!["migrate".to_owned()])
    );
    // Of a changed state no other command is run.
    let saved = main.state["undos"].clone();
    let post = play.post(&main).await;
    let forged = saved.replace("\"words\":[\"exit\",\"0\"]", "\"words\":[\"exit\",\"1\"]");
    assert_ne!(forged, saved);
    main.state.insert("undos".to_owned(), forged);
    let refused = play.post(&main).await;
    play.end().await;
    assert_eq!(
        (refused.code, refused.count("ecs:RunTask")),
        (Some(40), 0),
        "{}",
        refused.text()
    );
    assert_eq!(commands(&post), ["exit 0"], "{}", post.text());
    assert_snapshot!(post.log_with("undone"), @r#"
    undone: CodeDeploy deployment [deployment 1]
    undone: migration (by "exit 0")
    the migration ran (command "migrate", exit 0) and was undone by "exit 0"
    undone: task definition api:2
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_a_migration_would_run_and_runs_nothing() {
    let run = Story::codedeploy()
        .run(migrate().with("mode", "plan"))
        .await;
    assert_eq!(
        (run.output("outcome"), run.calls.len()),
        ("planned", 0),
        "{}",
        run.text()
    );
    assert!(
        run.log_with("Migration")
            .contains("Migration: \"migrate\" runs in a task of the new revision (at most 10 m)"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_cannot_be_meant_are_refused() {
    let mut play = Story::codedeploy().begin().await;
    let mut told = Vec::new();
    let actions = [
        Action::deploy("1.1.0")
            .with("migrate-check", "exit 0")
            .with("migrate-undo-on-failure", "true"),
        migrate()
            .with("run-task", "true")
            .with("migrate-undo-on-failure", "true")
            .with("migrate-verify", "sh -c 'x")
            .with("migrate-timeout", "10"),
        migrate().with("migrate-container", "web"),
        Action::deploy("1.1.0").with("mode", "migrate"),
        Action::to_service()
            .with("mode", "status")
            .with("migrate", "migrate"),
        migrate()
            .with("wait-for-service-stability", "false")
            .with("migrate-undo", "exit 0"),
    ];
    for action in actions {
        let run = play.act(action).await;
        assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
        told.push(run.ending());
    }
    play.end().await;
    assert_snapshot!(told.join("\n===\n"), @r#"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::migrate-check: there is no migration that it could belong to
      hint: set migrate, or leave it out
    ::error title=input refused::migrate-undo-on-failure: there is no migration that it could belong to
      hint: set migrate, or leave it out
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have 4 problems
    ::error title=input refused::run-task: migrate runs a task of the new revision already, and there is only one before the rollout
      hint: leave run-task out and let migrate do both, or leave migrate out
    ::error title=input refused::migrate-timeout: `10` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`
      hint: add the unit: 10s for seconds, 10m for minutes
    ::error title=input refused::migrate-verify: a quote is not closed
      hint: Close the quote, write \' or \" for the character itself, or give a JSON list of texts
    ::error title=input refused::migrate-undo-on-failure: there is no command that could undo the migration
      hint: set migrate-undo, or leave it out
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::migrate-container: there is no container `web`
      hint: the task definition has the containers app
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::migrate: mode migrate has nothing to run
      hint: set migrate
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::migrate: this mode does not read it
      hint: set mode: deploy, plan, verify or migrate, or leave it out
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::wait-for-service-stability: false leaves the rollout to AWS, but undoing a migration after a rollback needs it to be followed
      hint: leave it out, or leave migrate-undo out
    "#);
}
