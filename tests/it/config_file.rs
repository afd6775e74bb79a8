//! One file for all environments: what it says takes the place of what the workflow leaves out.

use insta::assert_snapshot;

use crate::harness::{Action, Story};

const CONFIG: &str = "\
defaults:
  service: api
  repository: app
  poll-interval: 50ms
environments:
  staging: { cluster: staging }
  production:
    cluster: prod
    test-url: $TEST
    production-url: $PRODUCTION
    smoke-tests: |
      tests:
        - { name: health, get: /health, expect: { status: 200 } }
";

/// A deployment that says nothing but its image and where the rest is said.
fn configured(environment: &str) -> Action {
    let mut action = Action::deploy("1.1.0")
        .with("config", "deploy/deploy.yml")
        .with("environment", environment)
        .file("deploy/deploy.yml", CONFIG);
    for input in ["cluster", "service", "repository", "poll-interval"] {
        action = action.without(input);
    }
    action
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_takes_what_its_environment_says() {
    let run = Story::codedeploy().run(configured("production")).await;
    assert_eq!(run.outputs["outcome"], "deployed", "{}", run.text());
    let tested = run.log_with("health on");
    assert!(tested.contains("on green") && tested.contains("on production"), "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_workflow_says_wins() {
    let plan = configured("staging")
        .with("cluster", "prod")
        .with("mode", "plan");
    let run = Story::codedeploy().run(plan).await;
    assert_eq!(run.outputs["outcome"], "planned", "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_not_there_is_named_with_those_that_are() {
    let run = Story::codedeploy().run(configured("prodction")).await;
    assert_snapshot!(run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_in_the_file_is_told_by_line_and_column() {
    let file = "\
default: {}
defaults:
  clustre: prod
  github-token: abc
  mode: rollback
environments:
  production:
    smoke-tests: { tests: [] }
    alarms: [a, { b: c }]
";
    let action = configured("production").file("deploy/deploy.yml", file);
    let run = Story::codedeploy().run(action).await;
    assert!(run.calls.is_empty());
    assert_snapshot!(run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_or_not_named_is_told() {
    let mut play = Story::codedeploy().begin().await;
    let missing = play
        .act(Action::deploy("1.1.0").with("config", "deploy.yml"))
        .await;
    let unnamed = play
        .act(Action::deploy("1.1.0").with("environment", "production"))
        .await;
    play.end().await;
    assert_snapshot!(format!("{}\n=======\n{}", missing.text(), unnamed.text()));
}
