//! PURE: the rollout in progress, of any run: how it is followed, answered, or rolled back.

use super::{ChecksPlan, GroupKey, MigrationUndoPlan, PlanRefusal, RolloutPlan, identify_blue};
use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::Service;
use crate::documents::deployment_configuration::{Pause, is_rolling};
use crate::error::Failure;
use crate::identity::{RolloutId, ServiceDeploymentArn};
use crate::outcome::Reason;
use crate::settings::Settings;
use crate::survey::{DeploymentInProgress, RunningRollout, Snapshot};
use crate::undo::{
    Blue, CodeDeployUndo, EcsUndo, HooksUndo, RevisionUndo, RollingUndo, RolloutUndo, ServiceKey,
    Undo,
};

/// How a rollout in progress would be undone, and the revision that its run registered for it.
#[derive(Debug)]
pub struct RunningUndos {
    /// The rollout; none when nothing is in progress.
    pub rollout: Option<Undo>,
    /// The undo of its revision; none when that is not known, or it serves.
    pub revision: Option<Undo>,
    /// The undo of the hooks that were added for it; none where it has none.
    pub hooks: Option<Undo>,
}

/// How a rollout in progress is followed or answered.
#[derive(Debug)]
pub struct InProgressPlan {
    /// The service.
    pub place: ServiceKey,
    /// The deployments that are read when nothing is in progress any more.
    pub history: HistoryQuery,
    /// The rollout that is in progress; none when there is none that could be followed.
    pub rollout: Option<RolloutPlan>,
    /// How it would be undone.
    pub undos: RunningUndos,
    /// What is asked of green and of production.
    pub checks: ChecksPlan,
    /// How its migration would be undone.
    pub migration: MigrationUndoPlan,
}

/// A rollback whose target revision is not known yet.
#[derive(Debug)]
pub struct RollbackPlan {
    /// The service.
    pub place: ServiceKey,
    /// What serves.
    pub blue: Option<Blue>,
    /// How what is in progress would be undone.
    pub undos: RunningUndos,
    /// The deployments among which the target is searched.
    pub history: HistoryQuery,
    /// What happens to the tests of the revision that is rolled back to.
    pub checks: RollbackChecks,
    /// How the migration of what is in progress would be undone.
    pub migration: MigrationUndoPlan,
}

/// What happens to the tests of the revision that is rolled back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollbackChecks {
    /// They are skipped.
    Skipped,
    /// They run with the version that the revision itself reports.
    WithItsVersion,
    /// They run as they are.
    AsGiven,
}

/// Which deployments of the service are read.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// The deployment group, for a service with the CodeDeploy controller.
    pub group: GroupKey,
    /// The deployment to read; the newest one when none.
    pub deployment: Option<RolloutId>,
    /// The revision or deployment to go back to; the last good one when none.
    pub rollback_to: Option<String>,
}

/// The plan for a mode that answers or follows a rollout in progress.
///
/// # Errors
///
/// The inputs name another deployment, or the rollout cannot be followed.
pub fn in_progress(
    settings: &Settings,
    snapshot: &Snapshot,
    run: &str,
) -> Result<InProgressPlan, PlanRefusal> {
    let rollout = match &snapshot.running {
        Some(running) => {
            check_meant_deployment(settings, running).map_err(PlanRefusal::Failure)?;
            super::plan_attached(settings, snapshot).map_err(PlanRefusal::Problems)?
        }
        None => None,
    };
    Ok(InProgressPlan {
        place: service_key(settings),
        history: history_query(settings),
        rollout,
        undos: adopted_undos(settings, snapshot, run),
        checks: ChecksPlan::new(settings),
        migration: super::task::migration_undo(settings),
    })
}

/// A deployment that the inputs name must be the one in progress.
fn check_meant_deployment(settings: &Settings, running: &RunningRollout) -> Result<(), Failure> {
    match &settings.control.deployment {
        Some(meant) if short_name(meant) != short_name(&running.id) => {
            let sentence = format!(
                "{} is not in progress: {}",
                short_name(meant),
                running.describe()
            );
            Err(Failure::new(Reason::Superseded, sentence)
                .with_hint("answer the deployment that waits, or leave `deployment` out"))
        }
        _ => Ok(()),
    }
}

/// The plan of a rollback, as far as one survey shows.
pub fn rollback(settings: &Settings, snapshot: &Snapshot) -> RollbackPlan {
    let checks = if settings.control.skip_checks {
        RollbackChecks::Skipped
    } else if settings.version.is_none() && settings.checks.suite.is_some() {
        RollbackChecks::WithItsVersion
    } else {
        RollbackChecks::AsGiven
    };
    RollbackPlan {
        place: service_key(settings),
        blue: super::blue::find_blue(snapshot),
        // Its revision stays registered, so that it can be deployed again.
        undos: RunningUndos {
            revision: None,
            ..plan_undos(settings, snapshot, None)
        },
        history: history_query(settings),
        checks,
        migration: super::task::migration_undo(settings),
    }
}

