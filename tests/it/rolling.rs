//! Services that ECS rolls in place.

use ecs_bluegreen_sim::{Breaker, BreakerRollback, Clock, RollingOptions};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Action, Incident, Play, Story, When, definition};

fn story() -> Story {
    Story::rolling(RollingOptions::default())
}

fn breaker(breaker: Breaker) -> Story {
    Story::rolling(RollingOptions {
        breaker,
        ..RollingOptions::default()
    })
}

/// The revision that ECS works towards.
fn primary(play: &Play) -> String {
    let service = play.stage.service_view("api").expect("the service");
    let revision = service.primary().expect("a deployment").revision.clone();
    revision.rsplit('/').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_replaces_the_tasks_one_by_one() {
    let run = story()
        .run(Action::deploy_tested("1.1.0").without("test-url"))
        .await;
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
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
    Deployment started: [ecs deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:2), observed at the service's deployments
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ google login on production: GET /auth/google/login ([time])
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 4 passed ([time])

    Green serves 100 % of production: api:2 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    deployment-id=[ecs deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the service's deployments).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[ecs deployment]</code> (ecs, rolling) |
    | Production traffic | green, observed at the service's deployments |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Traffic | [time] | green serves 100 % |
    | ✓ | Smoke tests on production | [time] | 4 passed |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✓ | google login | production | <code>GET /auth/google/login</code> | [time] | [n] |  |
    | ✓ | health | production | <code>GET /health</code> | [time] | [n] |  |
    | ✓ | me | production | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✓ | session | production | <code>POST /auth/session</code> | [time] | [n] |  |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_a_test_on_production_is_replaced_by_the_old_one() {
    let mut play = story().begin().await;
    let action = Action::deploy_tested("1.3.0")
        .without("test-url")
        .with("environment-variables", "APP_PRODUCTION_PORT=$PORT");
    let run = play.act(action).await;
    assert_eq!(primary(&play), "api:1");
    play.end().await;
    assert_snapshot!(run.text(), @r#"
    exit code 20
    ---
    Deploying 1.3.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
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
    Deployment started: [ecs deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:2), observed at the service's deployments
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
    the service goes back to api:1
    production: 100 % on blue (api:1), observed at the service's deployments
    undone: rolling deployment of api:2
    undone: task definition api:2
    ::endgroup::
    ✓ Rollback: blue serves 100 % ([time])

    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (smoke-failed)::smoke test "google login" failed on production (GET /auth/google/login, [n] attempts)
      Caused by: redirect query redirect_uri: expected https://app.example.com/auth/google/callback, found https://app.example.com:[port]/auth/google/callback
      hint: users reached this version; set test-url, so that it is tested before they do
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: rolled-back (smoke-failed), exit code 20, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    deployment-id=[ecs deployment]
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
    ecs:UpdateService
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

/// A version that crashes, with a circuit breaker that goes back.
async fn broken(rollback: BreakerRollback) -> String {
    let mut play = breaker(Breaker::Rollback)
        .switches(|switches| switches.breaker_rollback = rollback)
        .begin()
        .await;
    let run = play.act(Action::deploy("1.4.0")).await;
    assert_eq!(primary(&play), "api:1");
    play.end().await;
    run.ending()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_breaker_that_brings_the_former_deployment_back_is_recognised() {
    assert_snapshot!(broken(BreakerRollback::FormerId).await, @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (tasks-unhealthy)::deployment [ecs deployment] failed after [n] tasks could not be kept running; ECS rolls it back
      Caused by: ECS deployment circuit breaker: tasks failed to start.
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_breaker_that_makes_a_new_deployment_of_the_old_revision_is_recognised() {
    assert_snapshot!(broken(BreakerRollback::NewId).await, @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (tasks-unhealthy)::deployment [ecs deployment] failed after [n] tasks could not be kept running; ECS rolls it back
      Caused by: ECS deployment circuit breaker: tasks failed to start.
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_breaker_that_only_gives_up_is_followed_by_our_own_way_back() {
    let mut play = breaker(Breaker::Fail).begin().await;
    let run = play.act(Action::deploy("1.4.0")).await;
    assert_eq!(primary(&play), "api:1");
    play.end().await;
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the service's deployments).
    ::error title=rolled-back (tasks-unhealthy)::deployment [ecs deployment] failed after [n] tasks could not be kept running; ECS leaves it as it is
      Caused by: ECS deployment circuit breaker: tasks failed to start.
      container app of task [task]: exit code 1; Essential container in task exited
        | {"time":"[time]","level":"error","message":"cannot start","cause":"the session store has a schema from the future"}
      hint: fix what the containers stopped for; where none stopped by itself, look at the health checks: path, port, expected codes, grace period
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: rolled-back (tasks-unhealthy), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_somebody_else_supersedes_ours_and_is_left_alone() {
    let theirs = Incident::Call(
        "ecs.UpdateService",
        json!({ "cluster": "prod", "service": "api", "taskDefinition": "api:1", "forceNewDeployment": true }),
    );
    // Ours has to start its task and to stay healthy for a while before ECS calls it completed:
    // long enough to come in between.
    let run = story()
        .stage(|options| options.clock = Clock::Scaled(4.0))
        .run(Action::deploy("1.1.0").on_incident(When::Line("Deployment started"), theirs))
        .await;
    // Their first task may run beside the old one by then.
    assert_snapshot!(run.ending().replace("2 tasks of api:1", "1 task of api:1"), @"
    exit code 30
    ---
    Running now: 1 task of api:1; deployment [ecs deployment] of api:1 (IN_PROGRESS) took the place of ours, [ecs deployment].
    ::error title=still-running (superseded)::deployment [ecs deployment] of api:1 (IN_PROGRESS) took the place of ours, [ecs deployment]
      hint: let one workflow deploy at a time: give it a concurrency group
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    Outcome: still-running (superseded), exit code 30, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn zero_tasks_are_rolled_out_untested_and_nothing_is_claimed() {
    for asked in ["", "0"] {
        let action = Action::deploy_tested("1.3.0")
            .without("test-url")
            .with("desired-count", asked);
        let run = story()
            .service(|service| service.desired = 0)
            .run(action)
            .await;
        assert_eq!(
            (run.code, run.output("outcome"), run.output("reason")),
            (Some(0), "started", "zero-tasks"),
            "{}",
            run.text()
        );
        assert!(
            run.log_with("::warning")
                .contains("no task will run, and nothing will be tested"),
            "{}",
            run.text()
        );
        assert!(
            run.text().contains("is rolled out with zero tasks: nothing runs, nothing serves, and nothing was tested"),
            "{}",
            run.text()
        );
        assert!(!run.text().contains("100 %"), "{}", run.text());
        assert_eq!(
            (
                run.count("ecs:RegisterTaskDefinition"),
                run.count("ecs:UpdateService")
            ),
            (1, 1),
            "{}",
            run.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_codedeploy_that_wants_zero_tasks_is_refused_because_green_could_never_serve()
{
    let run = Story::codedeploy()
        .service(|service| service.desired = 0)
        .run(Action::deploy("1.1.0"))
        .await;
    assert_snapshot!(run.ending(), @"
    exit code 10
    ---
    Nothing was rolled out: production traffic is unchanged.
    ::error title=not-deployed (zero-tasks)::service api wants zero tasks (desired count 0): nothing would run, and nothing would be tested
      hint: scale the service up first (aws ecs update-service --desired-count N), or set wait-for-service-stability: false to only pass the revision to the service
    Outcome: not-deployed (zero-tasks), exit code 10, after [time]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_already_is_not_deployed_again() {
    let mut play = story().begin().await;
    play.act(Action::deploy("1.1.0")).await;
    let again = play.act(Action::deploy("1.1.0")).await;
    play.end().await;
    assert_snapshot!(again.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:2
      api:2 serves with 1 tasks
      ECS replaces the tasks (rolling)
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Image
    [registry]/app@[digest] as 1.1.0: already in the registry, [size] moved
    ::endgroup::
    ✓ Image: [registry]/app@[digest] ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:2 is registered already, unchanged ([time])

    api:2 serves production already: nothing was to be deployed.
    Outcome: already-deployed, exit code 0, after [time]
    ---
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=already-deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    reason=already-runs
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_deployment_can_be_forced_although_nothing_changed() {
    let run = story()
        .run(Action::to_service().with("force-new-deployment", "true"))
        .await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 3f786850e387550fdab836ed7e6dc881de23001b to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, rolling; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      ECS replaces the tasks (rolling)
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Task definition
    ::endgroup::
    ✓ Task definition: api:1 is registered already, unchanged ([time])
    Deployment started: [ecs deployment]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    ::group::Traffic
    production: 100 % on green (api:1), observed at the service's deployments
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])

    Green serves 100 % of production: api:1 (observed at the service's deployments).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments?region=eu-central-1
    deployment-id=[ecs deployment]
    duration-seconds=[n]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    ---
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_definition_is_only_registered() {
    let action = Action::minimal().file(
        "task.json",
        &definition("$REGISTRY/app:1.0.0")
            .to_string()
            .replace("\"256\"", "\"512\"")
            .replace("\"memory\":\"512\"", "\"memory\":\"1024\""),
    );
    let run = story()
        .run(action.with("task-definition", "task.json"))
        .await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Registering 3f786850e387550fdab836ed7e6dc881de23001b in eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    ::endgroup::
    ✓ Survey: ready ([time])
    ::group::Task definition
      cpu: 256 → 512
      memory: 512 → 1024
    ::endgroup::
    ✓ Task definition: api:2 registered ([time])

    api:2 registered; no service was given, so no traffic was touched.
    Outcome: registered, exit code 0, after [time]
    ---
    duration-seconds=[n]
    outcome=registered
    reason=no-service
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_an_alarm_ends_is_taken_once_more() {
    let options = RollingOptions {
        breaker: Breaker::Fail,
        alarms: vec!["errors".to_owned()],
        ..RollingOptions::default()
    };
    let mut play = Story::rolling(options)
        .stage(|options| options.clock = Clock::Scaled(4.0))
        .begin()
        .await;
    let action = Action::deploy_tested("1.3.0")
        .without("test-url")
        .with("environment-variables", "APP_PRODUCTION_PORT=$PORT");
    let run = play
        .act(action.on_incident(When::Line("the service goes back to"), Incident::Alarm))
        .await;
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(20), "rolled-back"),
        "{}",
        run.text()
    );
    assert_eq!(
        run.count("ecs:UpdateService"),
        3,
        "there, back, and back once more: {}",
        run.text()
    );
    assert_eq!(primary(&play), "api:1");
    play.end().await;
}
