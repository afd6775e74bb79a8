//! CodeDeploy when all goes well: the gate, the shift, the end; with and without files.

use ecs_bluegreen_sim::{ConfigOptions, GroupOptions, Traffic};
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Action, ActionRun, Story};

/// The AppSpec that CodeDeploy was sent.
fn app_spec(run: &ActionRun) -> String {
    let created = run
        .calls
        .iter()
        .find(|call| call.operation == "codedeploy:CreateDeployment")
        .expect("a deployment");
    let content = created.request["revision"]["appSpecContent"]["content"]
        .as_str()
        .expect("an AppSpec");
    let content: Value = serde_json::from_str(content).expect("JSON");
    run.redact(&serde_json::to_string_pretty(&content).expect("JSON"))
}

const APP_SPEC: &str = r#"
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "<TASK_DEFINITION>"
        LoadBalancerInfo:
          ContainerName: app
          ContainerPort: 8080
        PlatformVersion: LATEST
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_good_version_is_tested_at_the_gate_and_then_serves_everybody() {
    let mut play = Story::codedeploy().begin().await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert!(
        play.stage
            .service_view("api")
            .is_some_and(|service| service.fleets.len() == 1),
        "blue is gone"
    );
    assert!(
        play.users().versions.contains_key("1.1.0"),
        "users see the new version"
    );
    play.end().await;
    assert_snapshot!(run.with_summary(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
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
    [registry]/app@[digest] as 1.1.0: 2 layers and configs sent ([size]), 1 there already ([size])
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
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    --- summary
    ## ✓ deployed: <code>api</code> on <code>prod</code>

    **Green serves 100 % of production&#58; api&#58;2 (observed at the load balancer's listeners).**

    | | |
    |---|---|
    | Version | <code>1.1.0</code> |
    | Image | <code>[registry]/app&#64;[digest]</code>, tags <code>1.1.0</code> |
    | Transfer | 2 layers and configs sent ([size]), 1 there already ([size]) |
    | Task definition | <code>api:2</code>, in place of <code>api:1</code> |
    | Rollout | <code>[deployment 1]</code> (codedeploy) |
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

    [Watch it in the AWS console](https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_follows_traffic_step_by_step() {
    let halves = ConfigOptions {
        name: "Halves".to_owned(),
        traffic: Traffic::Linear {
            percent: 50,
            minutes: 1,
        },
    };
    let group = GroupOptions {
        config: "Halves".to_owned(),
        termination_minutes: 0,
        ..GroupOptions::default()
    };
    let story = Story::group(group)
        .in_real_time()
        .stage(|options| options.deployment_configs.push(halves));
    let run = story.run(Action::deploy("1.1.0")).await;
    let mut steps: Vec<&str> = run
        .log
        .iter()
        .filter_map(|line| line.split_once(", production ")?.1.split_once(", green"))
        .map(|(traffic, _)| traffic)
        .collect();
    steps.dedup();
    assert_eq!(
        steps,
        [
            "blue 100 % green 0 %",
            "blue 50 % green 50 %",
            "blue 0 % green 100 %"
        ]
    );
    assert_eq!(run.output("outcome"), "deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_shifted_the_job_is_done_while_blue_still_stands_by() {
    let mut play = Story::codedeploy().begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").with("wait-until", "shifted"))
        .await;
    assert!(
        play.stage
            .service_view("api")
            .is_some_and(|service| service.fleets.len() == 2),
        "blue is still there"
    );
    play.end().await;
    assert_snapshot!(run.ending(), @"
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
async fn without_any_file_the_app_spec_is_built_from_the_service() {
    let run = Story::codedeploy().run(Action::deploy("1.1.0")).await;
    assert_snapshot!(format!("{}\n---\n{}", run.ending(), app_spec(&run)), @r#"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ---
    {
      "version": 0,
      "Resources": [
        {
          "TargetService": {
            "Type": "AWS::ECS::Service",
            "Properties": {
              "TaskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2",
              "LoadBalancerInfo": {
                "ContainerName": "app",
                "ContainerPort": 8080
              },
              "PlatformVersion": "1.4.0",
              "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                  "Subnets": [
                    "subnet-0a1b2c3d4e5f60718"
                  ],
                  "SecurityGroups": [
                    "sg-0a1b2c3d4e5f60718"
                  ],
                  "AssignPublicIp": "DISABLED"
                }
              }
            }
          }
        }
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_files_work_as_they_are() {
    let definition = crate::harness::definition("placeholder").to_string();
    let action = Action::deploy("1.1.0")
        .file("task-definition.json", &definition)
        .file("appspec.yaml", APP_SPEC);
    let action = action
        .with("task-definition", "task-definition.json")
        .with("codedeploy-deployment-description", "Release of a Friday");
    let run = Story::codedeploy().run(action).await;
    let created = run
        .calls
        .iter()
        .find(|call| call.operation == "codedeploy:CreateDeployment")
        .expect("a deployment");
    assert_snapshot!(run.redact(created.request["description"].as_str().expect("a description")), @"Release of a Friday [ecs-bluegreen run [run], registered]");
    assert_snapshot!(format!("{}\n---\n{}", run.text(), app_spec(&run)), @r#"
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
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ---
    {
      "version": 0,
      "Resources": [
        {
          "TargetService": {
            "Type": "AWS::ECS::Service",
            "Properties": {
              "TaskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2",
              "LoadBalancerInfo": {
                "ContainerName": "app",
                "ContainerPort": 8080
              },
              "PlatformVersion": "LATEST"
            }
          }
        }
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_spec_in_json_anywhere_in_the_workspace_will_do() {
    let spec = r#"{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"old","LoadBalancerInfo":{"ContainerName":"app","ContainerPort":8080}}}}]}"#;
    let action = Action::deploy("1.1.0")
        .file("deploy/appspec.json", spec)
        .with("codedeploy-appspec", "deploy/appspec.json");
    let run = Story::codedeploy().run(action).await;
    assert_snapshot!(format!("{}\n---\n{}", run.ending(), app_spec(&run)), @r#"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    ---
    {
      "version": 0,
      "Resources": [
        {
          "TargetService": {
            "Type": "AWS::ECS::Service",
            "Properties": {
              "TaskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2",
              "LoadBalancerInfo": {
                "ContainerName": "app",
                "ContainerPort": 8080
              }
            }
          }
        }
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_does_not_wait_is_followed_to_its_end() {
    let group = GroupOptions {
        ready_wait_minutes: None,
        ..GroupOptions::default()
    };
    let run = Story::group(group)
        .run(Action::deploy_tested("1.1.0").without("test-url"))
        .await;
    assert_snapshot!(run.text(), @"
    exit code 0
    ---
    Deploying 1.1.0 to api on prod, eu-central-1 (run [run])
    ::group::Survey
    AWS account 123456789012, role github-actions
    controller codedeploy; 1 of 1 tasks run api:1
      api:1 serves with 1 tasks
      the group shifts traffic as soon as green is up
      CodeDeploy shifts traffic with CodeDeployDefault.ECSAllAtOnce
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
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
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
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_is_not_waited_for_is_started_and_nothing_is_claimed() {
    let run = Story::codedeploy()
        .run(Action::deploy("1.1.0").with("wait-for-service-stability", "false"))
        .await;
    assert_snapshot!(run.text(), @"
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
    Deployment started: [deployment 1]. Watch it in the AWS console: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1

    The rollout of api:2 was started and is left to AWS; what serves traffic was not looked at.
    Outcome: started, exit code 0, after [time]
    ---
    codedeploy-deployment-id=[deployment 1]
    console-url=https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    deployment-id=[deployment 1]
    duration-seconds=[n]
    image=[registry]/app@[digest]
    image-digest=[digest]
    outcome=started
    previous-task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1
    reason=not-waited
    registry=[registry]
    rolled-back=false
    task-definition-arn=arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_before_any_traffic_moved_rolls_back_and_says_how_far_it_was() {
    let run = Story::codedeploy()
        .run(Action::deploy_tested("1.1.0").with("deadline", "100ms"))
        .await;
    // How far AWS comes in that time is not ours to say.
    assert_snapshot!(run.ending().replace("was at Queued", "was at InProgress"), @"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (timeout)::the rollout had not reached its traffic shift after [time]
      Caused by: the rollout was at InProgress
      hint: the service's events say what green waits for: tasks that cannot be placed, or health checks; where it only needs longer, raise wait-for-minutes or deadline
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: rolled-back (timeout), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:StopDeployment
    ecs:DeregisterTaskDefinition
    ");
}