pub(super) fn history_query(settings: &Settings) -> HistoryQuery {
    HistoryQuery {
        group: super::codedeploy::group_key(settings),
        deployment: settings.control.deployment.clone(),
        rollback_to: settings.control.rollback_to.clone(),
    }
}

/// The service as the inputs name it.
pub(super) fn service_key(settings: &Settings) -> ServiceKey {
    ServiceKey {
        cluster: settings.cluster.clone(),
        service: settings.service.clone().unwrap_or_default(),
    }
}

/// How a run that continues a rollout in progress would undo it: it also restores what an earlier
/// attempt changed for it.
pub(super) fn adopted_undos(settings: &Settings, snapshot: &Snapshot, run: &str) -> RunningUndos {
    let pause = super::ecs::find_adopted_pause(settings, snapshot, run);
    plan_undos(settings, snapshot, pause)
}

fn plan_undos(settings: &Settings, snapshot: &Snapshot, pause: Option<Pause>) -> RunningUndos {
    let rollout = rollout_undo(settings, snapshot);
    let hooked = rollout
        .as_ref()
        .and_then(Undo::rollout)
        .and_then(RolloutUndo::hooked_service);
    let hooks = hooked
        .zip(snapshot.running.as_ref())
        .map(|(service, running)| hooks_undo(service, running, pause));
    RunningUndos {
        rollout,
        revision: revision_undo(settings, snapshot),
        hooks,
    }
}

/// The undo of the hooks that the run which started the rollout added for it.
fn hooks_undo(service: &ServiceKey, running: &RunningRollout, pause: Option<Pause>) -> Undo {
    Undo::Hooks(HooksUndo {
        place: service.clone(),
        strategy: None,
        run: running.run.clone(),
        pause,
        before: running.hooks_before.clone().unwrap_or_default(),
    })
}

/// The undo of the rollout in progress; none when there is none.
pub(super) fn rollout_undo(settings: &Settings, snapshot: &Snapshot) -> Option<Undo> {
    let (service, running) = (snapshot.service.as_ref()?, snapshot.running.as_ref()?);
    let place = service_key(settings);
    Some(match &running.deployment {
        DeploymentInProgress::CodeDeploy(_) => Undo::CodeDeploy(CodeDeployUndo {
            place,
            application: settings.rollout.application.clone(),
            group: settings.rollout.group.clone(),
            run: running.run.clone().unwrap_or_default(),
            deployment: Some(running.id.as_str().into()),
            blue: identify_blue(snapshot, service),
            is_restored: false,
        }),
        DeploymentInProgress::Ecs(deployment) => Undo::Ecs(EcsUndo {
            place,
            ours: running.revision.clone().unwrap_or_default(),
            before: other_deployments(snapshot, running),
            deployment: Some(deployment.arn.clone()),
            run: running.run.clone(),
            blue: identify_blue(snapshot, service),
            is_first: deployment.source_service_revisions.is_empty(),
            in_place: is_rolling(&deployment.deployment_configuration),
            desired: None,
        }),
        DeploymentInProgress::Rolling(_) => {
            Undo::Rolling(rolling_undo(place, snapshot, service, running))
        }
    })
}

/// The undo of the revision that was registered for the rollout; none when the revision is not
/// known, or serves.
pub(super) fn revision_undo(settings: &Settings, snapshot: &Snapshot) -> Option<Undo> {
    let (service, running) = (
        snapshot.service.as_ref()?,
        snapshot
            .running
            .as_ref()
            .filter(|running| running.is_registered)?,
    );
    let arn = running
        .revision
        .clone()
        .filter(|revision| *revision != identify_blue(snapshot, service).revision)?;
    Some(Undo::Revision(RevisionUndo {
        arn,
        service: Some(service_key(settings)),
    }))
}

/// Every service deployment but the running one.
fn other_deployments(snapshot: &Snapshot, running: &RunningRollout) -> Vec<ServiceDeploymentArn> {
    let history = snapshot
        .service_deployments
        .iter()
        .flat_map(|service_deployments| &service_deployments.history);
    history
        .map(|brief| brief.arn.clone())
        .filter(|arn| arn.as_str() != running.id.as_str())
        .collect()
}

fn rolling_undo(
    place: ServiceKey,
    snapshot: &Snapshot,
    service: &Service,
    running: &RunningRollout,
) -> RollingUndo {
    let before = service
        .deployments
        .iter()
        .map(|deployment| deployment.id.clone())
        .filter(|id| id.as_str() != running.id.as_str())
        .collect();
    RollingUndo {
        place,
        previous: identify_blue(snapshot, service).revision,
        ours: running.revision.clone().unwrap_or_default(),
        before,
        deployment: Some(running.id.as_str().into()),
        desired: None,
    }
}
