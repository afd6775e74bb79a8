//! The one-off task before the rollout.

use ecs_bluegreen_sim::{Fault, FaultKind, ScalingOptions, Suspension};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Incident, Story, When, call, definition};

fn migrate(command: &[&str]) -> Action {
    let overrides = json!([{ "name": "app", "command": command }]).to_string();
    Action::deploy("1.1.0")
        .with("run-task", "true")
        .with("run-task-container-overrides", &overrides)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_passes_lets_the_rollout_begin() {
    assert_snapshot!(Story::codedeploy().run(migrate(&["migrate"])).await.text(), @r#"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    ::group::One-off task
    task [task] started
    app exit 0
    ::endgroup::
    ✓ One-off task: done ([time])
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    ::group::Green
    green is registered in target group api-2, 1 of 1 targets healthy
    ::endgroup::
    ✓ Green: up, waiting at the gate ([time])
    The gate is open: traffic may shift
    ::group::Traffic
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    run-task-arn=["arn:aws:ecs:eu-central-1:123456789012:task/prod/[task]"]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_ends_the_run_with_its_last_words_before_any_rollout() {
    assert_snapshot!(Story::codedeploy().run(migrate(&["migrate", "--fail"])).await.with_summary(), @r#"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    ::group::One-off task
    task [task] started
    ::endgroup::
    ✗ One-off task ([time])
    The one-off task failed: container app exited with 3.
    ::group::Rollback
    the one-off task ran (command "migrate --fail", exit 3) and is not undone
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: everything of this run but its one-off task is undone ([time])

    Nothing was rolled out: production traffic is unchanged; the one-off task ran (command "migrate --fail", exit 3) and is not undone.
    ::error title=not-deployed (task-failed)::the one-off task failed: container app exited with 3
      Caused by: Essential container in task exited
      container app of task [task]: exit code 3; Essential container in task exited
        | {"time":"[time]","level":"info","message":"migration started","from":"0007","to":"0008"}
        | {"time":"[time]","level":"info","message":"migration step","step":"add column sessions.expires_at"}
        | {"time":"[time]","level":"error","message":"migration failed","cause":"column \"expires_at\" of relation \"sessions\" already exists"}
      hint: the task's last log lines are shown; nothing was rolled out
    Outcome: not-deployed (task-failed), exit code 10, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=not-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=task-failed
    registry=[registry]
    rolled-back=false
    run-task-arn=["arn:aws:ecs:eu-central-1:123456789012:task/prod/[task]"]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    --- summary
    ## ↩ not-deployed (task-failed): <code>api</code> on <code>prod</code>

    **Nothing was rolled out&#58; production traffic is unchanged; the one-off task ran (command "migrate --fail", exit 3) and is not undone.**

    ### Why

    - **the one-off task failed&#58; container app exited with 3**
      - Essential container in task exited
    - What to do: the task's last log lines are shown; nothing was rolled out

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, rolled back: <code>api:1</code> serves |
    | One-off task | command "migrate --fail", exit 3 (<code>[task]</code>); it is not undone |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✗ | One-off task | [time] |  |
    | ✓ | Rollback | [time] | everything of this run but its one-off task is undone |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Stopped containers

    <code>app</code> in task <code>[task]</code>: exit code 3. Essential container in task exited

    <pre>{"time":"[time]","level":"info","message":"migration started","from":"0007","to":"0008"}
    {"time":"[time]","level":"info","message":"migration step","step":"add column sessions.expires&#95;at"}
    {"time":"[time]","level":"error","message":"migration failed","cause":"column &#92;"expires&#95;at&#92;" of relation &#92;"sessions&#92;" already exists"}</pre>

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sidecar_exits_with_says_nothing_about_the_task() {
    let mut with_sidecar = definition("placeholder");
    let sidecar = json!({ "name": "sidecar", "image": "$REGISTRY/app:1.4.0", "essential": false });
    with_sidecar["containerDefinitions"]
        .as_array_mut()
        .expect("containers")
        .push(sidecar);
    let action = migrate(&["migrate"])
        .file("task.json", &with_sidecar.to_string())
        .with("task-definition", "task.json");
    let mut play = Story::codedeploy()
        .begin()
        .await
        .push_version("1.4.0")
        .await;
    let run = play.act(action).await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_not_waited_for_does_not_hold_the_rollout() {
    let run = Story::codedeploy()
        .run(migrate(&["migrate", "--fail"]).with("wait-for-task-stopped", "false"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_its_task() {
    let run = Story::codedeploy()
        .run(migrate(&["serve"]).on_incident(
            When::Line("the one-off task is RUNNING"),
            Incident::Interrupt,
        ))
        .await;
    assert_snapshot!(run.text(), @r#"
    exit code 10
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is not tested before users reach it (no smoke-tests with test-url)
      CodeDeploy shifts traffic with CodeDeployDefault.ECSCanary10Percent5Minutes, about 5 min
      blue is kept for 5 min after the shift
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
      containerDefinitions[app].image: [registry]/app:1.0.0 → [registry]/app@[digest]
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])
    ::group::One-off task
    task [task] started
    ::endgroup::
    ✗ One-off task: cut short ([time])
    The runner asks us to stop: undoing what is in progress
    The workflow was cancelled.
    ::group::Rollback
    the one-off task ran (command "serve", stopped before its end) and is not undone
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: everything of this run but its one-off task is undone ([time])

    Nothing was rolled out: production traffic is unchanged; the one-off task was started (command "serve") and what it did is not undone.
    ::error title=not-deployed (cancelled)::the workflow was cancelled
    Outcome: not-deployed (cancelled), exit code 10, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=not-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=cancelled
    registry=[registry]
    rolled-back=false
    run-task-arn=["arn:aws:ecs:eu-central-1:123456789012:task/prod/[task]"]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:StopTask
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_start_says_why() {
    let action =
        Action::to_service().file("task.json", &definition("$REGISTRY/app:9.9.9").to_string());
    let run = Story::codedeploy()
        .run(
            action
                .with("task-definition", "task.json")
                .with("run-task", "true"),
        )
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (task-failed)::the one-off task failed: container app never ran
      Caused by: CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref [registry]/app:9.9.9: [registry]/v2/app/manifests/9.9.9: not found
      container app of task [task]: never ran; CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref [registry]/app:9.9.9: [registry]/v2/app/manifests/9.9.9: not found
      hint: the task's last log lines are shown; nothing was rolled out
    Outcome: not-deployed (task-failed), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_did_is_named_when_a_later_step_fails() {
    let refused = FaultKind::Refused {
        code: "InvalidDeploymentGroupNameException".to_owned(),
        message: "Not now".to_owned(),
    };
    let mut play = Story::codedeploy()
        .fault(Fault::on_every_call("CreateDeployment", refused))
        .begin()
        .await;
    let run = play.act(migrate(&["migrate"])).await;
    play.end().await;
    assert_snapshot!(run.ending(), @r#"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged; the one-off task ran (command "migrate", exit 0) and is not undone.
    ::error title=not-deployed (aws-refused)::CodeDeploy did not create the deployment
      Caused by: codedeploy:CreateDeployment: Not now (InvalidDeploymentGroupNameException)
    Outcome: not-deployed (aws-refused), exit code 10, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:RunTask
    codedeploy:CreateDeployment → InvalidDeploymentGroupNameException
    ecs:DeregisterTaskDefinition
    "#);
    assert!(
        run.summary
            .contains("| One-off task | command \"migrate\", exit 0"),
        "{}",
        run.summary
    );
    let report: serde_json::Value = serde_json::from_str(run.output("report")).expect("a report");
    let ran = &report["one-off-tasks"][0];
    assert_eq!(
        (
            &ran["command"],
            &ran["container"],
            &ran["end"],
            &ran["code"]
        ),
        (
            &json!("migrate"),
            &json!("app"),
            &json!("exited"),
            &json!(0)
        )
    );
    assert!(
        !run.text().contains("everything of this run is undone"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_did_is_named_when_green_is_rolled_back_afterwards() {
    let tests = "defaults: { retry: { for: 0s } }\ntests:\n  - { name: none, get: /nowhere, expect: { status: 200 } }\n";
    let action = migrate(&["migrate"])
        .with("smoke-tests", tests)
        .with("test-url", "$TEST")
        .with("production-url", "$PRODUCTION");
    let run = Story::codedeploy().run(action).await;
    assert_eq!(run.output("outcome"), "rolled-back", "{}", run.text());
    assert!(
        run.ending()
            .contains("the one-off task ran (command \"migrate\", exit 0) and is not undone"),
        "{}",
        run.ending()
    );
    assert!(
        run.summary
            .contains("| One-off task | command \"migrate\", exit 0"),
        "{}",
        run.summary
    );
    assert_eq!(
        run.count("StopTask"),
        0,
        "a task that has stopped is not stopped again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_cheaply_comes_before_the_task() {
    let story = Story::codedeploy().service(|service| {
        service.scaling = Some(ScalingOptions {
            min: 1,
            max: 4,
            suspended: Suspension::default(),
            scale_in_after_ms: None,
        });
    });
    let denied = vec!["application-autoscaling:RegisterScalableTarget".to_owned()];
    let run = story
        .stage(|options| options.denied = denied)
        .run(migrate(&["migrate"]).with("suspend-autoscaling", "true"))
        .await;
    assert_eq!(
        (run.code, run.output("outcome"), run.count("ecs:RunTask")),
        (Some(10), "not-deployed", 0),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_runs_on_the_service_s_capacity() {
    let mut play = Story::blue_green().begin().await;
    let providers = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0 }]);
    let update =
        json!({ "cluster": "prod", "service": "api", "capacityProviderStrategy": providers });
    call(&play.stage, "ecs.UpdateService", &update).await;
    let run = play.act(migrate(&["migrate"])).await;
    play.end().await;
    let sent = run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:RunTask")
        .expect("a task");
    assert_eq!(
        (
            &sent.request["capacityProviderStrategy"],
            &sent.request["launchType"]
        ),
        (&providers, &json!(null)),
        "{}",
        run.text()
    );
}
