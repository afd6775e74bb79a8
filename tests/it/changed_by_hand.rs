//! What others change by hand after the shift, or stop where it is: the run says so in seconds,
//! with the rule and its weights. No story lasts longer than a minute and a half, and every
//! deadline here is later.

use ecs_bluegreen_sim::world::load::{FailureTolerance, LoadOptions};
use ecs_bluegreen_sim::{EcsStrategyOptions, StopAbort, Strategy};
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::ecs::assert_finished;
use crate::harness::{Action, ActionRun, Incident, Story, When};

/// Half of production's traffic goes to each side.
const HALVES: Incident = Incident::Weights(&[("api-1", 50), ("api-2", 50)]);
/// Users are sent to a side without tasks for a while, and nobody can help that.
fn any_failure(users: &LoadOptions) -> LoadOptions {
    LoadOptions {
        tolerated: FailureTolerance::Any,
        ..users.clone()
    }
}

fn assert_stuck(run: &ActionRun, words: &[&str]) {
    assert_eq!(
        (run.code, run.output("outcome")),
        (Some(40), "stuck"),
        "{}",
        run.text()
    );
    let log = run.log.join("\n");
    for word in words {
        assert!(log.contains(word), "the log does not say `{word}`: {log}");
    }
}

/// Weights changed while blue is kept: nothing looks at them before the end of the bake.
async fn changed_in_the_bake(story: Story, when: &'static str) -> ActionRun {
    let action = Action::deploy_tested("1.1.0")
        .with("deadline", "5m")
        .on_incident(When::State(when), HALVES);
    // Blue's tasks are gone in the end, and half of the users are sent there.
    let mut play = story.users(any_failure).begin().await;
    let run = play.act(action).await;
    play.end().await;
    assert_stuck(
        &run,
        &[
            "forwards 50 to api-1, 50 to api-2",
            "listener-rule",
            "blue serves 50 %",
        ],
    );
    assert!(
        seconds(&run) < 60.0,
        "stuck at once, not at the deadline: {}",
        run.text()
    );
    run
}

