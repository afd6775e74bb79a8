//! The backup of the database before its migration: made, waited for, found again, kept, and what a
//! run does without one.

use ecs_bluegreen_sim::{DatabaseKind, DatabaseOptions, Fault, FaultKind, SnapshotEnd};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, ActionRun, Incident, Story, When};

const FAILING_TEST: &str = "defaults: { retry: { for: 0s } }\ntests:\n  - { name: none, get: /nowhere, expect: { status: 200 } }\n";

fn with_database(change: impl FnOnce(&mut DatabaseOptions)) -> Story {
    let mut database = DatabaseOptions::default();
    change(&mut database);
    Story::codedeploy().stage(|options| {
        options.databases.insert("orders".to_owned(), database);
    })
}

fn migrate() -> Action {
    Action::deploy("1.1.0")
        .with("migrate", "migrate")
        .with("backup-before", "rds:orders")
}

/// What a run has changed, in its order.
fn writes(run: &ActionRun) -> Vec<&str> {
    let is_write = |name: &&str| {
        name.starts_with("rds:Create")
            || *name == "ecs:RunTask"
            || *name == "codedeploy:CreateDeployment"
    };
    run.calls
        .iter()
        .map(|call| call.operation.as_str())
        .filter(is_write)
        .collect()
}

fn reported(run: &ActionRun) -> Value {
    let report: Value = serde_json::from_str(run.output("report")).expect("a report");
    report["migration"].clone()
}

