//! PURE: the stages at which the rollout pauses for an answer, and for how long.

use serde_json::Value;

use super::EcsPlan;
use super::check::leave_out;
use crate::aws::ecs_shapes::Service;
use crate::choices::{Approval, Follow};
use crate::documents::deployment_configuration::{self as configuration, KnownHooks};
use crate::documents::strategy::Strategy;
use crate::problem::Problem;
use crate::rollout_kind::GatePlan;
use crate::settings::Settings;

/// The stages at which the rollout has to wait for us, whoever's hook it is; and the configuration
/// without ours.
pub(super) fn pauses(
    settings: &Settings,
    service: &Service,
    plan: &mut EcsPlan,
    governing: &Value,
) -> Result<(), Vec<Problem>> {
    let theirs =
        configuration::paused_stages(Some(governing), KnownHooks::by_form(plan.left.as_ref()));
    let needed = needed(settings, plan.strategy);
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(stage, _)| !theirs.contains(*stage))
        .map(|(stage, _)| *stage)
        .collect();
    let unavoidable: Vec<&str> = needed
        .iter()
        .filter(|(stage, need)| *need == GateNeed::Must && !theirs.contains(*stage))
        .map(|(stage, _)| *stage)
        .collect();
    if service.is_express() {
        plan.pauses = theirs;
        let needs_green = needed
            .iter()
            .any(|(stage, _)| *stage == configuration::GREEN)
            && !plan.pauses.contains(configuration::GREEN);
        return if needs_green {
            Err(vec![express_gate(settings)])
        } else {
            Ok(())
        };
    }
    if settings.rollout.strategy.manage_hooks {
        plan.pauses = theirs
            .into_iter()
            .chain(missing.into_iter().map(str::to_owned))
            .collect();
        return Ok(());
    }
    plan.pauses = theirs;
    if unavoidable.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the service has no PAUSE hook at {}, and manage-hooks is false",
        unavoidable.join(", ")
    );
    let remedy = format!(
        "add to the service's deploymentConfiguration: {}; or let manage-hooks be true",
        configuration::snippet(&unavoidable, plan.pause_minutes)
    );
    Err(vec![Problem::new("manage-hooks", message, remedy)])
}

/// The stages that are left for our pause, in the order in which a rollout comes to them.
pub(super) fn added_pauses(plan: &EcsPlan) -> Vec<String> {
    let left = KnownHooks::by_form(plan.left.as_ref());
    let theirs = configuration::paused_stages(plan.present.as_ref(), left);
    [
        configuration::GREEN,
        configuration::STEP,
        configuration::PRODUCTION,
    ]
    .into_iter()
    .filter(|stage| plan.pauses.contains(*stage) && !theirs.contains(*stage))
    .map(str::to_owned)
    .collect()
}

/// Green of an Express service gets traffic as soon as it is up.
fn express_gate(settings: &Settings) -> Problem {
    let (input, remedy) = if settings.checks.asks_green() {
        let input = settings.checks.input_on_green();
        (input, leave_out(input))
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

/// How much a gate is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GateNeed {
    /// Without it something that was asked for cannot be done.
    Must,
    /// Without it AWS's own checks are all there is.
    May,
}

fn needed(settings: &Settings, strategy: Strategy) -> Vec<(&'static str, GateNeed)> {
    // A rollout that nobody follows must not wait for anybody.
    if strategy == Strategy::Rolling || settings.rollout.follow == Follow::Not {
        return Vec::new();
    }
    let checks = &settings.checks;
    let green = checks.asks_green() || settings.control.approval == Approval::BeforeTraffic;
    let tested = checks.suite.is_some() && checks.production_url.is_some();
    let all = [
        (configuration::GREEN, GateNeed::Must, green),
        (configuration::STEP, GateNeed::May, strategy.has_steps()),
        // Without it, blue is only kept for as long as the service bakes.
        (
            configuration::PRODUCTION,
            if tested {
                GateNeed::Must
            } else {
                GateNeed::May
            },
            tested || checks.analysis.is_some(),
        ),
    ];
    all.into_iter()
        .filter(|(_, _, is_needed)| *is_needed)
        .map(|(stage, need, _)| (stage, need))
        .collect()
}

pub(super) fn gate(settings: &Settings, plan: &EcsPlan) -> GatePlan {
    if !plan.pauses.contains(configuration::GREEN) {
        return GatePlan::Absent;
    }
    if settings.checks.asks_green() {
        GatePlan::Test
    } else {
        GatePlan::Pass
    }
}

/// A pause of ours lasts as long as we follow; one that waits for a person gets ECS's own day
/// unless a deadline says otherwise.
pub(super) fn pause_minutes(settings: &Settings, governing: &Value) -> u64 {
    const A_DAY: u64 = 24 * 60;
    if settings.control.approval == Approval::BeforeTraffic && settings.rollout.deadline.is_none() {
        return A_DAY;
    }
    let rollout = &settings.rollout;
    let shift = std::time::Duration::from_mins(configuration::shift_minutes(governing));
    configuration::pause_minutes(rollout.deadline.unwrap_or(rollout.wait + shift))
}
