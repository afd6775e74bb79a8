//! Migrations of a real database: PostgreSQL, migrated by Alembic in tasks of the new revision, and
//! read by both versions of the sample application under load.

use std::time::Duration;

use ecs_bluegreen_sim::world::load::LoadOptions;
use ecs_bluegreen_sim::{Fault, FaultKind, RollingOptions};
use serde_json::json;

use crate::harness::{
    Action, ActionRun, DATABASE_PASSWORD, Database, Incident, Play, Story, When, definition,
    join_texts,
};

const VERSION: &str = "1.1.0-migrations";
const URL_PARAMETER: &str = "arn:aws:ssm:eu-central-1:123456789012:parameter/database-url";
const BEFORE: &str = "0001: id, name";
const AFTER: &str = "0002: id, name, note";
/// Fails on green: the new version lacks a column that it reads.
const READS_ITEMS: &str = "defaults: { timeout: 2s, retry: { for: 1s, every: 100ms } }\ntests:\n  - { name: items, get: /items, expect: { status: 200, json: { \"$.items[0].note\": fresh } } }\n";
/// No version answers that.
const NOTHING_IS_GOOD: &str = "defaults: { retry: { for: 0s } }\ntests:\n  - { name: none, get: /nowhere, expect: { status: 200 } }\n";

/// A service that reads its items from this database, and users who do.
fn with_database(story: Story, database: &Database) -> Story {
    let url = database.url();
    let users = |target: &LoadOptions| LoadOptions {
        path: "/items".to_owned(),
        ..target.clone()
    };
    story
        .stage(|options| {
            options.secrets.insert(URL_PARAMETER.to_owned(), url);
        })
        .service(|service| {
            let mut definition = definition("${registry}/app:1.0.0");
            let secrets = &mut definition["containerDefinitions"][0]["secrets"];
            let list = secrets.as_array_mut().expect("a list");
            list.push(json!({ "name": "DATABASE_URL", "valueFrom": URL_PARAMETER }));
            service.task_definition = definition;
        })
        .users(users)
}

/// A deployment of the version that reads the new column.
fn migrate() -> Action {
    Action::deploy(VERSION)
        .with("environment-variables", "APP_ITEM_COLUMNS=id,name,note")
        .with("migrate", "alembic upgrade head")
        .with("smoke-tests", READS_ITEMS)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION")
}

/// What no run may show, and how its database is left.
fn check(run: &ActionRun, database: &Database, schema: &str) {
    assert!(!run.text().contains(DATABASE_PASSWORD), "{}", run.text());
    assert_eq!(database.schema(), schema, "{}", run.text());
}