fn not_migrated(run: &ActionRun, reason: &str) {
    assert_eq!(
        (
            run.code,
            run.output("outcome"),
            run.output("reason"),
            run.count("ecs:RunTask")
        ),
        (Some(10), "not-deployed", reason, 0),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_made_and_waited_for_before_the_migration() {
    let run = with_database(|_| ()).run(migrate()).await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(
        writes(&run),
        [
            "rds:CreateDBSnapshot",
            "ecs:RunTask",
            "codedeploy:CreateDeployment"
        ]
    );
    let made = run
        .calls
        .iter()
        .find(|call| call.operation == "rds:CreateDBSnapshot")
        .expect("a call");
    assert_eq!(
        made.request["Tags"]["Tag"]["1"]["Key"],
        "ecs-bluegreen-action:run"
    );
    let migration = reported(&run);
    assert_eq!(migration["backup"]["state"], "available");
    let snapshot = migration["backup"]["snapshot"].as_str().expect("its id");
    assert!(snapshot.starts_with("ecs-bluegreen-4711-1-"), "{snapshot}");
    assert!(run.summary.contains(snapshot), "{}", run.summary);
    for said in [
        format!("snapshot {snapshot} of RDS instance orders is being made"),
        format!("snapshot {snapshot} is available, 100 %"),
        format!("✓ Backup: snapshot {snapshot} is available"),
    ] {
        assert!(
            run.text().contains(&run.redact(&said)),
            "{said}: {}",
            run.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_backed_up_too_and_nothing_is_when_nothing_is_pending() {
    let run = with_database(|database| database.kind = DatabaseKind::Cluster)
        .run(
            migrate()
                .with("backup-before", "rds-cluster:orders")
                .with("migrate-check", "exit 1"),
        )
        .await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_eq!(
        writes(&run),
        [
            "ecs:RunTask",
            "rds:CreateDBClusterSnapshot",
            "ecs:RunTask",
            "ecs:RunTask",
            "codedeploy:CreateDeployment"
        ],
        "{}",
        run.text()
    );
    let skipped = with_database(|_| ())
        .run(migrate().with("migrate-check", "exit 0"))
        .await;
    assert_eq!(
        writes(&skipped),
        ["ecs:RunTask", "codedeploy:CreateDeployment"],
        "{}",
        skipped.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_backup_nothing_is_migrated() {
    let denied = with_database(|_| ())
        .stage(|options| options.denied.push("rds:CreateDBSnapshot".to_owned()))
        .run(migrate())
        .await;
    not_migrated(&denied, "denied");
    let unread = with_database(|_| ())
        .stage(|options| options.denied.push("rds:DescribeDBSnapshots".to_owned()))
        .run(migrate())
        .await;
    not_migrated(&unread, "denied");
    let missing = with_database(|_| ())
        .run(migrate().with("backup-before", "rds:order"))
        .await;
    not_migrated(&missing, "backup-failed");
    let failed = with_database(|database| database.snapshots_end = SnapshotEnd::Failed)
        .run(migrate())
        .await;
    not_migrated(&failed, "backup-failed");
    let late = with_database(|database| database.snapshot_ms = 60_000)
        .run(migrate().with("backup-timeout", "1s"))
        .await;
    not_migrated(&late, "backup-failed");
    let told = [denied, unread, missing, failed, late].map(|run| run.ending());
    assert_snapshot!(told.join("\n===\n"), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::RDS instance orders could not be backed up
      Caused by: rds:CreateDBSnapshot is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: rds:CreateDBSnapshot on resource: arn:aws:rds:eu-central-1:123456789012:db:orders because no identity-based policy allows the rds:CreateDBSnapshot action
      hint: allow rds:CreateDBSnapshot on arn:aws:rds:eu-central-1:123456789012:db:orders for the role that the job uses (docs/iam.md)
      hint: the migration was not run, and nothing was rolled out
    Outcome: not-deployed (denied), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    rds:CreateDBSnapshot → AccessDenied
    ecs:DeregisterTaskDefinition
    ===
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::RDS instance orders could not be backed up
      Caused by: rds:DescribeDBSnapshots is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: rds:DescribeDBSnapshots on resource: arn:aws:rds:eu-central-1:123456789012:db:orders because no identity-based policy allows the rds:DescribeDBSnapshots action
      hint: allow rds:DescribeDBSnapshots on arn:aws:rds:eu-central-1:123456789012:db:orders for the role that the job uses (docs/iam.md)
      hint: the migration was not run, and nothing was rolled out
    Outcome: not-deployed (denied), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:DeregisterTaskDefinition
    ===
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (backup-failed)::RDS instance order could not be backed up
      Caused by: rds:CreateDBSnapshot: DBInstance order not found. (DBInstanceNotFound)
      hint: check its identifier and aws-region; clusters of Aurora are given as rds-cluster:CLUSTER
      hint: the migration was not run, and nothing was rolled out
    Outcome: not-deployed (backup-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    rds:CreateDBSnapshot → DBInstanceNotFound
    ecs:DeregisterTaskDefinition
    ===
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; snapshot ecs-bluegreen-[run]-c4d48ed6 of RDS instance orders is kept.
    ::error title=not-deployed (backup-failed)::snapshot ecs-bluegreen-[run]-c4d48ed6 of RDS instance orders is failed
      hint: the events of the database in the RDS console say why
      hint: the migration was not run, and nothing was rolled out
    Outcome: not-deployed (backup-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    rds:CreateDBSnapshot
    ecs:DeregisterTaskDefinition
    ===
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; snapshot ecs-bluegreen-[run]-c4d48ed6 of RDS instance orders is kept.
    ::error title=not-deployed (backup-failed)::snapshot ecs-bluegreen-[run]-c4d48ed6 of RDS instance orders was not available after [time]
      hint: raise backup-timeout, or run this again once the snapshot is available: it is then used
      hint: the migration was not run, and nothing was rolled out
    Outcome: not-deployed (backup-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    rds:CreateDBSnapshot
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_does_not_answer_or_does_not_take_at_once_is_tried_again() {
    let busy = with_database(|database| database.busy_ms = 10_000)
        .run(migrate())
        .await;
    assert_eq!(busy.output("outcome"), "deployed", "{}", busy.text());
    assert!(
        busy.text().contains("no snapshot can be made now, so this is tried again: rds:CreateDBSnapshot: DBInstance orders is not in available state."),
        "{}",
        busy.text()
    );
    for kind in [
        FaultKind::LandsThenDrops,
        FaultKind::Drops,
        FaultKind::Throttled,
        FaultKind::InternalError,
    ] {
        let run = with_database(|_| ())
            .fault(Fault::on_first_call("CreateDBSnapshot", kind.clone()))
            .fault(Fault::on_first_call(
                "DescribeDBSnapshots",
                FaultKind::Throttled,
            ))
            .run(migrate())
            .await;
        assert_eq!(
            run.output("outcome"),
            "deployed",
            "{kind:?}: {}",
            run.text()
        );
        assert_eq!(run.count("ecs:RunTask"), 1, "{kind:?}: {}", run.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_kept_and_named_when_the_deployment_is_rolled_back() {
    let action = migrate()
        .with("smoke-tests", FAILING_TEST)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION");
    let run = with_database(|_| ()).run(action).await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    let migration = reported(&run);
    let snapshot = migration["backup"]["snapshot"].as_str().expect("its id");
    let said = format!("snapshot {snapshot} of RDS instance orders is kept");
    assert!(
        run.ending().contains(&run.redact(&said)),
        "{}",
        run.ending()
    );
    assert!(run.summary.contains("is kept"), "{}", run.summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_while_it_backs_up_is_run_again_with_the_same_snapshot() {
    let mut play = with_database(|database| database.snapshot_ms = 5_000)
        .begin()
        .await;
    let first = play
        .act(migrate().on_incident(When::Line("is being made"), Incident::Kill))
        .await;
    let again = play.act(migrate().env("GITHUB_RUN_ATTEMPT", "2")).await;
    play.end().await;
    assert_eq!(
        (first.code, first.count("ecs:RunTask")),
        (None, 0),
        "{}",
        first.text()
    );
    assert_eq!(
        writes(&again),
        ["ecs:RunTask", "codedeploy:CreateDeployment"],
        "{}",
        again.text()
    );
    assert!(
        again
            .text()
            .contains("was made by this workflow run before: it is used"),
        "{}",
        again.text()
    );
    assert_eq!(reported(&again)["backup"]["state"], "available");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_while_it_backs_up_migrates_nothing_and_names_the_snapshot() {
    let run = with_database(|database| database.snapshot_ms = 60_000)
        .run(migrate().on_incident(When::Line("is being made"), Incident::Interrupt))
        .await;
    not_migrated(&run, "cancelled");
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; snapshot ecs-bluegreen-[run]-c4d48ed6 of RDS instance orders is kept.
    ::error title=not-deployed (cancelled)::the workflow was cancelled
    Outcome: not-deployed (cancelled), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    rds:CreateDBSnapshot
    ecs:DeregisterTaskDefinition
    ");
    assert_eq!(
        (&reported(&run)["state"], &reported(&run)["backup"]["state"]),
        (&json!("not-run"), &json!("started"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_that_a_snapshot_would_be_made_and_wrong_inputs_are_refused() {
    let mut play = with_database(|_| ()).begin().await;
    let plan = play.act(migrate().with("mode", "plan")).await;
    assert!(
        plan.text()
            .contains("after a snapshot of RDS instance orders, \"migrate\" runs"),
        "{}",
        plan.text()
    );
    let mut told = Vec::new();
    for action in [
        migrate()
            .with("backup-before", "orders")
            .with("backup-timeout", "0s"),
        migrate()
            .without("backup-before")
            .with("backup-timeout", "10m"),
        migrate().without("migrate"),
    ] {
        let run = play.act(action).await;
        assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
        told.push(run.ending());
    }
    play.end().await;
    assert_snapshot!(told.join("\n===\n"), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::backup-timeout: no backup is made in no time
      hint: leave it out for an hour, or give a longer time
    ::error title=input refused::backup-before: `orders` names no database
      hint: give rds: and the identifier of an instance, or rds-cluster: and that of a cluster, such as rds:orders
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::backup-timeout: there is no backup that it could belong to
      hint: set backup-before, or leave it out
    ===
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::backup-before: there is no migration that it could belong to
      hint: set migrate, or leave it out
    ");
}
