//! Services whose traffic ECS moves where this action cannot read it, and services that ECS
//! manages.

use ecs_bluegreen_sim::{EcsStrategyOptions, LoadBalancerKind, Strategy};
use insta::assert_snapshot;

use crate::harness::ecs::assert_finished;
use crate::harness::{Action, Story};

fn story(kind: LoadBalancerKind) -> Story {
    let strategy = Strategy::Canary {
        percent: 10.0,
        bake_minutes: 1,
    };
    Story::ecs(EcsStrategyOptions {
        kind,
        strategy,
        ..EcsStrategyOptions::default()
    })
}

fn express() -> Story {
    Story::ecs(EcsStrategyOptions {
        express: true,
        ..EcsStrategyOptions::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_vpc_lattice_and_gateways_users_are_shifted_and_what_was_not_seen_is_said() {
    let mut ends = Vec::new();
    for kind in [LoadBalancerKind::Lattice, LoadBalancerKind::Gateway] {
        let mut play = story(kind).begin().await;
        let run = play
            .act(Action::deploy_tested_by("1.1.0", &["health"]))
            .await;
        assert_finished(&play, "api-2").await;
        play.end().await;
        assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
        ends.push(format!(
            "{}\n{}\n{}",
            run.log_with("traffic goes through").trim(),
            run.log_with("gets its test traffic"),
            run.ending()
        ));
        let mut play = story(kind).begin().await;
        let run = play
            .act(Action::deploy_tested_by("1.2.0", &["health"]))
            .await;
        assert_finished(&play, "api-1").await;
        play.end().await;
        assert_eq!(
            (run.output("outcome"), run.output("reason")),
            ("rolled-back", "smoke-failed"),
            "{}",
            run.text()
        );
    }
    assert_snapshot!(ends.join("\n\n"), @"
    traffic goes through VPC Lattice, whose weights are not read: what serves is taken from ECS
    green gets its test traffic through VPC Lattice; that test-url leads there is not checked
    exit code 0
    ---
    Green serves 100 % of production: api:2 (as the controller says; nothing else could be read).
    Outcome: deployed, exit code 0, after [time]
    ---
    ecs:RegisterTaskDefinition
    ecs:UpdateService
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:ContinueServiceDeployment
    ecs:UpdateService

    traffic goes through a gateway of ECS, whose weights are not read: what serves is taken from ECS
    green gets its test traffic through a gateway of ECS; that test-url leads there is not checked
    exit code 0
    ---
    Green serves 100 % of production: api:2 (as the controller says; nothing else could be read).
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
async fn an_express_service_keeps_its_strategy_and_hooks_and_is_deployed_and_followed() {
    let run = express()
        .run(
            Action::deploy_tested("1.1.0")
                .with("strategy", "canary")
                .with("bake", "3m"),
        )
        .await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0));
    let green = express().run(Action::deploy_tested("1.1.0")).await;
    assert_eq!((green.code, green.calls.len()), (Some(2), 0));
    let approval = express()
        .run(Action::deploy("1.1.0").with("approval", "before-traffic"))
        .await;
    assert_eq!(
        (approval.code, approval.calls.len()),
        (Some(2), 0),
        "{}",
        approval.text()
    );
    assert!(
        approval
            .log_with("::error")
            .contains("approval: the service is an Express service"),
        "{}",
        approval.text()
    );
    assert_snapshot!([run.ending(), green.ending()].join("\n\n"), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 2 problems
    ::error title=input refused::strategy: the service is an Express service, whose strategy, bake times and hooks ECS sets by itself
      hint: leave it out; tests at production-url and alarms work
    ::error title=input refused::bake: the service is an Express service, whose strategy, bake times and hooks ECS sets by itself
      hint: leave it out; tests at production-url and alarms work

    exit code 2
    ---
    Nothing was touched: the inputs have a problem
    ::error title=input refused::test-url: the service is an Express service, to which no PAUSE hook can be added: nothing can be done before users reach green
      hint: leave test-url out; production-url tests while blue is kept
    ");
    let mut play = express().begin().await;
    let run = play
        .act(Action::deploy_tested_by("1.1.0", &["health"]).without("test-url"))
        .await;
    assert_finished(&play, "api-2").await;
    play.end().await;
    assert_eq!(run.output("outcome"), "deployed", "{}", run.text());
    assert_ne!(
        run.log_with("✓ Smoke tests on production"),
        "",
        "{}",
        run.text()
    );
    let update = run
        .calls
        .iter()
        .find(|call| call.operation == "ecs:UpdateService")
        .expect("an update");
    assert!(
        update.request.get("deploymentConfiguration").is_none(),
        "{update:?}"
    );
}
