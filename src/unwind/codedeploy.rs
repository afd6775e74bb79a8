//! Our deployment is stopped with rollback; the rollback is followed to its end; blue is observed
//! to serve.
//!
//! One file, because it is one sequence: find the deployment, stop it, follow it, confirm what
//! serves.

use std::time::Duration;

use tokio::time::Instant;

use super::{Trigger, UndoOutcome, UnwindOutcome, weights_changed_failure};
use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployStatus};
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::Failure;
use crate::event::fact::{UndoFact, UndoneDeployment};
use crate::event::{Event, ObservedBy, Serving};
use crate::identity::DeploymentId;
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{find_by_run, has_run_mark};
use crate::observe::serving;
use crate::observe::traffic;
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::scrub::mask;
use crate::undo::CodeDeployUndo;

/// A rollback changes the weights and stops green's tasks.
const TIMEOUT: Duration = Duration::from_mins(15);
/// The link to the rollback is filled in after the stop; without one by then, none is made.
const LINK_LOOKS: u32 = 12;
/// Where production is on blue already, a rollback would have nothing to move: two seconds are
/// enough to see whether one begins.
const SETTLED_LOOKS: u32 = 6;
/// How much older a read may be than what has just ended.
const STALE_READ: Duration = Duration::from_secs(5);
/// Deployments of the group among which a newer one is looked for.
const NEWER_LOOKS: usize = 5;
/// How many reads look for a deployment whose creation was never answered.
const UNANSWERED_LOOKS: u32 = 3;

pub(super) async fn undo(
    run: &Run,
    undo: &CodeDeployUndo,
    trigger: Trigger,
) -> Result<UndoOutcome, Failure> {
    let Some(id) = find_deployment(run, undo).await? else {
        return Ok(UndoOutcome::Done);
    };
    if trigger == Trigger::Stop {
        if undo.is_restored {
            check_ownership(run, undo, &id).await?;
        }
        stop_deployment(run, &id).await?;
    }
    let ended = wait_for_end(run, undo, &id).await?;
    if ended.status == CodeDeployStatus::Succeeded {
        return confirm_green(run, undo, &id, &ended)
            .await
            .map(UndoOutcome::Traffic);
    }
    if let Some(rollback) = &ended.rollback_deployment {
        run.emit(UndoFact::RollsBackWith {
            rollback: rollback.clone(),
        });
        follow_rollback(run, rollback).await?;
    }
    // Without a rollback nothing moves any more: the wait is only for reads that are older than the
    // stop.
    let patience = if ended.rollback_deployment.is_some() {
        Duration::from_mins(1)
    } else {
        STALE_READ
    };
    confirm_blue(run, undo, &id, &ended, patience).await
}

/// Another deployment of the group that was created after ours: it decides what serves, and is not
/// ours to undo.
async fn find_newer(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &DeploymentId,
    ended: &CodeDeployDeployment,
) -> Option<UnwindOutcome> {
    let listed = run
        .aws
        .list_latest_deployments(&undo.application, &undo.group)
        .await
        .ok()?;
    // AWS promises no order.
    for other in listed
        .into_iter()
        .take(NEWER_LOOKS)
        .filter(|other| other != id && ended.rollback_deployment.as_ref() != Some(other))
    {
        let newer = run.aws.get_deployment(&other).await.ok()?;
        if newer.created_seconds > ended.created_seconds
            && newer.rolled_back_deployment.as_ref() != Some(id)
        {
            let serves = Box::pin(serving::describe(run, &undo.place, &undo.blue)).await;
            return Some(UnwindOutcome::Superseded {
                by: format!("deployment {other} ({}) came after ours", newer.raw_status),
                serves,
            });
        }
    }
    None
}

/// A request that was cut off may still be on its way: it is looked for more than once.
async fn find_deployment(
    run: &Run,
    undo: &CodeDeployUndo,
) -> Result<Option<DeploymentId>, Failure> {
    if undo.deployment.is_some() {
        return Ok(undo.deployment.clone());
    }
    let mut backoff = Backoff::default();
    for _ in 0..UNANSWERED_LOOKS {
        let found = find_by_run(run, &undo.application, &undo.group, &undo.run).await;
        let found = found.map_err(|error| {
            stuck_failure(
                "whether a deployment was created could not be read",
                &error,
                &manual_command(undo, &"DEPLOYMENT".into()),
            )
        })?;
        if found.is_some() {
            return Ok(found);
        }
        backoff.wait().await;
    }
    Ok(None)
}

