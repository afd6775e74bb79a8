//! Each action of IAM that rollouts of ECS's own need, denied once.

use ecs_bluegreen_sim::{Fault, FaultKind};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::ecs::{assert_finished, assert_serves};
use crate::harness::{Action, Incident, Story, When};

fn denied(action: &str) -> Story {
    Story::blue_green().stage(|options| options.denied = vec![action.to_owned()])
}

async fn run_refused(action: &str) -> String {
    let mut play = denied(action).begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert!(
        run.code != Some(0) && run.log.join("\n").contains(action),
        "the action is named: {}",
        run.log.join("\n")
    );
    run.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_listing_deployments_nothing_is_touched() {
    assert_snapshot!(run_refused("ecs:ListServiceDeployments").await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::aws: ecs:ListServiceDeployments is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:ListServiceDeployments on resource: arn:aws:ecs:eu-central-1:123456789012:service/prod/api because no identity-based policy allows the ecs:ListServiceDeployments action
      hint: allow ecs:ListServiceDeployments on arn:aws:ecs:eu-central-1:123456789012:service/prod/api for the role that the job uses (docs/iam.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_reading_service_revisions_nothing_is_touched() {
    assert_snapshot!(run_refused("ecs:DescribeServiceRevisions").await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::aws: ecs:DescribeServiceRevisions is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeServiceRevisions on resource: arn:aws:ecs:eu-central-1:123456789012:service-revision/prod/api/[id] because no identity-based policy allows the ecs:DescribeServiceRevisions action
      hint: allow ecs:DescribeServiceRevisions on arn:aws:ecs:eu-central-1:123456789012:service-revision/prod/api/[id] for the role that the job uses (docs/iam.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_reading_deployments_the_action_is_named_and_nobody_reaches_green() {
    let mut play = denied("ecs:DescribeServiceDeployments").begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_ne!(run.code, Some(0));
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::aws: ecs:DescribeServiceDeployments is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeServiceDeployments on resource: arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] because no identity-based policy allows the ecs:DescribeServiceDeployments action
      hint: allow ecs:DescribeServiceDeployments on arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] for the role that the job uses (docs/iam.md)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_continuing_the_gate_is_left_to_whoever_may_open_it() {
    let open = json!({ "serviceDeploymentArn": "$ARN", "hookId": "$HOOK", "action": "CONTINUE" });
    // One call only is denied: the stage cannot distinguish our role from the role of the person
    // who opens the gate.
    let mut play = Story::blue_green()
        .fault(Fault::on_first_call(
            "ContinueServiceDeployment",
            FaultKind::Denied,
        ))
        .begin()
        .await;
    let action = Action::deploy_tested("1.1.0").without("production-url");
    let run = play
        .act(action.on_incident(
            When::Line("is left to whoever may continue"),
            Incident::Call("ecs.ContinueServiceDeployment", open),
        ))
        .await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    ::warning title=a check is limited::The gate is left to whoever may continue the deployment. Allow ecs:ContinueServiceDeployment to have it. (ecs:ContinueServiceDeployment is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:ContinueServiceDeployment on resource: arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] because no identity-based policy allows the ecs:ContinueServiceDeployment action)
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment → AccessDeniedException
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stopping_a_failed_test_is_answered_with_a_rollback_at_the_gate() {
    let mut play = denied("ecs:StopServiceDeployment").begin().await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health"]))
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_eq!((run.code, run.output("outcome")), (Some(20), "rolled-back"));
    let answered = run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:ContinueServiceDeployment")
        .expect("an answer");
    assert_eq!(answered.request["action"], "ROLLBACK");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stopping_or_answering_a_failed_test_leaves_it_stuck_with_the_command_to_run() {
    let both = ["ecs:StopServiceDeployment", "ecs:ContinueServiceDeployment"].map(str::to_owned);
    let mut play = Story::blue_green()
        .stage(|options| options.denied = both.to_vec())
        .begin()
        .await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health"]))
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_eq!((run.code, run.output("outcome")), (Some(40), "stuck"));
    assert_snapshot!(run.ending(), @r#"
    exit code 40
    ---
    Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); service deployment [service deployment] could not be undone: a person is needed.
    ::error title=stuck (smoke-failed)::smoke test "health" failed on green (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
    ::error title=stuck::not undone: service deployment [service deployment]: the service deployment could not be stopped
      Caused by: ecs:StopServiceDeployment is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:StopServiceDeployment on resource: arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] because no identity-based policy allows the ecs:StopServiceDeployment action
      hint: allow ecs:StopServiceDeployment on arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] for the role that the job uses (docs/iam.md)
      hint: by hand: aws ecs stop-service-deployment --service-deployment-arn arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment] --stop-type ROLLBACK (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: stuck (smoke-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment → AccessDeniedException
    ecs:ContinueServiceDeployment → AccessDeniedException
    ecs:UpdateService
    "#);
}
