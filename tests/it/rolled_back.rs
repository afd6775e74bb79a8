//! Every way in which a CodeDeploy rollout goes wrong, and that blue serves afterwards.

use ecs_bluegreen_sim::{GroupOptions, ReadyExpiry, RollbackEnding};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::ecs::assert_serves;
use crate::harness::{Action, Incident, Story, When};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_at_the_gate_never_reaches_a_user() {
    let mut play = Story::codedeploy().begin().await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health", "me"]))
        .await;
    assert_serves(&play, "api-1");
    assert!(!play.users().versions.contains_key("1.2.0"));
    play.end().await;
    assert_snapshot!(run.with_summary(), @r#"
    exit code 20
    ---
    Deploying 1.2.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.2.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ me on green: GET /auth/me ([time])
    ✗ health on green: GET /health ([time])
        $.version: expected "1.2.0", found "0.0.0-dev"
    ::endgroup::
    ✗ Smoke tests on green ([time])
    Smoke test "health" failed on green (GET /health, [n] attempts).
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "health" failed on green (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    --- summary
    ## ↩ rolled-back (smoke-failed): <code>api</code> on <code>prod</code>

    **Blue serves 100 % of production&#58; api&#58;1 (observed at the load balancer's listeners).**

    ### Why

    - **smoke test "health" failed on green (GET /health, [n] attempts)**
      - \$.version&#58; expected "1.2.0", found "0.0.0-dev"
      - the answer began&#58; {"status"&#58;"ok","version"&#58;"0.0.0-dev","time"&#58;"[time]"}
    - What to do: users never reached this version; fix it, or the test, and deploy again

    | | |
    |---|---|
    | Version | <code>1.2.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.2.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, rolled back: <code>api:1</code> serves |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | blue, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✗ | Smoke tests on green | [time] |  |
    | ✓ | Rollback | [time] | blue serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✓ | me | green | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✗ | health | green | <code>GET /health</code> | [time] | [n] | \$.version&#58; expected "1.2.0", found "0.0.0-dev" |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_on_production_is_taken_back_after_the_shift() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let run = play
        .act(
            Action::deploy_tested("1.3.0")
                .with("environment-variables", "APP_PRODUCTION_PORT=$PORT"),
        )
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_snapshot!(run.with_summary(), @r#"
    exit code 20
    ---
    Deploying 1.3.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.3.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
      containerDefinitions[app].environment[APP_PRODUCTION_PORT].value (new)
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✓ google login on green: GET /auth/google/login ([time])
    ✓ health on green: GET /health ([time])
    ✓ me on green: GET /auth/me ([time])
    ✓ session on green: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on green: 4 passed ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ✗ google login on production: GET /auth/google/login ([time])
        redirect query redirect_uri: expected https://app.example.com/auth/google/callback, found https://app.example.com:[port]/auth/google/callback
    ::endgroup::
    ✗ Smoke tests on production ([time])
    Smoke test "google login" failed on production (GET /auth/google/login, [n] attempts).
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "google login" failed on production (GET /auth/google/login, [n] attempts)
      Caused by: redirect query redirect_uri: expected https://app.example.com/auth/google/callback, found https://app.example.com:[port]/auth/google/callback
      hint: green passed at the gate, so look at what differs behind the production listener: host names, ports, cookies, redirects
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    --- summary
    ## ↩ rolled-back (smoke-failed): <code>api</code> on <code>prod</code>

    **Blue serves 100 % of production&#58; api&#58;1 (observed at the load balancer's listeners).**

    ### Why

    - **smoke test "google login" failed on production (GET /auth/google/login, [n] attempts)**
      - redirect query redirect\_uri&#58; expected <code>https&#58;<!-- -->//app.example.com/auth/google/callback</code>, found <code>https&#58;<!-- -->//app.example.com:[port]/auth/google/callback</code>
    - What to do: green passed at the gate, so look at what differs behind the production listener&#58; host names, ports, cookies, redirects

    | | |
    |---|---|
    | Version | <code>1.3.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.3.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, rolled back: <code>api:1</code> serves |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | blue, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✓ | Smoke tests on green | [time] | 4 passed |
    | ✓ | Traffic | [time] | green serves 100 % |
    | ✗ | Smoke tests on production | [time] |  |
    | ✓ | Rollback | [time] | blue serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✓ | google login | green | <code>GET /auth/google/login</code> | [time] | [n] |  |
    | ✓ | health | green | <code>GET /health</code> | [time] | [n] |  |
    | ✓ | me | green | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✓ | session | green | <code>POST /auth/session</code> | [time] | [n] |  |
    | ✓ | health | production | <code>GET /health</code> | [time] | [n] |  |
    | ✓ | me | production | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✓ | session | production | <code>POST /auth/session</code> | [time] | [n] |  |
    | ✗ | google login | production | <code>GET /auth/google/login</code> | [time] | [n] | redirect query redirect\_uri&#58; expected <code>https&#58;<!-- -->//app.example.com/auth/google/callback</code>, found <code>https&#58;<!-- -->//app.example.com:[port]/auth/google/callback</code> |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]
    containerDefinitions&#91;app].environment&#91;APP&#95;PRODUCTION&#95;PORT].value (new)</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_crashes_is_given_up_with_its_last_words() {
    let mut play = Story::codedeploy().begin().await;
    let run = play.act(Action::deploy_tested("1.4.0")).await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_snapshot!(run.with_summary(), @r#"
    exit code 20
    ---
    Deploying 1.4.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.4.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    ::endgroup::
    ✗ Green ([time])
    Green does not become healthy: [n] of its tasks have failed.
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Succeeded
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: CodeDeploy deployment [deployment 1]
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (tasks-unhealthy)::green does not become healthy: [n] of its tasks have failed
      Caused by: Essential container in task exited
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=tasks-unhealthy
    registry=[registry]
    rolled-back=true
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    --- summary
    ## ↩ rolled-back (tasks-unhealthy): <code>api</code> on <code>prod</code>

    **Blue serves 100 % of production&#58; api&#58;1 (observed at the load balancer's listeners).**

    ### Why

    - **green does not become healthy&#58; [n] of its tasks have failed**
      - Essential container in task exited
    - What to do: fix what the containers stopped for; where none stopped by itself, look at the health checks&#58; path, port, expected codes, grace period

    | | |
    |---|---|
    | Version | <code>1.4.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.4.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, rolled back: <code>api:1</code> serves |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
    | Production traffic | blue, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✗ | Green | [time] |  |
    | ✓ | Rollback | [time] | blue serves 100 % |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Stopped containers

    <code>app</code> in task <code>[task]</code>: exit code 1. Essential container in task exited

    <pre>{"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}</pre>

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_during_the_shift_brings_blue_back() {
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").on_incident(When::State("api-1=90"), Incident::Alarm))
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (alarm)::an alarm of the deployment group went into ALARM: errors (Set on the stage)
      Caused by: One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped. Activated alarms: <errors>
      hint: look at what the alarm measures while green served traffic
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (alarm), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_somebody_else_stops_is_rolled_back_and_the_reason_says_so() {
    let stop = Incident::Call(
        "codedeploy.StopDeployment",
        json!({ "deploymentId": "$DEPLOYMENT", "autoRollbackEnabled": true }),
    );
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").on_incident(When::State("api-1=90"), stop))
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (stopped)::deployment [deployment 1] was stopped by somebody else
      Caused by: The deployment was stopped manually.
      hint: ask who stopped it, in the deployment's console page or in CloudTrail
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (stopped), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

/// A gate that closes before the tests are done.
async fn expired(expiry: ReadyExpiry) -> String {
    let group = GroupOptions {
        ready_wait_minutes: Some(1),
        auto_rollback: vec!["DEPLOYMENT_STOP_ON_REQUEST".into()],
        ..GroupOptions::default()
    };
    let mut play = Story::group(group)
        .switches(|switches| switches.ready_expiry = expiry)
        .begin()
        .await;
    let run = play.act(Action::deploy_tested_slowly("1.1.0")).await;
    assert_serves(&play, "api-1");
    play.end().await;
    run.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_expires_before_the_tests_are_done_leaves_blue_serving() {
    assert_snapshot!(expired(ReadyExpiry::NoRollback).await, @"
    exit code 20
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
    codedeploy:ContinueDeployment → DeploymentAlreadyCompletedException
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_expires_and_counts_as_a_stop_is_rolled_back_by_codedeploy() {
    assert_snapshot!(expired(ReadyExpiry::AsStop).await, @"
    exit code 20
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
    codedeploy:ContinueDeployment → DeploymentAlreadyCompletedException
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_somebody_else_opens_before_the_tests_means_going_back() {
    let go = Incident::Call(
        "codedeploy.ContinueDeployment",
        json!({ "deploymentId": "$DEPLOYMENT", "deploymentWaitType": "READY_WAIT" }),
    );
    let mut play = Story::codedeploy().in_real_time().begin().await;
    let run = play
        .act(
            Action::deploy_tested("1.1.0")
                .with("poll-interval", "2s")
                .on_incident(When::State("Ready"), go),
        )
        .await;
    assert_serves(&play, "api-1");
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (gate-bypassed)::the gate was opened before the smoke tests had run, by somebody else or by the rollout's own settings
      hint: ask who opened it, in the deployment's console page or in CloudTrail
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (gate-bypassed), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_fails_is_stuck_and_names_the_command() {
    let story =
        Story::codedeploy().switches(|switches| switches.rollback_ending = RollbackEnding::Fails);
    let run = story
        .run(Action::deploy_tested_by("1.2.0", &["health"]))
        .await;
    assert_snapshot!(run.with_summary(), @r#"
    exit code 40
    ---
    Deploying 1.2.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.2.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    ::group::Smoke tests on green
    ✗ health on green: GET /health ([time])
        $.version: expected "1.2.0", found "0.0.0-dev"
    ::endgroup::
    ✗ Smoke tests on green ([time])
    Smoke test "health" failed on green (GET /health, [n] attempts).
    ::group::Rollback
    deployment [deployment 1] is stopped, with rollback
    CodeDeploy rolls back with deployment [deployment 2]
    rollback [deployment 2] is Created
    rollback [deployment 2] is InProgress
    rollback [deployment 2] is Failed
    not undone: CodeDeploy deployment [deployment 1]: rollback [deployment 2] ended Failed
    ::endgroup::
    ✗ Rollback: CodeDeploy deployment [deployment 1] is stuck ([time])

    Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); CodeDeploy deployment [deployment 1] could not be undone: a person is needed.
    ::error title=stuck (smoke-failed)::smoke test "health" failed on green (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
    ::error title=stuck::not undone: CodeDeploy deployment [deployment 1]: rollback [deployment 2] ended Failed
      Caused by: The rollback could not modify the listener. (Error code: AccessDenied) (ELASTIC_LOAD_BALANCING_INVALID)
      hint: look where traffic is and put it right by hand: aws deploy get-deployment --deployment-id [deployment 2] (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (smoke-failed), exit code 40, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=stuck
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    --- summary
    ## ✗ stuck (smoke-failed): <code>api</code> on <code>prod</code>

    **Blue serves 100 % of production, green 0 % (observed at the load balancer's listeners); CodeDeploy deployment [deployment 1] could not be undone&#58; a person is needed.**

    ### Why

    - **smoke test "health" failed on green (GET /health, [n] attempts)**
      - \$.version&#58; expected "1.2.0", found "0.0.0-dev"
      - the answer began&#58; {"status"&#58;"ok","version"&#58;"0.0.0-dev","time"&#58;"[time]"}
    - What to do: users never reached this version; fix it, or the test, and deploy again

    ### Not undone: CodeDeploy deployment [deployment 1]

    - **rollback [deployment 2] ended Failed**
      - The rollback could not modify the listener. (Error code&#58; AccessDenied) (ELASTIC\_LOAD\_BALANCING\_INVALID)
    - What to do: look where traffic is and put it right by hand&#58; aws deploy get-deployment --deployment-id [deployment 2] (docs/stuck.md)

    | | |
    |---|---|
    | Version | <code>1.2.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.2.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✗ | Smoke tests on green | [time] |  |
    | ✗ | Rollback | [time] | CodeDeploy deployment [deployment 1] is stuck |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✗ | health | green | <code>GET /health</code> | [time] | [n] | \$.version&#58; expected "1.2.0", found "0.0.0-dev" |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    "#);
}
