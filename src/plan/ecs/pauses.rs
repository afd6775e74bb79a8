//! PURE: the stages at which the rollout pauses for an answer, and for how long.

use serde_json::Value;

use super::EcsPlan;
use super::check::leave_out_hint;
use crate::aws::ecs_shapes::Service;
use crate::choices::{Approval, Follow};
use crate::documents::deployment_configuration::{self as configuration, HookIdentity};
use crate::documents::strategy::Strategy;
use crate::problem::Problem;
use crate::rollout_kind::GatePlan;
use crate::settings::Settings;

/// The stages at which the rollout must wait for us, with anybody's hook; and the configuration
/// without ours.
pub(super) fn plan_pauses(
    settings: &Settings,
    service: &Service,
    plan: &mut EcsPlan,
    governing: &Value,
) -> Result<(), Vec<Problem>> {
    let paused_by_others = configuration::paused_stages(
        Some(governing),
        HookIdentity::from_pause(plan.leftover_pause.as_ref()),
    );
    let needed = needed_gates(settings, plan.strategy);
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(stage, _)| !paused_by_others.contains(*stage))
        .map(|(stage, _)| *stage)
        .collect();
    let unavoidable: Vec<&str> = needed
        .iter()
        .filter(|(stage, need)| *need == GateNeed::Required && !paused_by_others.contains(*stage))
        .map(|(stage, _)| *stage)
        .collect();
    if service.is_express() {
        plan.pauses = paused_by_others;
        let needs_green = needed
            .iter()
            .any(|(stage, _)| *stage == configuration::GREEN)
            && !plan.pauses.contains(configuration::GREEN);
        return if needs_green {
            Err(vec![express_gate_problem(settings)])
        } else {
            Ok(())
        };
    }
    if settings.rollout.strategy.manage_hooks {
        plan.pauses = paused_by_others
            .into_iter()
            .chain(missing.into_iter().map(str::to_owned))
            .collect();
        return Ok(());
    }
    plan.pauses = paused_by_others;
    if unavoidable.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the service has no PAUSE hook at {}, and manage-hooks is false",
        unavoidable.join(", ")
    );
    let remedy = format!(
        "add to the service's deploymentConfiguration: {}; or let manage-hooks be true",
        configuration::hook_snippet(&unavoidable, plan.pause_minutes)
    );
    Err(vec![Problem::new("manage-hooks", message, remedy)])
}

/// The stages that need our pause, in the order of a rollout.
pub(super) fn added_pauses(plan: &EcsPlan) -> Vec<String> {
    let left = HookIdentity::from_pause(plan.leftover_pause.as_ref());
    let paused_by_others = configuration::paused_stages(plan.present_configuration.as_ref(), left);
    [
        configuration::GREEN,
        configuration::STEP,
        configuration::PRODUCTION,
    ]
    .into_iter()
    .filter(|stage| plan.pauses.contains(*stage) && !paused_by_others.contains(*stage))
    .map(str::to_owned)
    .collect()
}

/// Green of an Express service receives traffic as soon as it is up.
fn express_gate_problem(settings: &Settings) -> Problem {
    let (input, remedy) = if settings.checks.tests_green() {
        let input = settings.checks.green_gate_input();
        (input, leave_out_hint(input))
    } else {
        ("approval", "leave approval out")
    };
    let message = "the service is an Express service, to which no PAUSE hook can be added: nothing can be done before users reach green";
    Problem::new(
        input,
        message,
        format!("{remedy}; production-url tests while blue is kept"),
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GateNeed {
    /// Something that the user asked for is impossible without it.
    Required,
    /// Without it, only AWS's own checks run.
    Optional,
}

fn needed_gates(settings: &Settings, strategy: Strategy) -> Vec<(&'static str, GateNeed)> {
    // A rollout that no run follows must not wait for an answer.
    if strategy == Strategy::Rolling || settings.rollout.follow == Follow::LeaveToAws {
        return Vec::new();
    }
    let checks = &settings.checks;
    let green = checks.tests_green() || settings.control.approval == Approval::BeforeTraffic;
    let tested = checks.suite.is_some() && checks.production_url.is_some();
    let all = [
        (configuration::GREEN, GateNeed::Required, green),
        (
            configuration::STEP,
            GateNeed::Optional,
            strategy.has_steps(),
        ),
        // Without our pause, blue is only kept for the service's bake time.
        (
            configuration::PRODUCTION,
            if tested {
                GateNeed::Required
            } else {
                GateNeed::Optional
            },
            tested || checks.analysis.is_some(),
        ),
    ];
    all.into_iter()
        .filter(|(_, _, is_needed)| *is_needed)
        .map(|(stage, need, _)| (stage, need))
        .collect()
}

pub(super) fn plan_gate(settings: &Settings, plan: &EcsPlan) -> GatePlan {
    if !plan.pauses.contains(configuration::GREEN) {
        return GatePlan::Absent;
    }
    if settings.checks.tests_green() {
        GatePlan::Test
    } else {
        GatePlan::Pass
    }
}

/// Our pause lasts as long as the run follows the rollout. One that waits for a person lasts ECS's
/// default of a day, unless a deadline is set.
pub(super) fn pause_minutes(settings: &Settings, governing: &Value) -> u64 {
    const MINUTES_PER_DAY: u64 = 24 * 60;
    if settings.control.approval == Approval::BeforeTraffic && settings.rollout.deadline.is_none() {
        return MINUTES_PER_DAY;
    }
    let rollout = &settings.rollout;
    let shift = std::time::Duration::from_mins(configuration::shift_minutes(governing));
    configuration::pause_minutes(rollout.deadline.unwrap_or(rollout.wait + shift))
}