fn seconds(run: &ActionRun) -> f64 {
    run.output("duration-seconds").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_somebody_changes_after_a_canary_are_named_with_their_rule() {
    let run = changed_in_the_bake(Story::canary(), "BAKE_TIME").await;
    assert_snapshot!(run.ending(), @"
    exit code 40
    ---
    Blue serves 50 % of production, green 50 % (observed at the load balancer's listeners); service deployment [service deployment] could not be undone: a person is needed.
    ::error title=stuck (rollout-failed)::service deployment [service deployment] has shifted all traffic, and somebody has changed the weights since
      Caused by: blue serves 50 % of production, green 50 % (observed at the load balancer's listeners)
      hint: look at the service's events and, when a hook failed, at its function's log
    ::error title=stuck::not undone: service deployment [service deployment]: service deployment [service deployment] is over, and production is not all on green: somebody has changed the weights
      Caused by: rule arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/stage/c7ff6dcd94d7161e/6754af9632a2745e/52a5a04d053db0e7 forwards 50 to api-1, 50 to api-2
      hint: where the new version is to serve all: aws elbv2 modify-rule --rule-arn RULE --actions with all weight on its target group (docs/stuck.md)
      hint: bring the old revision back: mode: rollback with rollback-to: api:1, or aws ecs update-service --cluster prod --service api --task-definition arn:aws:ecs:eu-central-1:123456789012:task-definition/api:1 (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/deployments/[service deployment]?region=eu-central-1
    Outcome: stuck (rollout-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:StopServiceDeployment → ConflictException
    ecs:UpdateService
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_somebody_changes_after_codedeploy_s_shift_are_named_with_their_rule() {
    let run = changed_in_the_bake(Story::codedeploy(), "termination wait").await;
    assert_snapshot!(run.ending(), @"
    exit code 40
    ---
    Blue serves 50 % of production, green 50 % (observed at the load balancer's listeners); CodeDeploy deployment [deployment 1] could not be undone: a person is needed.
    ::error title=stuck (rollout-failed)::deployment [deployment 1] has shifted all traffic, and somebody has changed the weights since
      Caused by: blue serves 50 % of production, green 50 % (observed at the load balancer's listeners)
    ::error title=stuck::not undone: CodeDeploy deployment [deployment 1]: deployment [deployment 1] has succeeded, and production is not all on green: somebody has changed the weights
      Caused by: rule arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/stage/c7ff6dcd94d7161e/6754af9632a2745e/52a5a04d053db0e7 forwards 50 to api-1, 50 to api-2
      hint: where the new version is to serve all: aws elbv2 modify-rule --rule-arn RULE --actions with all weight on its target group (docs/stuck.md)
      hint: bring the old revision back: mode: rollback with rollback-to: api:1 (docs/stuck.md)
      see: https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/[deployment 1]?region=eu-central-1
    Outcome: stuck (rollout-failed), exit code 40, after [time]
    ---
    ecs:RegisterTaskDefinition
    codedeploy:CreateDeployment
    codedeploy:ContinueDeployment
    codedeploy:StopDeployment → DeploymentAlreadyCompletedException
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_somebody_changes_at_the_gate_after_the_shift_bring_blue_back() {
    let mut play = Story::blue_green().in_real_time().begin().await;
    let action = Action::deploy_tested("1.1.0")
        .with("deadline", "5m")
        .on_incident(When::State("POST_PRODUCTION_TRAFFIC_SHIFT"), HALVES);
    let run = play.act(action).await;
    assert_finished(&play, "api-1").await;
    play.end().await;
    assert_eq!(
        (run.code, run.output("outcome"), run.output("reason")),
        (Some(20), "rolled-back", "rollout-failed"),
        "{}",
        run.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_somebody_stops_where_it_is_names_the_way_back_and_that_works() {
    let stop = Incident::Call(
        "ecs.StopServiceDeployment",
        json!({ "serviceDeploymentArn": "$ARN", "stopType": "ABORT" }),
    );
    let mut play = Story::canary()
        .in_real_time()
        .users(any_failure)
        .switches(|switches| switches.stop_abort = StopAbort::Works)
        .begin()
        .await;
    let run = play
        .act(
            Action::deploy_tested("1.1.0")
                .on_incident(When::State("prod forwards to api-1=90"), stop),
        )
        .await;
    assert_stuck(
        &run,
        &[
            "mode: rollback with rollback-to: api:1",
            "forwards 90 to api-1, 10 to api-2",
        ],
    );
    assert!(seconds(&run) < 60.0, "stuck in seconds: {}", run.text());
    let back = play
        .act(
            Action::to_service()
                .with("mode", "rollback")
                .with("rollback-to", "api:1"),
        )
        .await;
    assert_eq!(back.output("outcome"), "deployed", "{}", back.text());
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_codedeploy_canary_that_somebody_stops_where_it_is_names_the_way_back() {
    let stop = Incident::Call(
        "codedeploy.StopDeployment",
        json!({ "deploymentId": "$DEPLOYMENT", "autoRollbackEnabled": false }),
    );
    let mut play = Story::codedeploy()
        .in_real_time()
        .users(any_failure)
        .begin()
        .await;
    let run = play
        .act(Action::deploy_tested("1.1.0").on_incident(When::State("api-1=90"), stop))
        .await;
    assert_stuck(
        &run,
        &[
            "mode: rollback with rollback-to: api:1",
            "forwards 90 to api-1, 10 to api-2",
        ],
    );
    assert!(seconds(&run) < 60.0, "stuck in seconds: {}", run.text());
    let back = play
        .act(
            Action::to_service()
                .with("mode", "rollback")
                .with("rollback-to", "api:1"),
        )
        .await;
    assert_eq!(back.output("outcome"), "deployed", "{}", back.text());
    play.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_ecs_s_own_strategies_can_be_rolled_in_place() {
    for strategy in [
        Strategy::BlueGreen,
        Strategy::Canary {
            percent: 10.0,
            bake_minutes: 5,
        },
    ] {
        let mut play = Story::ecs(EcsStrategyOptions {
            strategy,
            ..EcsStrategyOptions::default()
        })
        .begin()
        .await;
        let action = Action::deploy_tested("1.1.0")
            .without("test-url")
            .with("strategy", "rolling")
            .with("deadline", "1m");
        let run = play.act(action).await;
        assert_eq!(
            (run.code, run.output("outcome")),
            (Some(0), "deployed"),
            "{}",
            run.text()
        );
        let view = play.stage.service_view("api").expect("the service");
        assert!(
            view.fleets
                .iter()
                .filter(|fleet| fleet.running > 0)
                .all(|fleet| fleet.revision.ends_with("api:2")),
            "{view:?}"
        );
        play.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_rolled_in_place_goes_back_when_production_fails_a_test() {
    let mut play = Story::blue_green().begin().await;
    let action = Action::deploy_tested("1.3.0")
        .without("test-url")
        .with("strategy", "rolling")
        .with("environment-variables", "APP_PRODUCTION_PORT=$PORT");
    let run = play.act(action).await;
    let view = play.stage.service_view("api").expect("the service");
    play.end().await;
    let serves: Vec<_> = view
        .fleets
        .iter()
        .filter(|fleet| fleet.running > 0)
        .map(|fleet| fleet.revision.clone())
        .collect();
    match run.output("outcome") {
        "rolled-back" => assert!(
            serves.iter().all(|revision| revision.ends_with("api:1")),
            "{serves:?}"
        ),
        // The rollout is over when production is tested: there is nothing to stop.
        "stuck" => assert!(
            serves.iter().all(|revision| revision.ends_with("api:2")),
            "{serves:?}"
        ),
        other => panic!("{other}: {}", run.text()),
    }
}
