//! The operations that stand beside the rollouts: tasks, logs, images, the load balancer,
//! identity.

use ecs_bluegreen_sim::{Controller, GroupOptions, StageOptions};
use serde_json::{Value, json};

use crate::harness::Play;

async fn stage() -> Play {
    Play::with(
        Controller::CodeDeploy(GroupOptions::default()),
        StageOptions::default(),
    )
    .await
}

fn run_task(command: &[&str]) -> Value {
    json!({ "cluster": "prod", "taskDefinition": "api", "clientToken": "once", "startedBy": "test",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
        "overrides": { "containerOverrides": [{ "name": "app", "command": command }] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_once_per_client_token_and_leaves_its_exit_code_and_its_log() {
    let play = stage().await;
    let first = play
        .ask("ecs.RunTask", run_task(&["migrate", "--fail"]))
        .await;
    let again = play
        .ask("ecs.RunTask", run_task(&["migrate", "--fail"]))
        .await;
    assert_eq!(first["tasks"][0]["taskArn"], again["tasks"][0]["taskArn"]);
    let arn = first["tasks"][0]["taskArn"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    let asked = json!({ "cluster": "prod", "tasks": [arn] });
    let over = play
        .until("ecs.DescribeTasks", asked, |answer| {
            answer["tasks"][0]["lastStatus"] == "STOPPED"
        })
        .await;
    assert_eq!(
        over["tasks"][0]["stoppedReason"],
        "Essential container in task exited"
    );
    assert_eq!(over["tasks"][0]["containers"][0]["exitCode"], 3);
    let stream = format!("ecs/app/{}", arn.rsplit('/').next().expect("an id"));
    let log = play
        .ask(
            "logs.GetLogEvents",
            json!({ "logGroupName": "/ecs/api", "logStreamName": stream, "startFromHead": true }),
        )
        .await;
    assert!(
        log["events"]
            .as_array()
            .is_some_and(|events| !events.is_empty()),
        "{log}"
    );
    let missing = json!({ "logGroupName": "/ecs/api", "logStreamName": "ecs/app/none" });
    assert_eq!(
        play.refused("logs.GetLogEvents", missing).await,
        "ResourceNotFoundException"
    );
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_task_says_who_stopped_it() {
    let play = stage().await;
    let started = play.ask("ecs.RunTask", run_task(&[])).await;
    let arn = started["tasks"][0]["taskArn"].clone();
    let asked = json!({ "cluster": "prod", "tasks": [arn] });
    play.until("ecs.DescribeTasks", asked.clone(), |answer| {
        answer["tasks"][0]["lastStatus"] == "RUNNING"
    })
    .await;
    play.ask(
        "ecs.StopTask",
        json!({ "cluster": "prod", "task": arn, "reason": "enough" }),
    )
    .await;
    let over = play
        .until("ecs.DescribeTasks", asked, |answer| {
            answer["tasks"][0]["lastStatus"] == "STOPPED"
        })
        .await;
    assert_eq!(over["tasks"][0]["stopCode"], "UserInitiated");
    assert_eq!(over["tasks"][0]["stoppedReason"], "enough");
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_answers_to_the_token_and_to_ecr() {
    let play = stage().await;
    let token = play.ask("ecr.GetAuthorizationToken", json!({})).await;
    assert_eq!(
        token["authorizationData"][0]["proxyEndpoint"],
        json!(play.stage.registry_endpoint())
    );
    let images = play
        .ask("ecr.DescribeImages", json!({ "repositoryName": "app" }))
        .await;
    assert_eq!(images["imageDetails"].as_array().map(Vec::len), Some(3));
    let wanted = json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "1.0.0" }, { "imageTag": "none" }] });
    let got = play.ask("ecr.BatchGetImage", wanted).await;
    assert_eq!(got["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    assert_eq!(
        play.refused("ecr.DescribeImages", json!({ "repositoryName": "nope" }))
            .await,
        "RepositoryNotFoundException"
    );
    play.ask(
        "ecr.DescribeRepositories",
        json!({ "repositoryNames": ["app"] }),
    )
    .await;
    play.stage.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_services_answer() {
    let play = stage().await;
    for action in [
        "DescribeListeners",
        "DescribeTargetGroups",
        "DescribeLoadBalancers",
    ] {
        let answered = query(&play, &format!("Action={action}&Version=2015-12-01")).await;
        assert!(
            answered.contains(&format!("<{action}Result>")),
            "{answered}"
        );
    }
    let identity = query(&play, "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(
        identity.contains("<Account>123456789012</Account>"),
        "{identity}"
    );
    // {"aud":"sts.amazonaws.com","sub":"repo:org/repo:environment:production"}
    let claims = "eyJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbSIsInN1YiI6InJlcG86b3JnL3JlcG86ZW52aXJvbm1lbnQ6cHJvZHVjdGlvbiJ9";
    let token = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/deploy\
        &RoleSessionName=session&WebIdentityToken=a.{claims}.c"
    );
    assert!(query(&play, &token).await.contains("<SessionToken>"));
    let groups = query(
        &play,
        "Action=DescribeTargetGroups&Version=2015-12-01&Names.member.1=api-1",
    )
    .await;
    let arn = groups
        .split("<TargetGroupArn>")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("an ARN");
    let health = query(
        &play,
        &format!("Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn={arn}"),
    )
    .await;
    assert!(health.contains("<State>healthy</State>"), "{health}");
    play.stage.shutdown().await;
}

async fn query(play: &Play, form: &str) -> String {
    let header = [("content-type", "application/x-www-form-urlencoded")];
    let answered = play
        .try_send(&header, form.to_owned())
        .await
        .expect("an answer");
    answered.body.as_str().expect("XML").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_refused_as_aws_refuses_it() {
    let play = stage().await;
    let missing = play
        .ask(
            "ecs.DescribeServices",
            json!({ "cluster": "prod", "services": ["nope"] }),
        )
        .await;
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
    let table = [
        (
            "ecs.DescribeServices",
            json!({ "cluster": "other", "services": ["api"] }),
            "ClusterNotFoundException",
        ),
        (
            "ecs.DescribeTaskDefinition",
            json!({ "taskDefinition": "nope" }),
            "ClientException",
        ),
        (
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "nope" }),
            "ServiceNotFoundException",
        ),
        (
            "ecs.UpdateService",
            json!({ "cluster": "prod", "service": "api", "taskDefinition": "api:1" }),
            "InvalidParameterException",
        ),
        (
            "ecs.RegisterTaskDefinition",
            json!({ "family": "x" }),
            "ClientException",
        ),
        (
            "ecs.RegisterTaskDefinition",
            json!({ "family": 5, "containerDefinitions": [] }),
            "SerializationException",
        ),
        (
            "ecs.DescribeNothing",
            json!({}),
            "UnknownOperationException",
        ),
        (
            "codedeploy.GetDeployment",
            json!({ "deploymentId": "d-NOPE" }),
            "DeploymentDoesNotExistException",
        ),
        (
            "codedeploy.GetDeployment",
            json!({}),
            "DeploymentIdRequiredException",
        ),
        (
            "codedeploy.GetDeploymentGroup",
            json!({ "applicationName": "AppECS-prod-api", "deploymentGroupName": "x" }),
            "DeploymentGroupDoesNotExistException",
        ),
    ];
    for (operation, body, code) in table {
        assert_eq!(play.refused(operation, body).await, code, "{operation}");
    }
    assert_eq!(
        play.stage.unknown_operations().get("ecs:DescribeNothing"),
        Some(&1)
    );
    play.stage.shutdown().await;
}
