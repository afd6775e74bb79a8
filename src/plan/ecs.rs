//! PURE: the plan of a deployment that ECS performs with weights and gates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::GatePlan;
use crate::aws::ecs_shapes::Service;
use crate::choices::{Approval, Follow};
use crate::documents::deployment_configuration::{self as configuration, KnownHooks, Pause};
use crate::documents::strategy::Strategy;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::survey::{Snapshot, Thing};

/// A deployment of ECS's own, with weights and gates.
#[derive(Debug, Clone)]
pub struct EcsWay {
    /// How traffic moves.
    pub strategy: Strategy,
    /// What traffic goes through.
    pub balancer: Balancer,
    /// The configuration that goes with the UpdateService, but for our pause; none when it is as it
    /// should be.
    pub configuration: Option<Value>,
    /// The configuration before.
    pub present: Option<Value>,
    /// The hook that an earlier run left on the service, where only a tag tells.
    pub left: Option<Pause>,
    /// The stages at which it must pause.
    pub pauses: BTreeSet<String>,
    /// Those of them at which no hook of the service pauses, so that ours does.
    pub added_pauses: Vec<String>,
    /// How long a pause of ours lasts, in minutes.
    pub pause_minutes: u64,
    /// Service deployments there are before ours.
    pub known: Vec<String>,
    /// Test rules, or listeners.
    pub test: Vec<String>,
    /// Alarms of the service.
    pub alarms: Vec<String>,
    /// What is owed at green's gate.
    pub gate: GatePlan,
    /// Whether there is nothing to go back to.
    pub is_first: bool,
    /// Wanted tasks before.
    pub desired: i32,
    /// Minutes that blue is kept after the shift.
    pub bake_minutes: u64,
}

/// What traffic goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balancer {
    /// An application or network load balancer.
    Load,
    /// VPC Lattice's rules, which we do not read.
    Lattice,
    /// A gateway of ECS's own, which we do not read.
    Gateway,
    /// Service Connect's proxies.
    ServiceConnect,
    /// Nothing that ECS manages: tasks are exchanged, no traffic is.
    Headless,
}

impl Balancer {
    /// What ECS moves traffic through, where its weights are not read.
    pub fn unread(self) -> Option<&'static str> {
        match self {
            Self::Lattice => Some("VPC Lattice"),
            Self::Gateway => Some("a gateway of ECS"),
            Self::Load | Self::ServiceConnect | Self::Headless => None,
        }
    }
}

