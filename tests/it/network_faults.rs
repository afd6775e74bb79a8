//! AWS on a bad day: throttling, failures, silence, credentials that expire.

use ecs_bluegreen_sim::{Fault, FaultKind};
use insta::assert_snapshot;

use crate::harness::{Action, Incident, Story, When};

fn fault_at(operation: &str, nth: u64, times: u64, kind: FaultKind) -> Fault {
    Fault {
        operation: operation.to_owned(),
        nth,
        times,
        kind,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_calls_are_made_later_and_nothing_is_done_twice() {
    let mut story = Story::codedeploy()
        .fault(fault_at("GetDeployment", 2, 3, FaultKind::Throttled))
        .fault(fault_at("DescribeServices", 1, 1, FaultKind::Throttled));
    for mutation in [
        "RegisterTaskDefinition",
        "CreateDeployment",
        "ContinueDeployment",
    ] {
        story = story.fault(Fault::on_first_call(mutation, FaultKind::Throttled));
    }
    assert_snapshot!(story.run(Action::deploy_tested("1.1.0")).await.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition → ThrottlingException
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → ThrottlingException
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment → ThrottlingException
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn max_retries_holds_for_throttled_writes_too_and_not_for_what_is_undone() {
    let story = Story::codedeploy()
        .fault(fault_at(
            "CreateDeployment",
            1,
            u64::MAX,
            FaultKind::Throttled,
        ))
        .fault(fault_at(
            "DeregisterTaskDefinition",
            1,
            2,
            FaultKind::Throttled,
        ));
    assert_snapshot!(story.run(Action::deploy_tested("1.1.0").with("max-retries", "2")).await.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (aws-failed)::CodeDeploy did not create the deployment
      Caused by: codedeploy:CreateDeployment is throttled: Rate exceeded
      hint: AWS limits the account's request rate: run fewer deployments at once, or raise poll-interval
    Outcome: not-deployed (aws-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → ThrottlingException
    codedeploy:CreateDeployment → ThrottlingException
    ecs:DeregisterTaskDefinition → ThrottlingException
    ecs:DeregisterTaskDefinition → ThrottlingException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_fail_for_a_while_are_only_waited_out() {
    let story = Story::codedeploy()
        .fault(fault_at("GetDeployment", 2, 4, FaultKind::InternalError))
        .fault(fault_at(
            "GetDeploymentTarget",
            1,
            3,
            FaultKind::InternalError,
        ));
    assert_snapshot!(story.run(Action::deploy_tested("1.1.0")).await.ending(), @"
    exit code 0
    ---
    ::warning title=a check is limited::Traffic weights and task counts are not shown while waiting. (codedeploy:GetDeploymentTarget: AWS failed: Service Unavailable. Please try again later. (InternalFailure))
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_never_answers_does_not_hang_the_job() {
    let story = Story::codedeploy().fault(fault_at("GetDeployment", 3, 1, FaultKind::Hangs));
    assert_snapshot!(story.run(Action::deploy("1.1.0")).await.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_reads_delay_and_mislead_nobody() {
    let story = Story::codedeploy()
        .fault(fault_at("DescribeServices", 2, 2, FaultKind::StaleRead))
        .fault(fault_at("DescribeRules", 2, 2, FaultKind::StaleRead));
    assert_snapshot!(story.run(Action::deploy_tested("1.1.0")).await.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_aws_fails_before_the_first_write_nothing_is_touched() {
    let story = Story::codedeploy().fault(Fault::on_every_call(
        "DescribeServices",
        FaultKind::InternalError,
    ));
    assert_snapshot!(story.run(Action::deploy("1.1.0")).await.text(), @"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    ecs:DescribeServices: AWS failed: Service Unavailable. Please try again later. (ServerException).

    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (aws-failed)::ecs:DescribeServices: AWS failed: Service Unavailable. Please try again later. (ServerException)
    Outcome: not-deployed (aws-failed), exit code 10, after [time]
    ---
    duration-seconds=[n]
    outcome=not-deployed
    reason=aws-failed
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_aws_fails_without_effect_is_made_once_more() {
    let story = Story::codedeploy().fault(Fault::on_first_call(
        "CreateDeployment",
        FaultKind::InternalError,
    ));
    assert_snapshot!(story.run(Action::deploy("1.1.0")).await.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → InternalFailure
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_expire_in_the_middle_are_stuck_until_the_post_step_has_new_ones() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let expired = Incident::Fault(Fault::on_every_call("*", FaultKind::ExpiredCredentials));
    let main = play
        .act(
            Action::deploy_tested_slowly("1.1.0")
                .on_incident(When::Line("Smoke tests on green"), expired),
        )
        .await;
    play.stage.clear_faults();
    let post = play.post(&main).await;
    play.end().await;
    assert_snapshot!(format!("{}\n=== post\n{}", main.ending(), post.text()), @"
    exit code 40
    ---
    ::warning title=a check is limited::Where traffic goes is taken from ECS, not from the load balancer. (elasticloadbalancing:DescribeRules: AWS does not accept the credentials: The security token included in the request is expired)
    ::warning title=a check is limited::Where traffic goes is taken from the controller. (ecs:DescribeServices: AWS does not accept the credentials: The security token included in the request is expired)
    ---
    CodeDeploy deployment [deployment 1] could not be undone: a person is needed.
    ::error title=stuck (credentials)::CodeDeploy did not continue the deployment
      Caused by: codedeploy:ContinueDeployment: AWS does not accept the credentials: The security token included in the request is expired
      hint: set role-to-assume, whose session is renewed as long as the run lasts; or run aws-actions/configure-aws-credentials before this step, with a role-duration-seconds that covers the whole deployment; use-instance-profile: true uses those of a self-hosted runner
    ::error title=stuck::not undone: CodeDeploy deployment [deployment 1]: the deployment could not be stopped
      Caused by: codedeploy:StopDeployment: AWS does not accept the credentials: The security token included in the request is expired
      hint: by hand: aws deploy stop-deployment --deployment-id [deployment 1] --auto-rollback-enabled (docs/stuck.md)
      hint: set role-to-assume, whose session is renewed as long as the run lasts; or run aws-actions/configure-aws-credentials before this step, with a role-duration-seconds that covers the whole deployment; use-instance-profile: true uses those of a self-hosted runner
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (credentials), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment → ExpiredTokenException
    codedeploy:StopDeployment → ExpiredTokenException
    === post
    exit code 0
    ---
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    Post: blue serves 100 %
    ---
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}
