//! PURE: what comes before a deployment is planned: who goes first, and what dead runs have left.

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
    /// What is done about the rollout that is in progress.
    pub queue: QueuePlan,
    /// With this token GitHub is asked whether a newer run has deployed already; none where nobody
    /// wants to know, or nobody could ask.
    pub newer_run: Option<Secret>,
    /// What is taken away that dead runs have left on the service; none while something is in
    /// progress.
    pub leftovers: Option<LeftoversPlan>,
}

/// What is done about another run's rollout that is in progress.
#[derive(Debug)]
pub enum QueuePlan {
    /// There is none, or it does not concern this run.
    Free,
    /// A new rolling deployment takes the old one's place by itself.
    Replaced,
    /// The plan says why this run does not start.
    Refused,
    /// Its end is waited for.
    Wait(WaitPlan),
    /// It is rolled back first.
    Supersede(Box<SupersedePlan>),
}

/// How another run's rollout is rolled back first.
#[derive(Debug)]
pub struct SupersedePlan {
    /// The rollout.
    pub undo: Undo,
    /// The revision that nobody else removes.
    pub revision: Option<Undo>,
}

/// How the end of another run's rollout is waited for.
#[derive(Debug)]
pub struct WaitPlan {
    /// The service.
    pub place: ServiceKey,
    /// How long, and for whom not.
    pub order: RunOrder,
    /// How often AWS is looked at.
    pub poll: PollSettings,
    /// With this token GitHub tells the place in the queue.
    pub token: Option<Secret>,
}

/// Where dead runs may have left something.
#[derive(Debug)]
pub struct LeftoversPlan {
    /// The names of cluster and service.
    pub names: ServiceKey,
    /// What this run does with scale-in: whoever does not use the feature need not allow its reads.
    pub scale_in: ScaleIn,
    /// Hooks, or the tag that tells of some, that are removed.
    pub leftover_hooks: Option<LeftoverHooks>,
}

/// What is left of PAUSE hooks.
#[derive(Debug)]
pub struct LeftoverHooks {
    /// The workflow run whose hooks are still there; none where only the tag is.
    pub run: Option<String>,
    /// How they are removed.
    pub undo: Undo,
}

/// What comes before the plan of a deployment.
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

/// Hooks that a dead run has left would stop the next deployment that anyone starts: this run's
/// ends all take them away.
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
