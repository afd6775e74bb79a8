//! PURE: what would fail in ECS later, or would make tests of green impossible.

use super::Balancer;
use crate::aws::ecs_shapes::Service;
use crate::documents::strategy::Strategy;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::survey::Snapshot;

pub(super) fn unsupported_input_problem(input: &str, strategy: Strategy) -> Problem {
    let message = format!(
        "it has no meaning for strategy `{}`, which the service has",
        strategy.input_name()
    );
    Problem::new(
        input,
        message,
        "leave it out, or set the strategy that it belongs to",
    )
}

/// ECS manages the strategy and the hooks of an Express service.
pub(super) fn express_problems(settings: &Settings) -> Vec<Problem> {
    let given = settings.rollout.strategy.given_inputs();
    let problem = |input| {
        let message = "the service is an Express service, whose strategy, bake times and hooks ECS sets by itself";
        Problem::new(
            input,
            message,
            "leave it out; tests at production-url and alarms work",
        )
    };
    given.into_iter().map(problem).collect()
}

/// What would fail in ECS later, or would make tests of green impossible.
pub(super) fn check_testable(
    settings: &Settings,
    snapshot: &Snapshot,
    service: &Service,
    (strategy, balancer): (Strategy, Balancer),
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let tests_green = settings.checks.tests_green();
    if strategy != Strategy::Rolling
        && balancer == Balancer::LoadBalancer
        && service.production_rules().is_empty()
    {
        problems.push(Problem::new(
            "strategy",
            format!("strategy `{}` needs a second target group and a production rule, and the service's load balancer has none", strategy.input_name()),
            "give the service's load balancer an advancedConfiguration (alternateTargetGroupArn, productionListenerRule, testListenerRule, roleArn)",
        ));
    } else if tests_green
        && strategy != Strategy::Rolling
        && balancer == Balancer::LoadBalancer
        && service.test_rules().is_empty()
    {
        problems.push(Problem::new(
            settings.checks.green_gate_input(),
            "the service has no test listener rule, so no test traffic reaches green before users do",
            format!(
                "add advancedConfiguration.testListenerRule to the service's load balancer, or {}",
                leave_out_hint(settings.checks.green_gate_input())
            ),
        ));
    }
    if tests_green && balancer == Balancer::Lattice && !has_lattice_test_rule(snapshot) {
        problems.push(Problem::new(
            settings.checks.green_gate_input(),
            "the service's VPC Lattice configuration has no test listener rule, so no test traffic reaches green before users do",
            format!("add advancedConfiguration.testListenerRule to it, or {}", leave_out_hint(settings.checks.green_gate_input())),
        ));
    }
    if tests_green && (strategy == Strategy::Rolling || balancer == Balancer::Headless) {
        let why = match balancer {
            Balancer::Headless if strategy != Strategy::Rolling => {
                "the service has neither a load balancer nor Service Connect: ECS exchanges its tasks, and there is no test traffic"
            }
            _ => {
                "the service is rolled in place by ECS: there is no green that could be tested before users reach it"
            }
        };
        let input = settings.checks.green_gate_input();
        problems.push(Problem::new(
            input,
            why,
            format!(
                "{}; production-url tests after the rollout",
                leave_out_hint(input)
            ),
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn has_lattice_test_rule(snapshot: &Snapshot) -> bool {
    let blue = snapshot
        .service_deployments
        .as_ref()
        .and_then(|service_deployments| service_deployments.blue.as_ref());
    let mut configured = blue
        .into_iter()
        .flat_map(|blue| &blue.vpc_lattice_configurations);
    configured.any(|lattice| lattice["advancedConfiguration"]["testListenerRule"].is_string())
}

pub(in crate::plan) fn leave_out_hint(input: &str) -> &'static str {
    if input == "analysis" {
        "let no check of analysis be `on: green`"
    } else {
        "leave test-url out"
    }
}