/// The state given to `post` is an environment variable that other steps can set, so the
/// deployment's own run id and group decide. A deployment that cannot be read is stopped in any
/// case, because users may be on green.
async fn check_ownership(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &DeploymentId,
) -> Result<(), Failure> {
    let Ok(deployment) = run.aws.get_deployment(id).await else {
        return Ok(());
    };
    let is_of_group = deployment.application == undo.application && deployment.group == undo.group;
    if is_of_group && (undo.run.is_empty() || has_run_mark(&deployment.description, &undo.run)) {
        return Ok(());
    }
    let owner = if is_of_group {
        format!("run {}", undo.run)
    } else {
        format!("deployment group {}", undo.group)
    };
    Err(Failure::new(
        Reason::InvalidInputs,
        format!("deployment {id} is not of {owner}, and is left alone"),
    )
    .with_hint(format!(
        "look at it, and stop it by hand where it is to be stopped: {} (docs/stuck.md)",
        stop_command(id)
    )))
}

/// A deployment that is over already cannot be stopped, and need not be.
async fn stop_deployment(run: &Run, id: &DeploymentId) -> Result<(), Failure> {
    match run.aws.stop_deployment(id).await {
        Ok(()) => {
            run.emit(UndoFact::StoppedWithRollback {
                deployment: UndoneDeployment::CodeDeploy { id: id.clone() },
            });
            Ok(())
        }
        Err(error) if error.has_code("DeploymentAlreadyCompleted") => Ok(()),
        Err(error) if error.kind == AwsErrorKind::Refused => {
            run.emit(Event::Noted {
                sentence: error.to_string().into(),
            });
            Ok(())
        }
        Err(error) => Err(stuck_failure(
            "the deployment could not be stopped",
            &error,
            &stop_command(id),
        )),
    }
}

/// Waits until the deployment is over and, unless it succeeded, until its rollback is known.
async fn wait_for_end(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &DeploymentId,
) -> Result<CodeDeployDeployment, Failure> {
    let mut without_link = 0;
    let mut backoff = Backoff::default();
    let mut follower = DeploymentFollower::new(run, id);
    loop {
        if let Some(deployment) = follower.look().await? {
            match deployment.status {
                CodeDeployStatus::Succeeded => return Ok(deployment),
                CodeDeployStatus::Failed | CodeDeployStatus::Stopped
                    if deployment.rollback_deployment.is_some() || without_link >= LINK_LOOKS =>
                {
                    return Ok(deployment);
                }
                CodeDeployStatus::Failed | CodeDeployStatus::Stopped
                    if without_link >= SETTLED_LOOKS && is_on_blue(run, undo).await =>
                {
                    return Ok(deployment);
                }
                CodeDeployStatus::Failed | CodeDeployStatus::Stopped => without_link += 1,
                CodeDeployStatus::InProgress | CodeDeployStatus::Ready => {}
            }
        }
        backoff.wait().await;
    }
}

async fn is_on_blue(run: &Run, undo: &CodeDeployUndo) -> bool {
    let observed = traffic::observe(run, &undo.place, &undo.blue).await;
    observed.is_some_and(|observed| observed.sole_side() == Some(Serving::Blue))
}

async fn follow_rollback(run: &Run, rollback: &DeploymentId) -> Result<(), Failure> {
    let mut follower = DeploymentFollower::new(run, rollback);
    let mut last_status = String::new();
    let mut backoff = Backoff::default();
    loop {
        if let Some(deployment) = follower.look().await? {
            if deployment.raw_status != last_status {
                run.emit(UndoFact::RollbackStatus {
                    rollback: rollback.clone(),
                    status: deployment.raw_status.clone().into(),
                });
                last_status.clone_from(&deployment.raw_status);
            }
            match deployment.status {
                CodeDeployStatus::Succeeded => return Ok(()),
                CodeDeployStatus::Failed | CodeDeployStatus::Stopped => {
                    return Err(rollback_failure(rollback, &deployment));
                }
                CodeDeployStatus::InProgress | CodeDeployStatus::Ready => {}
            }
        }
        backoff.wait().await;
    }
}

fn rollback_failure(id: &DeploymentId, deployment: &CodeDeployDeployment) -> Failure {
    let cause = deployment.error.as_ref().map_or_else(
        || "CodeDeploy gives no reason".to_owned(),
        |(code, message)| format!("{} ({code})", mask(message)),
    );
    Failure::new(Reason::RolloutFailed, format!("rollback {id} ended {}", deployment.raw_status))
        .with_cause(cause)
        .with_hint(format!("look where traffic is and put it right by hand: aws deploy get-deployment --deployment-id {id} (docs/stuck.md)"))
}