/// The way of one of ECS's own strategies; none when the service is to be rolled in place. What our pause
/// says of the run and its revision is added when the deployment is started.
pub(super) fn way(
    settings: &Settings,
    snapshot: &Snapshot,
    service: &Service,
    word: &str,
) -> Result<Option<EcsWay>, Vec<Problem>> {
    let asked = &settings.rollout.strategy;
    let Some(strategy) = asked.asked.or_else(|| Strategy::of(word)) else {
        let message = format!("the service's strategy `{word}` is newer than this action");
        return Err(vec![Problem::new(
            "strategy",
            message,
            "set strategy, or use a newer version of the action",
        )]);
    };
    let foreign: Vec<Problem> = asked
        .foreign_to(strategy)
        .into_iter()
        .map(|input| foreign(input, strategy))
        .collect();
    if !foreign.is_empty() {
        return Err(foreign);
    }
    if service.is_express() {
        let problems = express(settings);
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    let unweighted = strategy == Strategy::Rolling && word == Strategy::Rolling.word();
    let (Some(service_deployments), false) = (&snapshot.service_deployments, unweighted) else {
        return Ok(None);
    };
    let balancer = balancer(snapshot, service);
    check(settings, snapshot, service, (strategy, balancer))?;
    let present = service.deployment_configuration.as_ref();
    let left = service.tagged_pause();
    let planned = configuration::for_rollout(present, asked, KnownHooks::by_form(left.as_ref()));
    let governing = planned
        .clone()
        .or_else(|| present.cloned())
        .unwrap_or_else(|| json!({}));
    let mut way = EcsWay {
        strategy,
        balancer,
        present: present.cloned(),
        left,
        pauses: BTreeSet::new(),
        added_pauses: Vec::new(),
        pause_minutes: 0,
        known: service_deployments
            .history
            .iter()
            .map(|brief| brief.arn.clone())
            .collect(),
        test: service.test_rules(),
        alarms: service.alarms(),
        gate: GatePlan::Absent,
        is_first: !service_deployments.has_succeeded()
            && !service
                .deployments
                .iter()
                .any(crate::aws::ecs_shapes::RollingDeployment::is_completed),
        desired: i32::try_from(service.desired_count).unwrap_or(i32::MAX),
        bake_minutes: configuration::bake_minutes(&governing),
        configuration: planned,
    };
    way.pause_minutes = pause_minutes(settings, &governing);
    match snapshot.running.as_ref().map(|running| &running.thing) {
        // What is followed pauses where its own snapshot says so.
        Some(Thing::Ecs(deployment)) => {
            way.pauses = configuration::all_paused_stages(&deployment.deployment_configuration);
        }
        _ => pauses(settings, service, &mut way, &governing)?,
    }
    way.added_pauses = added_pauses(&way);
    way.gate = gate(settings, &way);
    Ok(Some(way))
}

fn foreign(input: &str, strategy: Strategy) -> Problem {
    let message = format!(
        "it has no meaning for strategy `{}`, which the service has",
        strategy.input()
    );
    Problem::new(
        input,
        message,
        "leave it out, or set the strategy that it belongs to",
    )
}

fn balancer(snapshot: &Snapshot, service: &Service) -> Balancer {
    if !service.load_balancers.is_empty() {
        return Balancer::Load;
    }
    let blue = snapshot
        .service_deployments
        .as_ref()
        .and_then(|service_deployments| service_deployments.blue.as_ref());
    let connected = blue
        .and_then(|blue| blue.service_connect_configuration.as_ref())
        .is_some_and(|connect| connect.enabled);
    match blue {
        Some(blue) if !blue.vpc_lattice_configurations.is_empty() => Balancer::Lattice,
        Some(blue) if !blue.gateway_connectors.is_empty() => Balancer::Gateway,
        _ if connected => Balancer::ServiceConnect,
        _ => Balancer::Headless,
    }
}

/// The strategy of an Express service, and its hooks, are ECS's.
fn express(settings: &Settings) -> Vec<Problem> {
    let given = settings.rollout.strategy.given();
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

/// What would fail in ECS later, or leave nothing that could be tested.
fn check(
    settings: &Settings,
    snapshot: &Snapshot,
    service: &Service,
    (strategy, balancer): (Strategy, Balancer),
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let tests_green = settings.checks.asks_green();
    if strategy != Strategy::Rolling
        && balancer == Balancer::Load
        && service.production_rules().is_empty()
    {
        problems.push(Problem::new(
            "strategy",
            format!("strategy `{}` needs a second target group and a production rule, and the service's load balancer has none", strategy.input()),
            "give the service's load balancer an advancedConfiguration (alternateTargetGroupArn, productionListenerRule, testListenerRule, roleArn)",
        ));
    } else if tests_green
        && strategy != Strategy::Rolling
        && balancer == Balancer::Load
        && service.test_rules().is_empty()
    {
        problems.push(Problem::new(
            settings.checks.input_on_green(),
            "the service has no test listener rule, so no test traffic reaches green before users do",
            format!(
                "add advancedConfiguration.testListenerRule to the service's load balancer, or {}",
                leave_out(settings.checks.input_on_green())
            ),
        ));
    }
    if tests_green && balancer == Balancer::Lattice && !has_lattice_test_rule(snapshot) {
        problems.push(Problem::new(
            settings.checks.input_on_green(),
            "the service's VPC Lattice configuration has no test listener rule, so no test traffic reaches green before users do",
            format!("add advancedConfiguration.testListenerRule to it, or {}", leave_out(settings.checks.input_on_green())),
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
        let input = settings.checks.input_on_green();
        problems.push(Problem::new(
            input,
            why,
            format!(
                "{}; production-url tests after the rollout",
                leave_out(input)
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

/// How green's gate is not asked for.
pub(super) fn leave_out(input: &str) -> &'static str {
    if input == "analysis" {
        "let no check of analysis be `on: green`"
    } else {
        "leave test-url out"
    }
}

/// The stages at which the rollout has to wait for us, whoever's hook it is; and the configuration
/// without ours.
fn pauses(
    settings: &Settings,
    service: &Service,
    way: &mut EcsWay,
    governing: &Value,
) -> Result<(), Vec<Problem>> {
    let theirs =
        configuration::paused_stages(Some(governing), KnownHooks::by_form(way.left.as_ref()));
    let needed = needed(settings, way.strategy);
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
        way.pauses = theirs;
        let needs_green = needed
            .iter()
            .any(|(stage, _)| *stage == configuration::GREEN)
            && !way.pauses.contains(configuration::GREEN);
        return if needs_green {
            Err(vec![express_gate(settings)])
        } else {
            Ok(())
        };
    }
    if settings.rollout.strategy.manage_hooks {
        way.pauses = theirs
            .into_iter()
            .chain(missing.into_iter().map(str::to_owned))
            .collect();
        return Ok(());
    }
    way.pauses = theirs;
    if unavoidable.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the service has no PAUSE hook at {}, and manage-hooks is false",
        unavoidable.join(", ")
    );
    let remedy = format!(
        "add to the service's deploymentConfiguration: {}; or let manage-hooks be true",
        configuration::snippet(&unavoidable, way.pause_minutes)
    );
    Err(vec![Problem::new("manage-hooks", message, remedy)])
}

/// The stages that are left for our pause, in the order in which a rollout comes to them.
fn added_pauses(way: &EcsWay) -> Vec<String> {
    let left = KnownHooks::by_form(way.left.as_ref());
    let theirs = configuration::paused_stages(way.present.as_ref(), left);
    [
        configuration::GREEN,
        configuration::STEP,
        configuration::PRODUCTION,
    ]
    .into_iter()
    .filter(|stage| way.pauses.contains(*stage) && !theirs.contains(*stage))
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

fn gate(settings: &Settings, way: &EcsWay) -> GatePlan {
    if !way.pauses.contains(configuration::GREEN) {
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
fn pause_minutes(settings: &Settings, governing: &Value) -> u64 {
    const A_DAY: u64 = 24 * 60;
    if settings.control.approval == Approval::BeforeTraffic && settings.rollout.deadline.is_none() {
        return A_DAY;
    }
    let rollout = &settings.rollout;
    let shift = std::time::Duration::from_mins(configuration::shift_minutes(governing));
    configuration::pause_minutes(rollout.deadline.unwrap_or(rollout.wait + shift))
}

/// Green's shares before it has everything, in percent, each with its minutes.
pub(super) fn partial_shares(way: &EcsWay) -> Vec<(f64, u64)> {
    governing(way).map_or_else(Vec::new, configuration::partial_shares)
}

/// The hook that an earlier attempt of this run added for the deployment that it started, where
/// neither mark nor tag tells: it is the one that this run would ask for, and came with the
/// deployment.
pub(super) fn adopted_pause(settings: &Settings, snapshot: &Snapshot, run: &str) -> Option<Pause> {
    let running = snapshot
        .running
        .as_ref()
        .filter(|running| running.is_ours && running.run.is_none())?;
    let (Thing::Ecs(deployment), Some(before)) = (&running.thing, &running.hooks_before) else {
        return None;
    };
    let configured = &deployment.deployment_configuration;
    configuration::unmarked_pause(configured, before, pause_minutes(settings, configured), run)
}

/// In how many shares the traffic goes over.
pub(super) fn shares(way: &EcsWay) -> u32 {
    governing(way).map_or(1, configuration::shares)
}

/// The configuration under which it is rolled out, where there is any.
fn governing(way: &EcsWay) -> Option<&Value> {
    way.configuration.as_ref().or(way.present.as_ref())
}

/// Minutes that the rollout takes by itself.
pub(super) fn minutes(settings: &Settings, way: &EcsWay) -> i64 {
    let shift = governing(way).map_or(0, configuration::shift_minutes);
    let bake = if settings.rollout.follow == Follow::Completed {
        way.bake_minutes
    } else {
        0
    };
    i64::try_from(shift + bake).unwrap_or(0)
}

pub(super) fn lines(way: &EcsWay) -> Vec<String> {
    let gate = match (way.gate, way.balancer) {
        (_, Balancer::Headless) => {
            "the service is headless (no load balancer, no Service Connect): ECS exchanges tasks, no traffic is managed"
        }
        (GatePlan::Test, _) => super::TESTED,
        (GatePlan::Pass, _) => {
            "green is not tested before users reach it (no smoke-tests with test-url)"
        }
        (GatePlan::Absent, _) => "ECS shifts traffic as soon as green is up",
    };
    let ours = [
        configuration::GREEN,
        configuration::STEP,
        configuration::PRODUCTION,
    ];
    let theirs = way
        .pauses
        .iter()
        .map(String::as_str)
        .filter(|stage| !ours.contains(stage));
    let pauses = theirs
        .chain(ours.into_iter().filter(|stage| way.pauses.contains(*stage)))
        .collect::<Vec<_>>()
        .join(", ");
    let mut lines = vec![
        gate.to_owned(),
        format!(
            "ECS shifts traffic ({}), and keeps blue for {} min after it",
            way.strategy.input(),
            way.bake_minutes
        ),
    ];
    if !pauses.is_empty() {
        lines.push(format!("it pauses at {pauses}"));
    }
    if let Some(through) = way.balancer.unread() {
        lines.push(format!("traffic goes through {through}, whose weights are not read: what serves is taken from ECS"));
    }
    lines
}