fn outcome(run: &ActionRun) -> (&str, &str) {
    (run.output("outcome"), run.output("reason"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_version_answers_every_request_while_the_schema_is_ahead_and_the_new_one_after() {
    let database = Database::start();
    let mut play = with_database(Story::codedeploy(), &database).begin().await;
    let run = play
        .act(
            migrate()
                .with("migrate-check", "alembic")
                .with("migrate-verify", "alembic current --check-heads")
                .with("migrate-undo", "alembic downgrade -1"),
        )
        .await;
    let seen = play.users();
    play.end().await;
    check(&run, &database, AFTER);
    assert_eq!(outcome(&run), ("deployed", "as-planned"), "{}", run.text());
    for said in [
        "  | INFO Running upgrade 0001 -> 0002, notes",
        "the migration is verified (exit 0)",
    ] {
        assert!(run.text().contains(said), "{said}: {}", run.text());
    }
    assert_eq!(
        database.query("SELECT name, note FROM items ORDER BY id"),
        ["bread|fresh", "milk|fresh"]
    );
    assert_eq!(seen.failures, 0, "{seen:?}");
    assert!(seen.versions.len() > 1, "both were asked: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_pending_alembic_is_only_asked() {
    let database = Database::start();
    database.alembic(&["upgrade", "head"]);
    let run = with_database(Story::codedeploy(), &database)
        .run(migrate().with("migrate-check", "alembic"))
        .await;
    check(&run, &database, AFTER);
    assert_eq!(outcome(&run), ("deployed", "as-planned"), "{}", run.text());
    assert_eq!(run.count("ecs:RunTask"), 1, "{}", run.text());
    assert!(
        run.text()
            .contains("nothing is pending: the migration is skipped"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_the_database_as_it_was_and_rolls_nothing_out() {
    let database = Database::start();
    let action = migrate().with("migrate", "alembic -x fail=true upgrade head");
    let run = with_database(Story::codedeploy(), &database)
        .run(action)
        .await;
    check(&run, &database, BEFORE);
    assert_eq!(
        outcome(&run),
        ("not-deployed", "migration-failed"),
        "{}",
        run.text()
    );
    for said in ["division by zero", "nothing was rolled out"] {
        assert!(run.text().contains(said), "{said}: {}", run.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_undoes_the_migration_and_the_old_version_never_fails() {
    let database = Database::start();
    let action = migrate()
        .with("migrate-undo", "alembic downgrade -1")
        .with("smoke-tests", NOTHING_IS_GOOD);
    let run = with_database(Story::codedeploy(), &database)
        .run(action)
        .await;
    check(&run, &database, BEFORE);
    assert_eq!(
        outcome(&run),
        ("rolled-back", "smoke-failed"),
        "{}",
        run.text()
    );
    let said = "was undone by \"alembic downgrade -1\"";
    assert!(run.ending().contains(said), "{}", run.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_undo_the_schema_stays_ahead_and_the_old_version_works_with_it() {
    let database = Database::start();
    let run = with_database(Story::codedeploy(), &database)
        .run(migrate().with("smoke-tests", NOTHING_IS_GOOD))
        .await;
    check(&run, &database, AFTER);
    assert_eq!(
        outcome(&run),
        ("rolled-back", "smoke-failed"),
        "{}",
        run.text()
    );
    let said = "is not undone: the schema may be ahead of the version that serves";
    assert!(run.ending().contains(said), "{}", run.ending());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_in_its_migration_is_run_again_and_migrates_once() {
    let database = Database::start();
    let action = || migrate().with("migrate", "alembic -x wait=4 upgrade head");
    let mut play = with_database(Story::codedeploy(), &database).begin().await;
    let dies = action().on_incident(When::Line("Running upgrade"), Incident::Kill);
    let first = play.act(dies).await;
    assert_eq!(first.code, None, "{}", first.text());
    let again = play.act(action().env("GITHUB_RUN_ATTEMPT", "2")).await;
    play.end().await;
    check(&again, &database, AFTER);
    assert_eq!(
        outcome(&again),
        ("deployed", "as-planned"),
        "{}",
        again.text()
    );
    assert_eq!(again.count("ecs:RunTask"), 0, "{}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_post_step_of_a_run_that_was_killed_brings_the_schema_back() {
    let database = Database::start();
    let mut play = with_database(Story::codedeploy(), &database).begin().await;
    let dies = migrate()
        .with("migrate-undo", "alembic downgrade -1")
        .on_incident(When::Line("app exit 0"), Incident::Nothing)
        .on_incident(When::Later(Duration::from_millis(300)), Incident::Kill);
    let main = play.act(dies).await;
    assert_eq!(main.code, None, "{}", main.text());
    assert_eq!(database.schema(), AFTER);
    let post = play.post(&main).await;
    play.end().await;
    check(&post, &database, BEFORE);
    let said = "was undone by \"alembic downgrade -1\"";
    assert!(post.text().contains(said), "{}", post.text());
}

/// Tasks take seconds to start, as those of ECS do: until then the younger of two gives way.
fn provisioned_slowly() -> Story {
    Story::rolling(RollingOptions::default())
        .switches(|switches| switches.run_task_start_ms = 3_000)
}

/// Two runs of two workflow runs at the same time.
async fn run_both(play: &mut Play, policy: &str) -> [ActionRun; 2] {
    let action = |run: &str| {
        migrate()
            .with("migrate", "alembic -x wait=1 upgrade head")
            .with("migrate-check", "alembic")
            .with("if-running", policy)
            .with("stale-run", "allow")
            .env("GITHUB_RUN_ID", run)
    };
    play.act_at_once([action("4711"), action("4712")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_at_once_one_migrates_and_the_other_finds_nothing_pending() {
    let database = Database::start();
    let mut play = with_database(provisioned_slowly(), &database).begin().await;
    let runs = run_both(&mut play, "wait").await;
    play.end().await;
    for run in &runs {
        check(run, &database, AFTER);
        let ended = run.output("outcome");
        assert!(
            ["deployed", "already-deployed"].contains(&ended),
            "{}",
            run.text()
        );
    }
    let migrated = runs
        .iter()
        .filter(|run| run.text().contains("Running upgrade 0001 -> 0002"));
    assert_eq!(migrated.count(), 1, "{}", join_texts(&runs));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_at_once_the_other_is_refused_where_it_is_not_to_wait() {
    let database = Database::start();
    let mut play = with_database(provisioned_slowly(), &database).begin().await;
    let runs = run_both(&mut play, "fail").await;
    play.end().await;
    for run in &runs {
        check(run, &database, AFTER);
    }
    let mut ended: Vec<_> = runs.iter().map(outcome).collect();
    ended.sort_unstable();
    assert_eq!(
        ended,
        [
            ("deployed", "as-planned"),
            ("not-deployed", "already-running")
        ],
        "{}",
        join_texts(&runs)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_run_task_does_not_migrate_twice() {
    let database = Database::start();
    let lost = Fault::on_first_call("RunTask", FaultKind::LandsThenDrops);
    let run = with_database(Story::codedeploy(), &database)
        .fault(lost)
        .run(migrate())
        .await;
    check(&run, &database, AFTER);
    assert_eq!(outcome(&run), ("deployed", "as-planned"), "{}", run.text());
}
