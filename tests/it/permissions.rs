//! What IAM denies: reads that only serve a check limit it, and everything the official actions
//! can do works with their policy.

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
    story.stage(|options| {
        options.allowed = OFFICIAL.iter().map(|action| (*action).to_owned()).collect();
    })
}

/// As a user of the official actions has it: everything from files.
fn from_files() -> Action {
    let definition = definition("$REGISTRY/app:1.1.0").to_string();
    Action::to_service()
        .file("task.json", &definition)
        .with("task-definition", "task.json")
}

fn denied(actions: &[&str]) -> Story {
    Story::codedeploy().stage(|options| {
        options.denied = actions.iter().map(|action| (*action).to_owned()).collect();
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_policy_is_enough_for_a_codedeploy_deployment() {
    let group = ecs_bluegreen_sim::GroupOptions {
        ready_wait_minutes: None,
        ..ecs_bluegreen_sim::GroupOptions::default()
    };
    let mut play = officially(Story::group(group))
        .begin()
        .await
        .push_version("1.1.0")
        .await;
    let run = play
        .act(
            from_files()
                .file("appspec.json", APP_SPEC)
                .with("codedeploy-appspec", "appspec.json"),
        )
        .await;
    play.end().await;
    // Whether green's tasks are first asked for while they come up or later is a matter of
    // milliseconds.
    assert_eq!(
        run.log_with("ecs:ListTasks").lines().count(),
        1,
        "{}",
        run.text()
    );
    let text = run.text();
    let text = text
        .lines()
        .filter(|line| !line.contains("ecs:ListTasks"))
        .collect::<Vec<_>>()
        .join("\n");
    assert_snapshot!(text, @"
    exit code 0
    ---
    Deploying 3f786850e387550fdab836ed7e6dc881de23001b to api on prod, eu-central-1 (run [run])
    ::group::Survey
    ::warning title=a check is limited::A definition that has not changed is registered again, and what changes is not shown. Allow ecs:DescribeTaskDefinition to have it. (ecs:DescribeTaskDefinition is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeTaskDefinition on resource: * because no identity-based policy allows the ecs:DescribeTaskDefinition action)
    ::warning title=a check is limited::A deployment that runs already is only noticed when CodeDeploy refuses ours. Allow codedeploy:ListDeployments to have it. (codedeploy:ListDeployments is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:ListDeployments on resource: arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api because no identity-based policy allows the codedeploy:ListDeployments action)
    ::warning title=a check is limited::Where traffic goes is taken from ECS, not from the load balancer. Allow elasticloadbalancing:DescribeRules to have it. (elasticloadbalancing:DescribeRules is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: elasticloadbalancing:DescribeRules on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeRules action)
    Not looked at before the start: roles (iam:GetRole is denied), parameters (ssm:GetParameters is denied), log groups (logs:DescribeLogGroups is denied)
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      the group shifts traffic as soon as green is up
      CodeDeploy shifts traffic with CodeDeployDefault.ECSAllAtOnce
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Traffic
    ::warning title=a check is limited::Traffic weights and task counts are not shown while waiting. Allow codedeploy:GetDeploymentTarget to have it. (codedeploy:GetDeploymentTarget is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:GetDeploymentTarget on resource: * because no identity-based policy allows the codedeploy:GetDeploymentTarget action)
    production: 100 % on green (api:2), observed at the service's task sets
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::warning title=a check is limited::Whether green stays healthy is not checked. Allow elasticloadbalancing:DescribeTargetHealth to have it. (elasticloadbalancing:DescribeTargetHealth is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: elasticloadbalancing:DescribeTargetHealth on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeTargetHealth action)
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    what was deployed is not recorded on the service, so mode: drift cannot compare with it: ecs:DescribeTaskDefinition is denied; allow ecs:DescribeTaskDefinition on * for the role that the job uses (docs/iam.md)

    Green serves 100 % of production: api:2 (observed at the service's task sets).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_policy_is_enough_for_a_rolling_service() {
    let mut play = officially(Story::rolling(RollingOptions::default()))
        .begin()
        .await
        .push_version("1.1.0")
        .await;
    let run = play.act(from_files()).await;
    play.end().await;
    // How soon tasks are asked for is a matter of milliseconds.
    let ending = run.ending();
    let ending = ending
        .lines()
        .filter(|line| !line.contains("ecs:ListTasks"))
        .collect::<Vec<_>>()
        .join("\n");
    assert_snapshot!(ending, @"
    exit code 0
    ---
    ::warning title=a check is limited::A definition that has not changed is registered again, and what changes is not shown. Allow ecs:DescribeTaskDefinition to have it. (ecs:DescribeTaskDefinition is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeTaskDefinition on resource: * because no identity-based policy allows the ecs:DescribeTaskDefinition action)
    ::warning title=a check is limited::Whether green stays healthy is not checked. Allow elasticloadbalancing:DescribeTargetHealth to have it. (elasticloadbalancing:DescribeTargetHealth is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: elasticloadbalancing:DescribeTargetHealth on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeTargetHealth action)
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_policy_is_enough_for_a_one_off_task() {
    let mut play = officially(Story::rolling(RollingOptions::default()))
        .begin()
        .await
        .push_version("1.1.0")
        .await;
    let run = play
        .act(from_files().with("run-task", "true").with(
            "run-task-container-overrides",
            r#"[{"name":"app","command":["migrate"]}]"#,
        ))
        .await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    ::warning title=a check is limited::A definition that has not changed is registered again, and what changes is not shown. Allow ecs:DescribeTaskDefinition to have it. (ecs:DescribeTaskDefinition is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeTaskDefinition on resource: * because no identity-based policy allows the ecs:DescribeTaskDefinition action)
    ::warning title=a check is limited::One-off tasks that other runs have started at the same time, or an earlier attempt of this run, are not noticed. Allow ecs:ListTasks to have it. (ecs:ListTasks is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:ListTasks on resource: arn:aws:ecs:eu-central-1:123456789012:container-instance/prod/* because no identity-based policy allows the ecs:ListTasks action)
    ::warning title=a check is limited::Whether green stays healthy is not checked. Allow elasticloadbalancing:DescribeTargetHealth to have it. (elasticloadbalancing:DescribeTargetHealth is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: elasticloadbalancing:DescribeTargetHealth on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeTargetHealth action)
    ---
    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_only_serve_a_check_limit_it_and_the_deployment_succeeds() {
    let story = denied(&[
        "codedeploy:GetDeploymentTarget",
        "codedeploy:ListDeployments",
        "elasticloadbalancing:*",
        "cloudwatch:*",
        "ecs:DescribeTaskDefinition",
        "logs:*",
    ]);
    let mut play = story.begin().await.push_version("1.1.0").await;
    let run = play.act(from_files()).await;
    play.end().await;
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Deploying 3f786850e387550fdab836ed7e6dc881de23001b to api on prod, eu-central-1 (run [run])
    ::group::Survey
    ::warning title=a check is limited::A definition that has not changed is registered again, and what changes is not shown. Allow ecs:DescribeTaskDefinition to have it. (ecs:DescribeTaskDefinition is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeTaskDefinition on resource: * because no identity-based policy allows the ecs:DescribeTaskDefinition action)
    ::warning title=a check is limited::A deployment that runs already is only noticed when CodeDeploy refuses ours. Allow codedeploy:ListDeployments to have it. (codedeploy:ListDeployments is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:ListDeployments on resource: arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api because no identity-based policy allows the codedeploy:ListDeployments action)
    ::warning title=a check is limited::Alarms that are in ALARM before the start are not noticed. Allow cloudwatch:DescribeAlarms to have it. (cloudwatch:DescribeAlarms is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: cloudwatch:DescribeAlarms on resource: * because no identity-based policy allows the cloudwatch:DescribeAlarms action)
    ::warning title=a check is limited::Where traffic goes is taken from ECS, not from the load balancer. Allow elasticloadbalancing:DescribeRules to have it. (elasticloadbalancing:DescribeRules is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: elasticloadbalancing:DescribeRules on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeRules action)
    Not looked at before the start: log groups (logs:DescribeLogGroups is denied)
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    ::warning title=a check is limited::Green's target health is not shown. Allow elasticloadbalancing:DescribeTargetHealth to have it. (elasticloadbalancing:DescribeTargetHealth is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: elasticloadbalancing:DescribeTargetHealth on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeTargetHealth action)
    ::warning title=a check is limited::Traffic weights and task counts are not shown while waiting. Allow codedeploy:GetDeploymentTarget to have it. (codedeploy:GetDeploymentTarget is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:GetDeploymentTarget on resource: * because no identity-based policy allows the codedeploy:GetDeploymentTarget action)
    green is registered in target group api-2, health not read
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the service's task sets
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    what was deployed is not recorded on the service, so mode: drift cannot compare with it: ecs:DescribeTaskDefinition is denied; allow ecs:DescribeTaskDefinition on * for the role that the job uses (docs/iam.md)

    Green serves 100 % of production: api:2 (observed at the service's task sets).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the service's task sets).**

    | | |
    |---|---|
    | Version | <code>3f786850e387550fdab836ed7e6dc881de23001b</code> |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | green, observed at the service's task sets |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✓ | Traffic | [time] | green serves 100 % |
    | ✓ | Bake | [time] | the rollout is over, blue is gone |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Notes

    - Limited: a definition that has not changed is registered again, and what changes is not shown. To have it, allow <code>ecs:DescribeTaskDefinition</code>.
    - Limited: a deployment that runs already is only noticed when CodeDeploy refuses ours. To have it, allow <code>codedeploy:ListDeployments</code>.
    - Limited: alarms that are in ALARM before the start are not noticed. To have it, allow <code>cloudwatch:DescribeAlarms</code>.
    - Limited: green's target health is not shown. To have it, allow <code>elasticloadbalancing:DescribeTargetHealth</code>.
    - Limited: traffic weights and task counts are not shown while waiting. To have it, allow <code>codedeploy:GetDeploymentTarget</code>.
    - Limited: where traffic goes is taken from ECS, not from the load balancer. To have it, allow <code>elasticloadbalancing:DescribeRules</code>.

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_needed_and_denied_names_the_action_and_the_resource() {
    assert_snapshot!(denied(&["ecs:DescribeServices"]).run(Action::deploy("1.1.0")).await.text(), @"
    exit code 2
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✗ Survey ([time])
    Nothing was touched: the inputs have a problem
    ::error title=input refused::aws: ecs:DescribeServices is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:DescribeServices on resource: arn:aws:ecs:eu-central-1:123456789012:service/prod/api because no identity-based policy allows the ecs:DescribeServices action
      hint: allow ecs:DescribeServices on arn:aws:ecs:eu-central-1:123456789012:service/prod/api for the role that the job uses (docs/iam.md)
    ---
    duration-seconds=[n]
    outcome=refused
    reason=invalid-inputs
    rolled-back=false
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_registration_leaves_everything_as_it_was() {
    assert_snapshot!(denied(&["ecs:RegisterTaskDefinition"]).run(Action::deploy("1.1.0")).await.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::the task definition could not be registered
      Caused by: ecs:RegisterTaskDefinition is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: ecs:RegisterTaskDefinition on resource: * because no identity-based policy allows the ecs:RegisterTaskDefinition action
      hint: allow ecs:RegisterTaskDefinition on * for the role that the job uses (docs/iam.md)
    Outcome: not-deployed (denied), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition → AccessDeniedException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_be_passed_is_named() {
    assert_snapshot!(denied(&["iam:PassRole"]).run(Action::deploy("1.1.0")).await.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::the task definition could not be registered
      Caused by: ecs:RegisterTaskDefinition is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/execution because no identity-based policy allows the iam:PassRole action
      hint: allow iam:PassRole on arn:aws:iam::123456789012:role/execution for the role that the job uses (docs/iam.md)
    Outcome: not-deployed (denied), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition → AccessDeniedException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_deployment_takes_the_revision_back() {
    assert_snapshot!(denied(&["codedeploy:CreateDeployment"]).run(Action::deploy("1.1.0")).await.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (denied)::CodeDeploy did not create the deployment
      Caused by: codedeploy:CreateDeployment is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:CreateDeployment on resource: arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api because no identity-based policy allows the codedeploy:CreateDeployment action
      hint: allow codedeploy:CreateDeployment on arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:AppECS-prod-api/DgpECS-prod-api for the role that the job uses (docs/iam.md)
    Outcome: not-deployed (denied), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment → AccessDeniedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_we_may_not_open_is_left_to_whoever_may_until_it_expires() {
    let group = ecs_bluegreen_sim::GroupOptions {
        ready_wait_minutes: Some(1),
        ..ecs_bluegreen_sim::GroupOptions::default()
    };
    let story = Story::group(group)
        .stage(|options| options.denied = vec!["codedeploy:ContinueDeployment".to_owned()]);
    assert_snapshot!(story.run(Action::deploy_tested("1.1.0")).await.ending(), @"
    exit code 20
    ---
    ::warning title=a check is limited::The gate is left to whoever may continue the deployment. Allow codedeploy:ContinueDeployment to have it. (codedeploy:ContinueDeployment is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:ContinueDeployment on resource: * because no identity-based policy allows the codedeploy:ContinueDeployment action)
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (timeout)::the gate of deployment [deployment 1] expired before it was opened
      Caused by: The deployment timed out while waiting for traffic rerouting to be continued.
      hint: let the gate wait longer, or let the smoke tests give up sooner
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (timeout), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment → AccessDeniedException
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_is_denied_is_stuck_and_prints_the_command() {
    let run = denied(&["codedeploy:StopDeployment"])
        .run(Action::deploy_tested_by("1.2.0", &["health"]))
        .await;
    assert_snapshot!(run.ending(), @r#"
    exit code 40
    ---
    Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); CodeDeploy deployment [deployment 1] could not be undone: a person is needed.
    ::error title=stuck (smoke-failed)::smoke test "health" failed on green (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
    ::error title=stuck::not undone: CodeDeploy deployment [deployment 1]: the deployment could not be stopped
      Caused by: codedeploy:StopDeployment is denied: User: arn:aws:sts::123456789012:assumed-role/github-actions/deploy is not authorized to perform: codedeploy:StopDeployment on resource: * because no identity-based policy allows the codedeploy:StopDeployment action
      hint: by hand: aws deploy stop-deployment --deployment-id [deployment 1] --auto-rollback-enabled (docs/stuck.md)
      hint: allow codedeploy:StopDeployment on * for the role that the job uses (docs/iam.md)
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (smoke-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment → AccessDeniedException
    "#);
}
