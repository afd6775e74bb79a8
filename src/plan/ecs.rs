//! PURE: the plan of a deployment that ECS performs with weights and gates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws::ecs_shapes::Service;
use crate::documents::deployment_configuration::{self as configuration, HookIdentity, Pause};
use crate::documents::strategy::Strategy;
use crate::identity::ServiceDeploymentArn;
use crate::problem::Problem;
use crate::rollout_kind::GatePlan;
use crate::settings::Settings;
use crate::survey::Snapshot;

mod check;
mod pauses;
mod planned;

pub(super) use check::leave_out_hint;
use check::{check_testable, express_problems, unsupported_input_problem};
use pauses::{added_pauses, pause_minutes, plan_gate, plan_pauses};

/// A deployment by one of ECS's own strategies, with weights and gates.
#[derive(Debug, Clone)]
pub struct EcsPlan {
    /// How traffic moves.
    pub strategy: Strategy,
    /// What traffic goes through.
    pub balancer: Balancer,
    /// The configuration that is sent with UpdateService, without our pause; none when nothing
    /// changes.
    pub configuration: Option<Value>,
    /// The configuration before the deployment.
    pub present_configuration: Option<Value>,
    /// The hook that an earlier run left on the service, known only from the tag.
    pub leftover_pause: Option<Pause>,
    /// The stages at which it must pause.
    pub pauses: BTreeSet<String>,
    /// Those of them at which the service has no hook, so that ours is added.
    pub added_pauses: Vec<String>,
    /// How long a pause of ours lasts, in minutes.
    pub pause_minutes: u64,
    /// Service deployments that existed before ours.
    pub existing_deployments: Vec<ServiceDeploymentArn>,
    /// Test rules, or listeners.
    pub test_rules: Vec<String>,
    /// The service's alarms, which ECS watches itself.
    pub alarms: Vec<String>,
    /// What must be done at green's gate.
    pub gate: GatePlan,
    /// Whether there is nothing to go back to.
    pub is_first: bool,
    /// The desired count before the deployment.
    pub desired_count: i32,
    /// Minutes that blue is kept after the shift.
    pub bake_minutes: u64,
}

/// What traffic goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balancer {
    /// An application or network load balancer.
    LoadBalancer,
    /// VPC Lattice, whose rules are not read.
    Lattice,
    /// A gateway that ECS manages, which is not read.
    Gateway,
    /// Service Connect's proxies.
    ServiceConnect,
    /// Nothing that ECS manages: tasks are replaced, and no traffic is shifted.
    Headless,
}

impl Balancer {
    /// The name of what ECS moves traffic through, if its weights are not read.
    pub fn unread_name(self) -> Option<&'static str> {
        match self {
            Self::Lattice => Some("VPC Lattice"),
            Self::Gateway => Some("a gateway of ECS"),
            Self::LoadBalancer | Self::ServiceConnect | Self::Headless => None,
        }
    }
}

/// The plan for one of ECS's own strategies; none when the service is rolled in place. Our pause
/// gets its run and revision when the deployment is started.
pub(super) fn plan(
    settings: &Settings,
    snapshot: &Snapshot,
    service: &Service,
    word: &str,
) -> Result<Option<EcsPlan>, Vec<Problem>> {
    let strategy_request = &settings.rollout.strategy;
    let Some(strategy) = strategy_request
        .requested
        .or_else(|| Strategy::from_aws_name(word))
    else {
        let message = format!("the service's strategy `{word}` is newer than this action");
        return Err(vec![Problem::new(
            "strategy",
            message,
            "set strategy, or use a newer version of the action",
        )]);
    };
    let unsupported: Vec<Problem> = strategy_request
        .unsupported_inputs(strategy)
        .into_iter()
        .map(|input| unsupported_input_problem(input, strategy))
        .collect();
    if !unsupported.is_empty() {
        return Err(unsupported);
    }
    if service.is_express() {
        let problems = express_problems(settings);
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    let unweighted = strategy == Strategy::Rolling && word == Strategy::Rolling.aws_name();
    let (Some(service_deployments), false) = (&snapshot.service_deployments, unweighted) else {
        return Ok(None);
    };
    let balancer = find_balancer(snapshot, service);
    check_testable(settings, snapshot, service, (strategy, balancer))?;
    let present = service.deployment_configuration.as_ref();
    let left = service.tagged_pause();
    let planned = configuration::for_rollout(
        present,
        strategy_request,
        HookIdentity::from_pause(left.as_ref()),
    );
    let governing = planned
        .clone()
        .or_else(|| present.cloned())
        .unwrap_or_else(|| json!({}));
    let mut plan = EcsPlan {
        strategy,
        balancer,
        present_configuration: present.cloned(),
        leftover_pause: left,
        pauses: BTreeSet::new(),
        added_pauses: Vec::new(),
        pause_minutes: 0,
        existing_deployments: service_deployments
            .history
            .iter()
            .map(|brief| brief.arn.clone())
            .collect(),
        test_rules: service.test_rules(),
        alarms: service.alarms(),
        gate: GatePlan::Absent,
        is_first: !service_deployments.has_succeeded()
            && !service
                .deployments
                .iter()
                .any(crate::aws::ecs_shapes::RollingDeployment::is_completed),
        desired_count: i32::try_from(service.desired_count).unwrap_or(i32::MAX),
        bake_minutes: configuration::bake_minutes(&governing),
        configuration: planned,
    };
    plan.pause_minutes = pause_minutes(settings, &governing);
    let running = snapshot.running.as_ref();
    match running.and_then(|running| running.deployment.deployment_configuration()) {
        // A followed rollout pauses where its own copy of the configuration says.
        Some(configured) => plan.pauses = configuration::all_paused_stages(configured),
        None => plan_pauses(settings, service, &mut plan, &governing)?,
    }
    plan.added_pauses = added_pauses(&plan);
    plan.gate = plan_gate(settings, &plan);
    Ok(Some(plan))
}

fn find_balancer(snapshot: &Snapshot, service: &Service) -> Balancer {
    if !service.load_balancers.is_empty() {
        return Balancer::LoadBalancer;
    }
    let blue = snapshot
        .service_deployments
        .as_ref()
        .and_then(|service_deployments| service_deployments.blue.as_ref());
    let uses_service_connect = blue
        .and_then(|blue| blue.service_connect_configuration.as_ref())
        .is_some_and(|connect| connect.enabled);
    match blue {
        Some(blue) if !blue.vpc_lattice_configurations.is_empty() => Balancer::Lattice,
        Some(blue) if !blue.gateway_connectors.is_empty() => Balancer::Gateway,
        _ if uses_service_connect => Balancer::ServiceConnect,
        _ => Balancer::Headless,
    }
}

/// The hook that an earlier attempt of this run added for its deployment, if neither mark nor tag
/// shows it: it equals the one that this run would add, and did not exist before the deployment.
pub(super) fn find_adopted_pause(
    settings: &Settings,
    snapshot: &Snapshot,
    run: &str,
) -> Option<Pause> {
    let running = snapshot
        .running
        .as_ref()
        .filter(|running| running.is_ours && running.run.is_none())?;
    let configured = running.deployment.deployment_configuration()?;
    let before = running.hooks_before.as_ref()?;
    configuration::find_unmarked_pause(configured, before, pause_minutes(settings, configured), run)
}
