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
    assert!(
        tested.contains("on green") && tested.contains("on production"),
        "{tested}"
    );
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
    let run = Story::codedeploy().run(configured("productions")).await;
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused,file=deploy/deploy.yml,line=6,col=3::config: deploy/deploy.yml:6:3: there is no environment `productions`
      hint: Did you mean `production`? Known here: `staging`, `production`
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_in_the_file_is_told_by_line_and_column() {
    let file = "\
default: {}
defaults:
  clusters: prod
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
    assert_snapshot!(run.text(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 6 problems
    ::error title=input refused,file=deploy/deploy.yml,line=1,col=1::config: deploy/deploy.yml:1:1: Unknown key `default` in the file
      hint: Did you mean `defaults`? Known here: `defaults`, `environments`
    ::error title=input refused,file=deploy/deploy.yml,line=3,col=3::config: deploy/deploy.yml:3:3: there is no input `clusters`
      hint: Did you mean `cluster`?
    ::error title=input refused,file=deploy/deploy.yml,line=4,col=3::config: deploy/deploy.yml:4:3: `github-token` is a secret
      hint: Give it in the workflow: with: github-token: ${{ secrets.… }}
    ::error title=input refused,file=deploy/deploy.yml,line=5,col=3::config: deploy/deploy.yml:5:3: `mode` is said in the workflow only
      hint: Move it to `with:`
    ::error title=input refused,file=deploy/deploy.yml,line=8,col=18::config: deploy/deploy.yml:8:18: `smoke-tests` is a mapping
      hint: Write the document as text (`smoke-tests: |`, and the document below it), or give the path of a file
    ::error title=input refused,file=deploy/deploy.yml,line=9,col=17::config: deploy/deploy.yml:9:17: alarms must be a text, and is a mapping
      hint: Write a text, in quotes where it has special characters
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
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
    assert_snapshot!(format!("{}\n=======\n{}", missing.text(), unnamed.text()), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::config: deploy.yml cannot be read (there is no such file); tried [workspace]/deploy.yml
      hint: give the path of a file that the job has checked out
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    =======
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::environment: it is given without a file that has environments
      hint: set config, or leave it out
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}
