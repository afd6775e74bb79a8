//! Every way in which a rollout of ECS's own goes wrong by itself, and that blue serves afterwards.

use ecs_bluegreen_sim::{AlarmState, Breaker, EcsStrategyOptions, RollbackEnding};
use insta::assert_snapshot;

use crate::harness::ecs::{assert_finished, assert_serves};
use crate::harness::{Action, ActionRun, Incident, Story, When};

/// A version that answers wrongly on production only.
fn wrong_on_production() -> Action {
    Action::deploy_tested("1.3.0").with("environment-variables", "APP_PRODUCTION_PORT=$PORT")
}

/// Ends with everything on blue and nothing of ours left.
async fn taken_back(story: Story, action: Action) -> ActionRun {
    let mut play = story.begin().await;
    let run = play.act(action).await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(20), "rolled-back"),
        "{}",
        run.log.join("\n")
    );
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_at_the_gate_never_reaches_a_user() {
    let mut play = Story::blue_green().begin().await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health", "me"]))
        .await;
    assert_finished(&play, "api-1").await;
    assert!(
        !play
            .users()
            .versions
            .keys()
            .any(|version| version != "1.0.0"),
        "{:?}",
        play.users().versions
    );
    play.end().await;
    assert_snapshot!(run.with_summary(), @r#"
    exit code 20
    ---
    Deploying 1.2.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, blue-green; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (blue-green), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    Deployment started: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
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
    service deployment [service deployment] is stopped, with rollback
    service deployment [service deployment] is ROLLBACK_REQUESTED
    service deployment [service deployment] is ROLLBACK_IN_PROGRESS
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: service deployment [service deployment]
    undone: PAUSE hooks of this run
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "health" failed on green (GET /health, [n] attempts)
      Caused by: $.version: expected "1.2.0", found "0.0.0-dev"
      Caused by: the answer began: {"status":"ok","version":"0.0.0-dev","time":"[time]"}
      hint: users never reached this version; fix it, or the test, and deploy again
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=true
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
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
    | Rollout | <code>[service deployment]</code> (ecs, blue-green) |
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

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_on_production_goes_back_to_a_blue_that_still_runs() {
    let run = taken_back(Story::blue_green(), wrong_on_production()).await;
    assert_snapshot!(run.text(), @r#"
    exit code 20
    ---
    Deploying 1.3.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, blue-green; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (blue-green), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    Deployment started: [service deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
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
    service deployment [service deployment] is stopped, with rollback
    service deployment [service deployment] is ROLLBACK_REQUESTED
    service deployment [service deployment] is ROLLBACK_IN_PROGRESS
    production: 100 % on blue (api:1), observed at the load balancer's listeners
    undone: service deployment [service deployment]
    undone: PAUSE hooks of this run
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (smoke-failed)::smoke test "google login" failed on production (GET /auth/google/login, [n] attempts)
      Caused by: redirect query redirect_uri: expected https://app.example.com/auth/google/callback, found https://app.example.com:[port]/auth/google/callback
      hint: green passed at the gate, so look at what differs behind the production listener: host names, ports, cookies, redirects
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=rolled-back
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=smoke-failed
    registry=[registry]
    rolled-back=true
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn green_that_crashes_is_shown_with_its_containers_causes_and_log() {
    let run = taken_back(Story::blue_green(), Action::deploy_tested("1.4.0")).await;
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (tasks-unhealthy)::green does not become healthy: [n] of its tasks have failed
      Caused by: Essential container in task exited
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_during_a_canary_s_step_takes_it_back() {
    let run = taken_back(
        Story::canary(),
        Action::deploy_tested("1.1.0")
            .on_incident(When::State("prod forwards to api-1=90"), Incident::Alarm),
    )
    .await;
    assert_eq!(run.output("reason"), "alarm");
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (alarm)::an alarm of the service went into ALARM: errors (Set on the stage); ECS is rolling it back
      Caused by: Service deployment rolled back because alarms were detected: errors.
      hint: look at what the alarm measures while green served traffic
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (alarm), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_is_in_alarm_before_the_start_is_refused() {
    let story = Story::canary()
        .stage(|options| options.alarms = [("errors".to_owned(), AlarmState::Alarm)].into());
    let run = story
        .run(Action::deploy_tested("1.1.0").with("alarms", "latency"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::alarms: there is no alarm `latency`
      hint: check its name and aws-region (`eu-central-1`), or create it
    ");
    let story = Story::canary()
        .stage(|options| options.alarms = [("errors".to_owned(), AlarmState::Alarm)].into());
    let run = story.run(Action::deploy_tested("1.1.0")).await;
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (alarm)::errors is already in ALARM, and could not show that green is worse
      Caused by: errors (ALARM since [time]): Set on the stage
      hint: wait until it is OK, or set waive-alarms: errors; what is waived counts again once it was OK
    Outcome: not-deployed (alarm), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_is_in_alarm_before_the_start_and_is_waived_is_told_and_does_not_stop_it() {
    let story = Story::canary()
        .stage(|options| options.alarms = [("errors".to_owned(), AlarmState::Alarm)].into());
    let run = story
        .run(Action::deploy_tested("1.1.0").with("waive-alarms", "errors"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    ::warning title=note::errors is already in ALARM: ECS does not watch a deployment's alarms when one of them is in ALARM at its start; the checks before each step ignore it too
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_expires_while_its_tests_run_is_told_as_that() {
    let story = Story::blue_green().switches(|switches| switches.hook_minute_ms = Some(100));
    let run = taken_back(
        story,
        Action::deploy_tested_slowly("1.1.0").with("deadline", "10m"),
    )
    .await;
    assert_eq!(run.output("reason"), "timeout");
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (timeout)::a gate of service deployment [service deployment] expired before it was opened; ECS is rolling it back
      Caused by: Service deployment rolled back because a lifecycle hook timed out at the stage POST_TEST_TRAFFIC_SHIFT.
      hint: let the gate wait longer, or let the smoke tests give up sooner
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (timeout), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment → InvalidParameterException
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_fails_leaves_it_stuck_and_says_what_serves() {
    let story =
        Story::blue_green().switches(|switches| switches.rollback_ending = RollbackEnding::Fails);
    let mut play = story.begin().await;
    let run = play.act(wrong_on_production()).await;
    assert_serves(&play, "api-2");
    play.end().await;
    assert_eq!((run.code, run.output("outcome")), (Some(40), "stuck"));
    assert_snapshot!(run.ending(), @r#"
    exit code 40
    ---
    Blue serves 0 % of production, green 100 % (observed at the load balancer's listeners); service deployment [service deployment] could not be undone: a person is needed.
    ::error title=stuck (smoke-failed)::smoke test "google login" failed on production (GET /auth/google/login, [n] attempts)
      Caused by: redirect query redirect_uri: expected https://app.example.com/auth/google/callback, found https://app.example.com:[port]/auth/google/callback
      hint: green passed at the gate, so look at what differs behind the production listener: host names, ports, cookies, redirects
    ::error title=stuck::not undone: service deployment [service deployment]: the rollback of service deployment [service deployment] failed
      Caused by: Service deployment rollback failed: the listener could not be modified.
      hint: bring the old revision back: mode: rollback with rollback-to: api:1, or aws ecs update-service --cluster prod --service api --task-definition arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1 (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: stuck (smoke-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment
    ecs:UpdateService
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_that_does_not_roll_back_is_told_as_stopped() {
    let options = EcsStrategyOptions {
        breaker: Breaker::Fail,
        ..EcsStrategyOptions::default()
    };
    let run = taken_back(Story::ecs(options), Action::deploy_tested("1.4.0")).await;
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (tasks-unhealthy)::green did not become healthy in service deployment [service deployment]; ECS stopped it without a rollback
      Caused by: Service deployment failed because the circuit breaker threshold was exceeded.
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment → ConflictException
    ecs:UpdateService
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_has_nothing_to_go_back_to() {
    let story = Story::ecs(EcsStrategyOptions {
        first_deployment: true,
        ..EcsStrategyOptions::default()
    });
    let mut play = story.begin().await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health"]))
        .await;
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
    ::error title=stuck::not undone: service deployment [service deployment]: no deployment of the service ever succeeded: ECS has nothing to go back to, and service deployment [service deployment] stalls
      hint: deploy a version that works: a newer deployment ends the stall; where nothing serves that must stay, aws ecs update-service --cluster prod --service api --desired-count 0 ends it too (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: stuck (smoke-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_says_what_ecs_does_and_when() {
    let mut play = Story::canary().in_real_time().begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").with("deadline", "5s"))
        .await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(30), "still-running")
    );
    assert_snapshot!(run.ending(), @"
    exit code 30
    ---
    The rollout was not over after [time]: service deployment [service deployment] continues; at its next gate ECS waits 1 min and then rolls back.
    ::error title=still-running (timeout)::the rollout was not over after [time]
      Caused by: service deployment [service deployment] continues; at its next gate ECS waits 1 min and then rolls back
      hint: raise wait-for-minutes or deadline, or use wait-until: shifted
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: still-running (timeout), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lambda_hook_of_the_service_that_fails_is_named() {
    let function = "arn:aws:lambda:eu-central-1:123456789012:function:judge";
    let hook = serde_json::json!({ "targetType": "AWS_LAMBDA", "hookTargetArn": function, "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": ["POST_SCALE_UP"] });
    let story = Story::ecs(EcsStrategyOptions {
        hooks: vec![hook],
        failing_hooks: vec!["function:judge".to_owned()],
        ..EcsStrategyOptions::default()
    });
    let run = taken_back(story, Action::deploy_tested("1.1.0")).await;
    assert_snapshot!(run.ending(), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (rollout-failed)::the hook arn:aws:lambda:eu-central-1:123456789012:function:judge failed in service deployment [service deployment]; ECS is rolling it back
      Caused by: Service deployment rolled back because a lifecycle hook failed at the stage POST_SCALE_UP.
      hint: look at the service's events and, when a hook failed, at its function's log
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (rollout-failed), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_rollback_has_left_is_not_waited_for() {
    let story =
        Story::blue_green().switches(|switches| switches.rollback_ending = RollbackEnding::Fails);
    let mut play = story.begin().await;
    let first = play.act(wrong_on_production()).await;
    assert_eq!(first.output("outcome"), "stuck", "{}", first.text());
    let second = play
        .act(Action::deploy("1.1.0").with("deadline", "20s"))
        .await;
    assert!(
        !second.text().contains("waiting until it is over"),
        "nothing moves any more: {}",
        second.text()
    );
    play.end().await;
}
