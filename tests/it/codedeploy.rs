//! CodeDeploy when all goes well: the gate, the shift, the end; with and without files.

use ecs_bluegreen_sim::{ConfigOptions, GroupOptions, Traffic};
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Action, Story, Told};

/// The AppSpec that CodeDeploy was sent.
fn app_spec(told: &Told) -> String {
    let created = told.calls.iter().find(|call| call.operation == "codedeploy:CreateDeployment").expect("a deployment");
    let content = created.request["revision"]["appSpecContent"]["content"].as_str().expect("an AppSpec");
    let content: Value = serde_json::from_str(content).expect("JSON");
    told.redacted(&serde_json::to_string_pretty(&content).expect("JSON"))
}

const APP_SPEC: &str = r#"
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "<TASK_DEFINITION>"
        LoadBalancerInfo:
          ContainerName: app
          ContainerPort: 8080
        PlatformVersion: LATEST
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_is_tested_at_the_gate_and_then_serves_everybody() {
    let mut play = Story::codedeploy().begin().await;
    let told = play.act(Action::tested("1.1.0")).await;
    assert!(play.stage.service_view("api").is_some_and(|service| service.fleets.len() == 1), "blue is gone");
    assert!(play.users().versions.contains_key("1.1.0"), "users see the new version");
    play.end().await;
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_follows_traffic_step_by_step() {
    let halves = ConfigOptions { name: "Halves".to_owned(), traffic: Traffic::Linear { percent: 50, minutes: 1 } };
    let group = GroupOptions { config: "Halves".to_owned(), termination_minutes: 0, ..GroupOptions::default() };
    let story = Story::group(group).in_real_time().stage(|options| options.deployment_configs.push(halves));
    let told = story.told(Action::deploy("1.1.0")).await;
    let mut steps: Vec<&str> =
        told.log.iter().filter_map(|line| line.split_once(", production ")?.1.split_once(", green")).map(|(traffic, _)| traffic).collect();
    steps.dedup();
    assert_eq!(steps, ["blue 100 % green 0 %", "blue 50 % green 50 %", "blue 0 % green 100 %"]);
    assert_eq!(told.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_shifted_the_job_is_done_while_blue_still_stands_by() {
    let mut play = Story::codedeploy().begin().await;
    let told = play.act(Action::tested("1.1.0").with("wait-until", "shifted")).await;
    assert!(play.stage.service_view("api").is_some_and(|service| service.fleets.len() == 2), "blue is still there");
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_file_the_app_spec_is_built_from_the_service() {
    let told = Story::codedeploy().told(Action::deploy("1.1.0")).await;
    assert_snapshot!(format!("{}\n---\n{}", told.ending(), app_spec(&told)), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_files_work_as_they_are() {
    let definition = crate::harness::definition("placeholder").to_string();
    let action = Action::deploy("1.1.0").file("task-definition.json", &definition).file("appspec.yaml", APP_SPEC);
    let action = action.with("task-definition", "task-definition.json").with("codedeploy-deployment-description", "Release of a Friday");
    let told = Story::codedeploy().told(action).await;
    let created = told.calls.iter().find(|call| call.operation == "codedeploy:CreateDeployment").expect("a deployment");
    assert_snapshot!(told.redacted(created.request["description"].as_str().expect("a description")), @"");
    assert_snapshot!(format!("{}\n---\n{}", told.text(), app_spec(&told)), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_spec_in_json_anywhere_in_the_workspace_will_do() {
    let spec = r#"{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"old","LoadBalancerInfo":{"ContainerName":"app","ContainerPort":8080}}}}]}"#;
    let action = Action::deploy("1.1.0").file("deploy/appspec.json", spec).with("codedeploy-appspec", "deploy/appspec.json");
    let told = Story::codedeploy().told(action).await;
    assert_snapshot!(format!("{}\n---\n{}", told.ending(), app_spec(&told)), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_does_not_wait_is_followed_to_its_end() {
    let group = GroupOptions { ready_wait_minutes: None, ..GroupOptions::default() };
    let told = Story::group(group).told(Action::tested("1.1.0").without("test-url")).await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_is_not_waited_for_is_started_and_nothing_is_claimed() {
    let told = Story::codedeploy().told(Action::deploy("1.1.0").with("wait-for-service-stability", "false")).await;
    assert_snapshot!(told.text(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_leaves_the_rollout_to_aws_and_says_what_it_will_do() {
    let told = Story::codedeploy().told(Action::tested("1.1.0").with("deadline", "100ms")).await;
    assert_snapshot!(told.ending(), @"");
}
