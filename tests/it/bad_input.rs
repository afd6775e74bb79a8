//! Bad input: every problem at once, exit code 2, nothing touched, each with a remedy; and what is not possible just now.

use ecs_bluegreen_sim::{Controller, Exposure, GroupOptions, ServiceOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Story, definition, smoke_tests};

/// What a refused run says; AWS got no call that changes anything.
async fn refused(story: Story, action: Action) -> String {
    let told = story.told(action).await;
    assert_eq!((told.code, told.calls.len()), (Some(2), 0), "{}", told.text());
    assert!(told.summary.contains("Nothing was touched"), "{}", told.summary);
    told.ending()
}

async fn refused_by_codedeploy(action: Action) -> String {
    refused(Story::codedeploy(), action).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_are_told_at_once() {
    let action = Action::deploy("1.1.0")
        .with("wait-until", "tomorrow")
        .with("deadline", "30")
        .with("force-new-deployment", "yes")
        .with("desired-count", "-1");
    let action = action
        .with("test-url", "api.example.com")
        .with("task-definition", "nowhere.json")
        .with("run-task", "true")
        .with("run-task-container-overrides", "{");
    let told = Story::codedeploy().told(action.with("tags", "not a tag")).await;
    assert_eq!(told.calls, []);
    assert_snapshot!(told.with_summary(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_input_is_refused_with_the_one_that_was_meant() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("codedeploy-deploymentgroup", "x").with("colour", "green")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_files_are_refused_with_line_and_column() {
    let action = Action::service()
        .file("task.yml", "family: api\ncontainerDefinitions:\n  - name: app\n   image: x\n")
        .file("appspec.json", "{\n  \"version\": 0.0,\n  \"Resources\": [\n}\n");
    assert_snapshot!(refused_by_codedeploy(action.with("task-definition", "task.yml").with("codedeploy-appspec", "appspec.json")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_smoke_tests_are_refused_at_their_lines() {
    let tests = "tests:\n  - name: health\n    get: health\n    expect: { status: 700 }\n  - name: me\n    gett: /me\n    expect: { header: {} }\n  - get: /ready\n    retry: { for: 10 }\n  - name: secret\n    get: /x\n    headers: { Authorization: \"${env.NOT_SET}\" }\n";
    let action = Action::deploy("1.1.0").file("deploy/smoke.yml", tests).with("smoke-tests", "deploy/smoke.yml").with("test-url", "$TEST");
    assert_snapshot!(refused_by_codedeploy(action).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_the_definition_lacks_is_refused_with_those_it_has() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("container", "web")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("service", "apy")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("cluster", "staging")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_deleted_is_refused() {
    let story = Story::codedeploy().service(|service| "INACTIVE".clone_into(&mut service.status));
    assert_snapshot!(refused(story, Action::deploy("1.1.0")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_under_an_external_controller_is_refused() {
    assert_snapshot!(refused(Story::external(), Action::deploy("1.1.0")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("codedeploy-application", "shop")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_there_is_refused() {
    assert_snapshot!(refused_by_codedeploy(Action::deploy("1.1.0").with("codedeploy-deployment-group", "blue-green")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_another_service_is_refused() {
    let mut play = Story::codedeploy().begin().await;
    let shop = ServiceOptions {
        name: "shop".to_owned(),
        controller: Controller::CodeDeploy(GroupOptions::default()),
        desired: 0,
        task_definition: definition("${registry}/app:1.0.0"),
        status: "ACTIVE".to_owned(),
        exposure: Some(Exposure { production: "shop".to_owned(), test: None, ..Exposure::new("app", 8080) }),
    };
    play.stage.add_service(shop).await.expect("a service");
    let action =
        Action::deploy("1.1.0").with("codedeploy-application", "AppECS-prod-shop").with("codedeploy-deployment-group", "DgpECS-prod-shop");
    let told = play.act(action).await;
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_does_not_wait_cannot_be_tested_before_traffic_and_the_command_is_given() {
    let story = Story::group(GroupOptions { ready_wait_minutes: None, termination_minutes: 7, ..GroupOptions::default() });
    assert_snapshot!(refused(story, Action::tested("1.1.0")).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_service_has_no_green_to_test() {
    let story = Story::rolling(ecs_bluegreen_sim::RollingOptions::default());
    let action = Action::deploy("1.1.0").with("smoke-tests", &smoke_tests(&["health"])).with("test-url", "$PRODUCTION");
    assert_snapshot!(refused(story, action).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_the_step_that_gets_them_is_named() {
    let action = Action::deploy("1.1.0").env("AWS_ACCESS_KEY_ID", "").env("AWS_SECRET_ACCESS_KEY", "").env("AWS_SESSION_TOKEN", "");
    assert_snapshot!(Story::codedeploy().told(action).await.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_deployment_runs_nothing_is_touched() {
    let mut play = Story::codedeploy().begin().await;
    play.act(Action::deploy("1.1.0").with("wait-for-service-stability", "false")).await;
    let told = play.act(Action::tested("1.2.0")).await;
    play.end().await;
    assert_eq!(told.calls, []);
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_begins_after_the_survey_is_in_the_way_and_the_revision_is_taken_back() {
    let mut play = Story::codedeploy().stage(|options| options.denied = vec!["codedeploy:ListDeployments".into()]).begin().await;
    play.act(Action::deploy("1.1.0").with("wait-for-service-stability", "false")).await;
    let told = play.act(Action::deploy("1.2.0")).await;
    play.end().await;
    assert_snapshot!(told.ending(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_spec_that_does_not_fit_the_definition_is_refused() {
    let spec = json!({ "version": 0.0, "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties":
        { "TaskDefinition": "x", "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 } } } }] });
    let action = Action::deploy("1.1.0").file("appspec.json", &spec.to_string()).with("codedeploy-appspec", "appspec.json");
    assert_snapshot!(refused_by_codedeploy(action).await, @"");
}
