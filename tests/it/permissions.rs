//! What IAM denies: reads that only serve a check narrow it, and everything the official actions can do works with their policy.

use ecs_bluegreen_sim::RollingOptions;
use insta::assert_snapshot;

use crate::harness::{Action, Story, definition};

/// The permissions that the READMEs of the official actions ask for.
const OFFICIAL: &[&str] = &[
    "ecr:GetAuthorizationToken",
    "ecs:RegisterTaskDefinition",
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "ecs:RunTask",
    "ecs:DescribeTasks",
    "iam:PassRole",
    "codedeploy:GetDeploymentGroup",
    "codedeploy:CreateDeployment",
    "codedeploy:GetDeployment",
    "codedeploy:GetDeploymentConfig",
    "codedeploy:RegisterApplicationRevision",
];

const APP_SPEC: &str = r#"{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"x","LoadBalancerInfo":{"ContainerName":"app","ContainerPort":8080}}}}]}"#;

fn officially(story: Story) -> Story {
    story.stage(|options| options.allowed = OFFICIAL.iter().map(|action| (*action).to_owned()).collect())
}

/// As a user of the official actions has it: everything from files.
fn from_files() -> Action {
    let definition = definition("$REGISTRY/app:1.1.0").to_string();
    Action::service().file("task.json", &definition).with("task-definition", "task.json")
}

fn denied(actions: &[&str]) -> Story {
    Story::codedeploy().stage(|options| options.denied = actions.iter().map(|action| (*action).to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_policy_is_enough_for_a_codedeploy_deployment() {
    let group = ecs_bluegreen_sim::GroupOptions { ready_wait_minutes: None, ..ecs_bluegreen_sim::GroupOptions::default() };
    let mut play = officially(Story::group(group)).begin().await.pushed("1.1.0").await;
    let told = play.act(from_files().file("appspec.json", APP_SPEC).with("codedeploy-appspec", "appspec.json")).await;
    play.end().await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_policy_is_enough_for_a_rolling_service() {
    let mut play = officially(Story::rolling(RollingOptions::default())).begin().await.pushed("1.1.0").await;
    let told = play.act(from_files()).await;
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_policy_is_enough_for_a_one_off_task() {
    let mut play = officially(Story::rolling(RollingOptions::default())).begin().await.pushed("1.1.0").await;
    let told = play
        .act(from_files().with("run-task", "true").with("run-task-container-overrides", r#"[{"name":"app","command":["migrate"]}]"#))
        .await;
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_only_serve_a_check_narrow_it_and_the_deployment_succeeds() {
    let story = denied(&[
        "codedeploy:GetDeploymentTarget",
        "codedeploy:ListDeployments",
        "elasticloadbalancing:*",
        "cloudwatch:*",
        "ecs:DescribeTaskDefinition",
        "logs:*",
    ]);
    let mut play = story.begin().await.pushed("1.1.0").await;
    let told = play.act(from_files()).await;
    play.end().await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_needed_and_denied_names_the_action_and_the_resource() {
    assert_snapshot!(denied(&["ecs:DescribeServices"]).told(Action::deploy("1.1.0")).await.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_registration_leaves_everything_as_it_was() {
    assert_snapshot!(denied(&["ecs:RegisterTaskDefinition"]).told(Action::deploy("1.1.0")).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_be_passed_is_named() {
    assert_snapshot!(denied(&["iam:PassRole"]).told(Action::deploy("1.1.0")).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_deployment_takes_the_revision_back() {
    assert_snapshot!(denied(&["codedeploy:CreateDeployment"]).told(Action::deploy("1.1.0")).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_is_denied_is_stuck_and_prints_the_command() {
    let told = denied(&["codedeploy:StopDeployment"]).told(Action::tested_by("1.2.0", &["health"])).await;
    assert_snapshot!(told.ending(), @"");
}
