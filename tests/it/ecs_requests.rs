//! What is asked of ECS: the strategy and the hooks in UpdateService, all else of the service as it
//! was; and what is refused before.

use ecs_bluegreen_sim::{EcsStrategyOptions, HookScope, RollingOptions};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::ecs::{assert_finished, foreign_pause_hook, hooks};
use crate::harness::{Action, ActionRun, Play, Story, call};

/// The requests of this run to UpdateService, without what differs.
fn updates(run: &ActionRun) -> String {
    let updates = run
        .calls
        .iter()
        .filter(|call| call.operation == "ecs:UpdateService");
    let updates = updates
        .map(|call| serde_json::to_string_pretty(&call.request).expect("JSON"))
        .collect::<Vec<_>>();
    run.redact(&updates.join("\n"))
}

async fn run_refused(story: Story, action: Action) -> String {
    let run = story.run(action).await;
    assert_eq!(run.calls, [], "nothing was touched");
    assert_eq!(run.code, Some(2));
    run.ending()
}

fn lambda() -> Value {
    json!({
        "targetType": "AWS_LAMBDA", "hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:judge",
        "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": ["POST_SCALE_UP"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_s_own_hooks_and_alarms_go_back_as_they_came() {
    let options = EcsStrategyOptions {
        hooks: vec![lambda()],
        alarms: vec!["errors".to_owned()],
        ..EcsStrategyOptions::default()
    };
    let mut play = Story::ecs(options).begin().await;
    let before = hooks(&play).await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_eq!(hooks(&play).await, before);
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_snapshot!(updates(&run), @r#"
    {
      "cluster": "prod",
      "service": "api",
      "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2",
      "deploymentConfiguration": {
        "deploymentCircuitBreaker": {
          "enable": false,
          "rollback": false
        },
        "alarms": {
          "alarmNames": [
            "errors"
          ],
          "rollback": true,
          "enable": true
        },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "bakeTimeInMinutes": 5,
        "lifecycleHooks": [
          {
            "targetType": "AWS_LAMBDA",
            "hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:judge",
            "roleArn": "arn:aws:iam::123456789012:role/hooks",
            "lifecycleStages": [
              "POST_SCALE_UP"
            ],
            "timeoutConfiguration": {
              "timeoutInMinutes": 1440,
              "action": "ROLLBACK"
            }
          },
          {
            "targetType": "PAUSE",
            "lifecycleStages": [
              "POST_TEST_TRAFFIC_SHIFT",
              "POST_PRODUCTION_TRAFFIC_SHIFT"
            ],
            "hookDetails": {
              "ecsBluegreenAction": {
                "run": "[run]",
                "registered": true
              }
            },
            "timeoutConfiguration": {
              "timeoutInMinutes": 30,
              "action": "ROLLBACK"
            }
          }
        ],
        "strategy": "BLUE_GREEN"
      }
    }
    {
      "cluster": "prod",
      "service": "api",
      "deploymentConfiguration": {
        "deploymentCircuitBreaker": {
          "enable": false,
          "rollback": false
        },
        "alarms": {
          "alarmNames": [
            "errors"
          ],
          "rollback": true,
          "enable": true
        },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "bakeTimeInMinutes": 5,
        "lifecycleHooks": [
          {
            "targetType": "AWS_LAMBDA",
            "hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:judge",
            "roleArn": "arn:aws:iam::123456789012:role/hooks",
            "lifecycleStages": [
              "POST_SCALE_UP"
            ],
            "timeoutConfiguration": {
              "timeoutInMinutes": 1440,
              "action": "ROLLBACK"
            }
          }
        ],
        "strategy": "BLUE_GREEN"
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_to_add_hooks_the_snippet_for_the_service_is_given() {
    assert_snapshot!(run_refused(Story::blue_green(), Action::deploy_tested("1.1.0").with("manage-hooks", "false")).await, @r#"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::manage-hooks: the service has no PAUSE hook at POST_TEST_TRAFFIC_SHIFT, POST_PRODUCTION_TRAFFIC_SHIFT, and manage-hooks is false
      hint: add to the service's deploymentConfiguration: {"lifecycleHooks":[{"targetType":"PAUSE","lifecycleStages":["POST_TEST_TRAFFIC_SHIFT","POST_PRODUCTION_TRAFFIC_SHIFT"],"timeoutConfiguration":{"timeoutInMinutes":30,"action":"ROLLBACK"}}]}; or let manage-hooks be true
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_of_the_service_s_own_definition_are_used_and_nothing_of_it_is_changed() {
    let own = vec![foreign_pause_hook(&[
        "POST_TEST_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ])];
    let mut play = Story::ecs(EcsStrategyOptions {
        hooks: own,
        ..EcsStrategyOptions::default()
    })
    .begin()
    .await;
    let before = hooks(&play).await;
    let run = play
        .act(Action::deploy_tested("1.1.0").with("manage-hooks", "false"))
        .await;
    assert_eq!(hooks(&play).await, before);
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    assert_eq!(
        (
            run.count("ecs:ContinueServiceDeployment"),
            run.count("ecs:UpdateService")
        ),
        (2, 1)
    );
    assert!(!updates(&run).contains("deploymentConfiguration"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_not_in_the_deployment_s_snapshot_ends_it_before_users_reach_green() {
    let mut play = Story::blue_green()
        .switches(|switches| switches.hook_scope = HookScope::NextDeployment)
        .begin()
        .await;
    let run = play.act(Action::deploy_tested("1.1.0")).await;
    assert_finished(&play, "api-1").await;
    assert!(!play.users().versions.contains_key("1.1.0"));
    play.end().await;
    assert_eq!(run.output("reason"), "hooks-missing");
    assert_snapshot!(run.ending(), @r#"
    exit code 20
    ---
    Blue serves 100 % of production: api:1 (observed at the load balancer's listeners).
    ::error title=rolled-back (hooks-missing)::service deployment [service deployment] does not pause at POST_PRODUCTION_TRAFFIC_SHIFT, POST_TEST_TRAFFIC_SHIFT, although it was asked to
      hint: put the hooks into the service's own definition, with manage-hooks: false: {"lifecycleHooks":[{"targetType":"PAUSE","lifecycleStages":["POST_PRODUCTION_TRAFFIC_SHIFT","POST_TEST_TRAFFIC_SHIFT"],"timeoutConfiguration":{"timeoutInMinutes":30,"action":"ROLLBACK"}}]}
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: rolled-back (hooks-missing), exit code 20, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:StopServiceDeployment
    ecs:UpdateService
    ecs:DeregisterTaskDefinition
    "#);
}

/// A service with a second target group and its rules that is rolled in place now.
async fn rolled_with_two_groups() -> Play {
    let play = Story::blue_green().begin().await;
    let rolling = json!({ "cluster": "prod", "service": "api", "deploymentConfiguration": { "strategy": "ROLLING" } });
    call(&play.stage, "ecs.UpdateService", &rolling).await;
    play
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_of_the_inputs_comes_with_the_same_update() {
    let mut play = rolled_with_two_groups().await;
    let action = Action::deploy_tested("1.1.0")
        .with("strategy", "canary")
        .with("canary-percent", "20")
        .with("canary-bake", "3m")
        .with("bake", "2m");
    let run = play.act(action).await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed");
    assert_snapshot!(updates(&run), @r#"
    {
      "cluster": "prod",
      "service": "api",
      "deploymentConfiguration": {
        "strategy": "ROLLING"
      }
    }
    {
      "cluster": "prod",
      "service": "api",
      "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:2",
      "deploymentConfiguration": {
        "deploymentCircuitBreaker": {
          "enable": false,
          "rollback": false
        },
        "alarms": {
          "alarmNames": [
            "errors"
          ],
          "rollback": true,
          "enable": true
        },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "bakeTimeInMinutes": 2,
        "lifecycleHooks": [
          {
            "targetType": "PAUSE",
            "lifecycleStages": [
              "POST_TEST_TRAFFIC_SHIFT",
              "PRE_PRODUCTION_TRAFFIC_SHIFT",
              "POST_PRODUCTION_TRAFFIC_SHIFT"
            ],
            "hookDetails": {
              "ecsBluegreenAction": {
                "run": "[run]",
                "registered": true
              }
            },
            "timeoutConfiguration": {
              "timeoutInMinutes": 33,
              "action": "ROLLBACK"
            }
          }
        ],
        "strategy": "CANARY",
        "canaryConfiguration": {
          "canaryPercent": 20.0,
          "canaryBakeTimeInMinutes": 3
        }
      }
    }
    {
      "cluster": "prod",
      "service": "api",
      "deploymentConfiguration": {
        "deploymentCircuitBreaker": {
          "enable": false,
          "rollback": false
        },
        "alarms": {
          "alarmNames": [
            "errors"
          ],
          "rollback": true,
          "enable": true
        },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "bakeTimeInMinutes": 2,
        "lifecycleHooks": [],
        "strategy": "CANARY",
        "canaryConfiguration": {
          "canaryPercent": 20.0,
          "canaryBakeTimeInMinutes": 3
        }
      }
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_whose_rollout_failed_is_put_back() {
    let mut play = rolled_with_two_groups().await;
    let run = play
        .act(Action::deploy_tested_by("1.2.0", &["health"]).with("strategy", "blue-green"))
        .await;
    assert_finished(&play, "api-1").await;
    let service = call(
        &play.stage,
        "ecs.DescribeServices",
        &json!({ "cluster": "prod", "services": ["api"] }),
    )
    .await;
    assert_eq!(
        service["services"][0]["deploymentConfiguration"]["strategy"],
        "ROLLING"
    );
    play.end().await;
    assert_eq!(run.output("outcome"), "rolled-back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strategy_that_needs_a_second_target_group_is_refused_without_one() {
    let action = Action::deploy("1.1.0").with("strategy", "canary");
    assert_snapshot!(run_refused(Story::rolling(RollingOptions::default()), action).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::strategy: strategy `canary` needs a second target group and a production rule, and the service's load balancer has none
      hint: give the service's load balancer an advancedConfiguration (alternateTargetGroupArn, productionListenerRule, testListenerRule, roleArn)
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_strategy_is_refused_with_those_that_there_are() {
    assert_snapshot!(run_refused(Story::blue_green(), Action::deploy("1.1.0").with("strategy", "purple")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::strategy: `purple` is not one of auto, rolling, blue-green, canary, linear
      hint: use one of them
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_s_percent_is_refused_for_a_linear_service() {
    assert_snapshot!(run_refused(Story::linear(), Action::deploy("1.1.0").with("canary-percent", "10")).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::canary-percent: it has no meaning for strategy `linear`, which the service has
      hint: leave it out, or set the strategy that it belongs to
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_without_a_gate_is_refused() {
    let action = Action::deploy("1.1.0").with("approval", "before-traffic");
    assert_snapshot!(run_refused(Story::rolling(RollingOptions::default()), action).await, @"
    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::approval: the rollout has no gate at which it could wait for an approval
      hint: use strategy blue-green, canary or linear, or a CodeDeploy group that waits at Ready; or leave approval out
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_until_the_shift_leaves_the_bake_to_ecs_without_a_hook() {
    let mut play = Story::blue_green().in_real_time().begin().await;
    let run = play
        .act(Action::deploy_tested("1.1.0").with("wait-until", "shifted"))
        .await;
    assert_eq!(hooks(&play).await, json!([]));
    assert!(
        play.stage
            .wait_until(std::time::Duration::from_secs(20), |stage| {
                stage
                    .service_deployments()
                    .last()
                    .is_some_and(|deployment| deployment.status == "SUCCESSFUL")
            })
            .await,
        "ECS ends it by itself"
    );
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_snapshot!(run.ending(), @"
    exit code 0
    ---
    Green serves 100 % of production: api:2 (observed at the load balancer's listeners).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService
    ");
}
