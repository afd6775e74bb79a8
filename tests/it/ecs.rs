//! ECS moves the traffic: its own blue/green, canary and linear, gated by our pauses.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Action, Play, Story, call};

/// The hooks that the service's own definition has now.
async fn hooks(play: &Play) -> Value {
    let service = call(
        &play.stage,
        "ecs.DescribeServices",
        &json!({ "cluster": "prod", "services": ["api"] }),
    )
    .await;
    service["services"][0]["deploymentConfiguration"]["lifecycleHooks"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_green_is_tested_at_its_gates_and_leaves_no_hook() {
    let mut play = Story::blue_green().begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert!(
        play.users().versions.contains_key("1.1.0"),
        "users see the new version"
    );
    assert_eq!(hooks(&play).await, json!([]));
    play.end().await;
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
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
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
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
    ✓ google login on production: GET /auth/google/login ([time])
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 4 passed ([time])
    The gate after the shift is open: the rollout may end
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    undone: PAUSE hooks of this run

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the load balancer's listeners).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[service deployment]</code> (ecs, blue-green) |
    | Production traffic | green, observed at the load balancer's listeners |

    ### Steps

    | | Step | Time | |
    |---|---|--:|---|
    | ✓ | Survey | [time] | ready |
    | ✓ | Image | [time] | [registry]/app&#64;[digest] |
    | ✓ | Task definition | [time] | api&#58;2 registered |
    | ✓ | Green | [time] | up, waiting at the gate |
    | ✓ | Smoke tests on green | [time] | 4 passed |
    | ✓ | Traffic | [time] | green serves 100 % |
    | ✓ | Smoke tests on production | [time] | 4 passed |
    | ✓ | Bake | [time] | the rollout is over, blue is gone |

    [time] in all, [n] reads of AWS. AWS account 123456789012, role github-actions, session <code>deploy</code>.

    ### Smoke tests

    | | Test | On | Request | Time | Attempts | |
    |---|---|---|---|--:|--:|---|
    | ✓ | google login | green | <code>GET /auth/google/login</code> | [time] | [n] |  |
    | ✓ | health | green | <code>GET /health</code> | [time] | [n] |  |
    | ✓ | me | green | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✓ | session | green | <code>POST /auth/session</code> | [time] | [n] |  |
    | ✓ | google login | production | <code>GET /auth/google/login</code> | [time] | [n] |  |
    | ✓ | health | production | <code>GET /health</code> | [time] | [n] |  |
    | ✓ | me | production | <code>GET /auth/me</code> | [time] | [n] |  |
    | ✓ | session | production | <code>POST /auth/session</code> | [time] | [n] |  |

    <details><summary>Changes of the task definition</summary>

    <pre>containerDefinitions&#91;app].image: [registry]/app:1.0.0 → [registry]/app&#64;[digest]</pre>

    </details>

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_waits_for_us_before_each_of_its_steps() {
    let mut play = Story::canary().begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    play.end().await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, canary; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (canary), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, PRE_PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    green is healthy and no alarm has fired: the next step of traffic may follow
    green is healthy and no alarm has fired: the next step of traffic may follow
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ google login on production: GET /auth/google/login ([time])
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 4 passed ([time])
    The gate after the shift is open: the rollout may end
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    undone: PAUSE hooks of this run

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
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
async fn linear_takes_every_step_with_a_look_at_green() {
    let mut play = Story::linear().begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_eq!(hooks(&play).await, json!([]));
    play.end().await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller ecs, linear; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      green is tested before users reach it
      ECS shifts traffic (linear), and keeps blue for 5 min after it
      it pauses at POST_TEST_TRAFFIC_SHIFT, PRE_PRODUCTION_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT
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
    green is healthy and no alarm has fired: the next step of traffic may follow
    green is healthy and no alarm has fired: the next step of traffic may follow
    green is healthy and no alarm has fired: the next step of traffic may follow
    green is healthy and no alarm has fired: the next step of traffic may follow
    production: 100 % on green (api:2), observed at the load balancer's listeners
    ::endgroup::
    ✓ Traffic: green serves 100 % ([time])
    ::group::Smoke tests on production
    ✓ google login on production: GET /auth/google/login ([time])
    ✓ health on production: GET /health ([time])
    ✓ me on production: GET /auth/me ([time])
    ✓ session on production: POST /auth/session ([time])
    ::endgroup::
    ✓ Smoke tests on production: 4 passed ([time])
    The gate after the shift is open: the rollout may end
    ::group::Bake
    ::endgroup::
    ✓ Bake: the rollout is over, blue is gone ([time])
    Blue is gone: to go back from here, the old revision has to be rolled out again
    undone: PAUSE hooks of this run

    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    console-url=https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    deployment-id=[service deployment]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=deployed
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=as-planned
    registry=[registry]
    rolled-back=false
    service-deployment-arn=arn:aws:ecs:eu-central-1:123456789012:service-deployment/prod/api/[service deployment]
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}