/// Nothing is believed before it was observed; a read that is older than the rollback gets a few
/// more looks.
async fn confirm_blue(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &DeploymentId,
    ended: &CodeDeployDeployment,
    timeout: Duration,
) -> Result<UndoOutcome, Failure> {
    let began = Instant::now();
    let mut backoff = Backoff::default();
    loop {
        let observed = traffic::observe(run, &undo.place, &undo.blue).await;
        let observed_by = match observed {
            None => Some(ObservedBy::Controller),
            Some(observed) => {
                (observed.sole_side() == Some(Serving::Blue)).then_some(observed.observed_by)
            }
        };
        if let Some(observed_by) = observed_by {
            run.confirm_traffic(&undo.blue.revision, Serving::Blue, observed_by);
            return Ok(UndoOutcome::Traffic(UnwindOutcome::OnBlue {
                revision: undo.blue.revision.clone(),
                observed_by,
            }));
        }
        if began.elapsed() > STALE_READ
            && let Some(superseded) = find_newer(run, undo, id, ended).await
        {
            return Ok(UndoOutcome::Traffic(superseded));
        }
        if began.elapsed() > timeout {
            let failure = Failure::new(
                Reason::RolloutFailed,
                format!("deployment {id} is over, but production is not all on blue"),
            );
            let rules = traffic::rules_to_green(run, &undo.blue).await;
            return Err(rules
                .into_iter()
                .fold(failure, Failure::with_cause)
                .with_hint(redeploy_hint(undo)));
        }
        backoff.wait().await;
    }
}

/// It succeeded before it could be stopped: green serves, and blue is terminated or about to be.
async fn confirm_green(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &DeploymentId,
    ended: &CodeDeployDeployment,
) -> Result<UnwindOutcome, Failure> {
    let observed = traffic::observe(run, &undo.place, &undo.blue).await;
    if observed.is_some_and(|observed| observed.sole_side() != Some(Serving::Green)) {
        if let Some(superseded) = find_newer(run, undo, id, ended).await {
            return Ok(superseded);
        }
        let sentence = format!(
            "deployment {id} has succeeded, and production is not all on green: somebody has changed the weights"
        );
        return Err(weights_changed_failure(run, &undo.blue, sentence)
            .await
            .with_hint(redeploy_hint(undo)));
    }
    run.emit(UndoFact::TooLate {
        deployment: UndoneDeployment::CodeDeploy { id: id.clone() },
        revision: undo.blue.revision.clone(),
    });
    let service = run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await;
    let revision = match service {
        Ok(crate::aws::ecs::ServiceLookup::Service(service)) => service.revision().to_string(),
        Ok(crate::aws::ecs::ServiceLookup::Missing(_)) | Err(_) => "the new revision".to_owned(),
    };
    Ok(UnwindOutcome::TooLate { revision })
}

/// How to deploy the old revision again although its deployment is over.
fn redeploy_hint(undo: &CodeDeployUndo) -> String {
    format!(
        "bring the old revision back: mode: rollback with rollback-to: {} (docs/stuck.md)",
        short_name(&undo.blue.revision)
    )
}

/// Follows one deployment, as long as it takes and it can be read.
struct DeploymentFollower<'f> {
    run: &'f Run,
    id: &'f DeploymentId,
    began: Instant,
    outage: Outage,
}

impl<'f> DeploymentFollower<'f> {
    fn new(run: &'f Run, id: &'f DeploymentId) -> Self {
        Self {
            run,
            id,
            began: Instant::now(),
            outage: Outage::default(),
        }
    }

    /// The deployment as it is now; none when it has to be read again.
    async fn look(&mut self) -> Result<Option<CodeDeployDeployment>, Failure> {
        if self.began.elapsed() > TIMEOUT {
            let sentence = format!(
                "deployment {} was not over after {} minutes",
                self.id,
                TIMEOUT.as_secs() / 60
            );
            return Err(Failure::new(Reason::Timeout, sentence).with_hint(stop_command(self.id)));
        }
        let read = self
            .outage
            .tolerate(self.run.aws.get_deployment(self.id).await);
        read.map_err(|error| {
            stuck_failure(
                "the rollback could not be followed",
                &error,
                &stop_command(self.id),
            )
        })
    }
}

fn stuck_failure(what: &str, error: &AwsError, command: &str) -> Failure {
    let allow = crate::error::Explain::hint(error).unwrap_or_default();
    let failure = Failure::new(Reason::AwsFailed, what)
        .with_cause(error.to_string())
        .with_hint(format!("by hand: {command} (docs/stuck.md)"));
    if allow.is_empty() {
        failure
    } else {
        failure.with_hint(allow)
    }
}

fn stop_command(id: &DeploymentId) -> String {
    format!("aws deploy stop-deployment --deployment-id {id} --auto-rollback-enabled")
}

fn manual_command(undo: &CodeDeployUndo, id: &DeploymentId) -> String {
    format!(
        "aws deploy list-deployments --application-name {} --deployment-group-name {}, then {}",
        undo.application,
        undo.group,
        stop_command(id)
    )
}
