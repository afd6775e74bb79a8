//! PURE: what is done before a deployment is planned: which run goes first, and what is cleaned up
//! after dead runs.

use super::{running, task};
use crate::aws::ecs_shapes::Service;
use crate::choices::{IfRunning, PollSettings, ScaleIn, StaleRun};
use crate::documents::deployment_configuration::{HookIdentity, run_of_hooks};
use crate::run_order::RunOrder;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::survey::Snapshot;
use crate::undo::{HooksUndo, ServiceKey, Undo};

/// What is done before a deployment is planned.
#[derive(Debug)]
pub struct Clearance {
    /// What is done about another rollout in progress.
    pub queue: QueuePlan,
    /// The token with which GitHub is asked whether a newer run has deployed already; none if that
    /// is not wanted or not possible.
    pub newer_run: Option<Secret>,
    /// What is removed that dead runs left on the service; none while a rollout is in progress.
    pub leftovers: Option<LeftoversPlan>,
}

/// What is done about another run's rollout that is in progress.
#[derive(Debug)]
pub enum QueuePlan {
    /// There is none, or it does not matter to this run.
    Free,
    /// A new rolling deployment replaces the old one by itself.
    Replaced,
    /// The run does not start; the plan gives the reason.
    Refused,
    /// The run waits for its end.
    Wait(WaitPlan),
    /// It is rolled back first.
    Supersede(Box<SupersedePlan>),
}

/// How another run's rollout is rolled back first.
#[derive(Debug)]
pub struct SupersedePlan {
    /// The rollout.
    pub undo: Undo,
    /// The undo of its revision, which nothing else would remove.
    pub revision: Option<Undo>,
}

/// How the run waits for the end of another run's rollout.
#[derive(Debug)]
pub struct WaitPlan {
    /// The service.
    pub place: ServiceKey,
    /// How long it waits, and for which runs it does not.
    pub order: RunOrder,
    /// How often AWS is read.
    pub poll: PollSettings,
    /// The token with which GitHub is asked for the place in the queue.
    pub token: Option<Secret>,
}

/// Where dead runs may have left changes.
#[derive(Debug)]
pub struct LeftoversPlan {
    /// The names of cluster and service.
    pub names: ServiceKey,
    /// What this run does with scale-in: a workflow that does not use the feature need not allow
    /// its reads.
    pub scale_in: ScaleIn,
    /// The hooks that are removed, or the tag that describes some.
    pub leftover_hooks: Option<LeftoverHooks>,
}

/// PAUSE hooks that a dead run left.
#[derive(Debug)]
pub struct LeftoverHooks {
    /// The workflow run whose hooks are still there; none if only the tag is.
    pub run: Option<String>,
    /// How they are removed.
    pub undo: Undo,
}

/// What is done before a deployment is planned.
pub fn clearance(settings: &Settings, snapshot: &Snapshot) -> Clearance {
    let asks = settings.mode.plans_deployment() && settings.control.stale_run == StaleRun::Refuse;
    Clearance {
        queue: plan_queue(settings, snapshot),
        newer_run: settings.control.github_token.clone().filter(|_| asks),
        leftovers: plan_leftovers(settings, snapshot),
    }
}

fn plan_queue(settings: &Settings, snapshot: &Snapshot) -> QueuePlan {
    let Some(running) = snapshot
        .running
        .as_ref()
        .filter(|running| settings.mode.plans_deployment() && !running.is_ours)
    else {
        return QueuePlan::Free;
    };
    match snapshot.if_running(settings.control.if_running) {
        IfRunning::Wait => QueuePlan::Wait(WaitPlan {
            place: running::service_key(settings),
            order: task::run_order(settings),
            poll: settings.rollout.poll,
            token: settings.control.github_token.clone(),
        }),
        IfRunning::Fail => QueuePlan::Refused,
        IfRunning::Supersede if running.deployment.is_replaceable() => QueuePlan::Replaced,
        IfRunning::Supersede => {
            let revision = running::revision_undo(settings, snapshot);
            running::rollout_undo(settings, snapshot).map_or(QueuePlan::Refused, |undo| {
                QueuePlan::Supersede(Box::new(SupersedePlan { undo, revision }))
            })
        }
    }
}

fn plan_leftovers(settings: &Settings, snapshot: &Snapshot) -> Option<LeftoversPlan> {
    let service = snapshot
        .service
        .as_ref()
        .filter(|_| snapshot.running.is_none())?;
    Some(LeftoversPlan {
        names: ServiceKey {
            cluster: service.cluster_name().into(),
            service: service.service_name.clone(),
        },
        scale_in: settings.control.scale_in,
        leftover_hooks: find_leftover_hooks(settings, service),
    })
}

/// Hooks that a dead run left would pause the next deployment, whoever starts it, so every run
/// removes them.
fn find_leftover_hooks(settings: &Settings, service: &Service) -> Option<LeftoverHooks> {
    let tagged = service.tagged_pause();
    let run = service
        .deployment_configuration
        .as_ref()
        .and_then(|configuration| {
            run_of_hooks(configuration, HookIdentity::from_pause(tagged.as_ref()))
        })
        .map(str::to_owned);
    let undo = Undo::Hooks(HooksUndo {
        place: running::service_key(settings),
        ..HooksUndo::default()
    });
    (run.is_some() || service.has_pause_tag()).then_some(LeftoverHooks { run, undo })
}
