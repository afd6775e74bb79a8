//! The policies of docs/iam.md: what they allow is enough, and what one of two roles must not have
//! it does not have.

use ecs_bluegreen_sim::RollingOptions;
use serde_json::Value;

use crate::harness::{Action, ActionRun, Play, Story, smoke_tests};

const PAGE: &str = include_str!("../../docs/iam.md");

/// Statements that the role of the first job goes without: they open gates.
const OPEN_GATES: [&str; 2] = ["OpenGatesOfCodeDeploy", "OpenGatesOfEcs"];

/// What brings something new, or changes what is to be released; the role that approves has none of
/// it.
const NOT_FOR_APPROVAL: [&str; 8] = [
    "codedeploy:CreateDeployment",
    "ecr:PutImage",
    "ecs:DeregisterTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:StopTask",
    "ecs:UpdateService",
    "iam:PassRole",
];

/// The policy below a heading, as its statements.
fn policy(heading: &str) -> Vec<Value> {
    let (_, section) = PAGE
        .split_once(&format!("\n{heading}\n"))
        .expect("the heading");
    let (_, block) = section.split_once("```json\n").expect("a block");
    let (text, _) = block.split_once("```").expect("the block's end");
    let policy: Value = serde_json::from_str(text).expect("the policy is JSON");
    policy["Statement"].as_array().expect("statements").clone()
}

/// A member that may be one text or several.
fn texts(statement: &Value, member: &str) -> Vec<String> {
    match &statement[member] {
        Value::Array(all) => all
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn actions(statements: &[Value]) -> Vec<String> {
    statements
        .iter()
        .flat_map(|statement| texts(statement, "Action"))
        .collect()
}

fn full() -> Vec<Value> {
    policy("## The full policy")
}

/// What the role that deploys may do.
fn deploy() -> Vec<String> {
    let may = |statement: &&Value| {
        statement["Sid"]
            .as_str()
            .is_none_or(|sid| !OPEN_GATES.contains(&sid))
    };
    actions(&full().iter().filter(may).cloned().collect::<Vec<_>>())
}

/// What the role that approves may do.
fn approve() -> Vec<String> {
    actions(&policy("### The policy of the role that approves"))
}

#[test]
fn neither_role_can_release_something_new_alone() {
    assert!(
        deploy().iter().all(|action| !action.contains(":Continue")),
        "the role that deploys opens no gate"
    );
    let approve = approve();
    let excess: Vec<_> = NOT_FOR_APPROVAL
        .iter()
        .filter(|action| approve.contains(&(**action).to_owned()))
        .collect();
    assert!(excess.is_empty(), "{excess:?}");
    assert!(
        deploy()
            .iter()
            .chain(&approve)
            .all(|action| !action.contains('*')),
        "every action is named"
    );
}

#[test]
fn tasks_and_secrets_are_named_as_narrowly_as_iam_can() {
    for statement in full() {
        let (actions, resources) = (texts(&statement, "Action"), texts(&statement, "Resource"));
        assert!(
            statement["Effect"] == "Allow" && !actions.is_empty() && !resources.is_empty(),
            "{statement}"
        );
        if actions.contains(&"ecs:RunTask".to_owned()) {
            assert_eq!(
                resources,
                ["arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:*"]
            );
            assert_eq!(
                statement["Condition"]["ArnEquals"]["ecs:cluster"],
                "arn:aws:ecs:REGION:ACCOUNT:cluster/CLUSTER"
            );
        }
        if actions.contains(&"secretsmanager:GetSecretValue".to_owned()) {
            assert_eq!(
                resources,
                ["arn:aws:secretsmanager:REGION:ACCOUNT:secret:SECRET-??????"]
            );
        }
    }
}

/// Green waits; the role that deploys has started it.
async fn waiting(story: Story) -> (Play, ActionRun) {
    let mut play = story
        .stage(|options| options.allowed = deploy())
        .begin()
        .await;
    let first = play
        .act(Action::deploy_tested("1.1.0").with("approval", "before-traffic"))
        .await;
    assert_eq!(first.output("outcome"), "waiting", "{}", first.text());
    assert_eq!(warnings(&first), "");
    (play, first)
}

/// Yellow lines of the log: what a role lacks is one of them.
fn warnings(run: &ActionRun) -> String {
    run.log_with("::warning")
}

fn answer(mode: &str, first: &ActionRun) -> Action {
    Action::to_service()
        .with("mode", mode)
        .with("deployment", first.output("deployment-id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_approves_releases_what_the_other_has_brought() {
    for story in [Story::codedeploy(), Story::blue_green(), Story::canary()] {
        let (mut play, first) = waiting(story).await;
        play.stage.allow(&approve());
        let tests = smoke_tests(&["health"]).replace("${version}", "1.1.0");
        let checked = answer("continue", &first)
            .with("smoke-tests", &tests)
            .with("test-url", "$TEST");
        let run = play
            .act(checked.with("production-url", "$PRODUCTION"))
            .await;
        assert_eq!(
            (run.output("outcome"), warnings(&run).as_str()),
            ("deployed", ""),
            "{}",
            run.text()
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_approves_may_say_no_and_names_what_it_leaves_behind() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let (mut play, first) = waiting(story).await;
        play.stage.allow(&approve());
        let run = play.act(answer("abort", &first)).await;
        assert_eq!(
            (run.output("outcome"), run.output("reason")),
            ("rolled-back", "aborted"),
            "{}",
            run.text()
        );
        assert!(
            warnings(&run).contains("ecs:DeregisterTaskDefinition"),
            "{}",
            run.text()
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_deploys_says_no_and_leaves_nothing_behind() {
    for story in [Story::codedeploy(), Story::blue_green()] {
        let (mut play, first) = waiting(story).await;
        let run = play.act(answer("abort", &first)).await;
        assert_eq!(
            (run.output("outcome"), warnings(&run).as_str()),
            ("rolled-back", ""),
            "{}",
            run.text()
        );
        assert_eq!(run.count("ecs:DeregisterTaskDefinition"), 1);
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_cleans_up_sees_everything_it_needs() {
    let rolling = Story::rolling(RollingOptions::default());
    for story in [Story::codedeploy(), Story::blue_green(), rolling] {
        let mut play = story.begin().await;
        let deployed = play.act(Action::deploy("1.1.0")).await;
        assert_eq!(
            deployed.output("outcome"),
            "deployed",
            "{}",
            deployed.text()
        );
        play.stage.allow(&actions(&policy("### Cleaning up")));
        let cleanup = Action::to_service()
            .with("mode", "cleanup")
            .with("repository", "app")
            .with("keep-images", "1")
            .with("keep-revisions", "1")
            .with("log-retention", "30")
            .with("dry-run", "false");
        let run = play.act(cleanup).await;
        assert_eq!(
            (run.output("outcome"), warnings(&run).as_str()),
            ("cleaned", ""),
            "{}",
            run.text()
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_approves_can_bring_nothing_new() {
    let story =
        Story::rolling(RollingOptions::default()).stage(|options| options.allowed = approve());
    let mut play = story.begin().await.push_version("1.1.0").await;
    let definition = crate::harness::definition("$REGISTRY/app:1.1.0").to_string();
    let run = play
        .act(
            Action::to_service()
                .file("task.json", &definition)
                .with("task-definition", "task.json"),
        )
        .await;
    play.end().await;
    assert_eq!(
        (run.output("outcome"), run.output("reason")),
        ("not-deployed", "denied"),
        "{}",
        run.text()
    );
}
