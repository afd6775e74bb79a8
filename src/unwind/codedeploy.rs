//! Our deployment is stopped with rollback; the rollback is followed to its end; blue is observed
//! to serve.

use std::time::Duration;

use tokio::time::Instant;

use super::{Trigger, Undone, Unwound, weights_changed};
use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, Status};
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::Failure;
use crate::event::fact::{UndoFact, UndoneDeployment};
use crate::event::{Event, ObservedBy, Serving};
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{find_of_run, is_of_run};
use crate::observe::serving;
use crate::observe::traffic;
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::scrub::masked;
use crate::undo::CodeDeployUndo;

/// A rollback is a flip of weights and the end of green's tasks.
const PATIENCE: Duration = Duration::from_mins(15);
/// The link to the rollback is filled in after the stop; without one by then, none is made.
const LINK_LOOKS: u32 = 12;
/// Where production is on blue already, a rollback would have nothing to move: two seconds are
/// enough to see whether one begins.
const SETTLED_LOOKS: u32 = 6;
/// So long a read may be older than what has just ended.
const STALE: Duration = Duration::from_secs(5);
/// Deployments of the group among which a newer one is looked for.
const NEWER_LOOKS: usize = 5;
/// Looks for a deployment whose creation was never answered.
const UNANSWERED_LOOKS: u32 = 3;

pub(super) async fn undo(
    run: &Run,
    undo: &CodeDeployUndo,
    hand: Trigger,
) -> Result<Undone, Failure> {
    let Some(id) = deployment(run, undo).await? else {
        return Ok(Undone::Nothing);
    };
    if hand == Trigger::Stop {
        if undo.is_restored {
            check(run, undo, &id).await?;
        }
        stop(run, &id).await?;
    }
    let ended = ended(run, undo, &id).await?;
    if ended.status == Status::Succeeded {
        return too_late(run, undo, &id, &ended).await.map(Undone::Traffic);
    }
    if let Some(rollback) = &ended.rollback {
        run.tell(UndoFact::RollsBackWith {
            rollback: rollback.to_owned(),
        });
        follow(run, rollback).await?;
    }
    // Without a rollback nothing moves any more: only a read that is older than the stop is waited
    // for.
    let patience = if ended.rollback.is_some() {
        Duration::from_mins(1)
    } else {
        STALE
    };
    on_blue(run, undo, &id, &ended, patience).await
}

/// Another deployment of the group that was made after ours: what serves is its doing, and is not
/// ours to undo.
async fn superseded(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &str,
    ended: &CodeDeployDeployment,
) -> Option<Unwound> {
    let listed = run
        .aws
        .latest_deployments(&undo.application, &undo.group)
        .await
        .ok()?;
    // AWS promises no order.
    for other in listed
        .into_iter()
        .take(NEWER_LOOKS)
        .filter(|other| other != id && ended.rollback.as_ref() != Some(other))
    {
        let newer = run.aws.get_deployment(&other).await.ok()?;
        if newer.created_seconds > ended.created_seconds && newer.rolls_back.as_deref() != Some(id)
        {
            let serves = Box::pin(serving::now(run, &undo.place, &undo.blue)).await;
            return Some(Unwound::Superseded {
                by: format!("deployment {other} ({}) came after ours", newer.word),
                serves,
            });
        }
    }
    None
}

/// A request that was cut off may still be on its way: it is looked for more than once.
async fn deployment(run: &Run, undo: &CodeDeployUndo) -> Result<Option<String>, Failure> {
    if undo.deployment.is_some() {
        return Ok(undo.deployment.clone());
    }
    let mut easing = Backoff::default();
    for _ in 0..UNANSWERED_LOOKS {
        let found = find_of_run(run, &undo.application, &undo.group, &undo.run).await;
        let found = found.map_err(|error| {
            stuck(
                "whether a deployment was created could not be read",
                &error,
                &command(undo, "DEPLOYMENT"),
            )
        })?;
        if found.is_some() {
            return Ok(found);
        }
        easing.rest().await;
    }
    Ok(None)
}

/// The state that `post` is given is a variable that other steps can set: what the deployment
/// itself says of its run and its group counts. One that cannot be read is stopped all the same,
/// because whoever is on green waits for that.
async fn check(run: &Run, undo: &CodeDeployUndo, id: &str) -> Result<(), Failure> {
    let Ok(deployment) = run.aws.get_deployment(id).await else {
        return Ok(());
    };
    let is_of_group = deployment.application == undo.application && deployment.group == undo.group;
    if is_of_group && (undo.run.is_empty() || is_of_run(&deployment.description, &undo.run)) {
        return Ok(());
    }
    let whose = if is_of_group {
        format!("run {}", undo.run)
    } else {
        format!("deployment group {}", undo.group)
    };
    Err(Failure::new(
        Reason::InvalidInputs,
        format!("deployment {id} is not of {whose}, and is left alone"),
    )
    .hint(format!(
        "look at it, and stop it by hand where it is to be stopped: {} (docs/stuck.md)",
        stop_command(id)
    )))
}

/// A deployment that is over already cannot be stopped, and need not be.
async fn stop(run: &Run, id: &str) -> Result<(), Failure> {
    match run.aws.stop_deployment(id).await {
        Ok(()) => {
            run.tell(UndoFact::StoppedWithRollback {
                deployment: UndoneDeployment::CodeDeploy { id: id.to_owned() },
            });
            Ok(())
        }
        Err(error) if error.is("DeploymentAlreadyCompleted") => Ok(()),
        Err(error) if error.kind == AwsErrorKind::Refused => {
            run.tell(Event::Noted {
                sentence: error.to_string().into(),
            });
            Ok(())
        }
        Err(error) => Err(stuck(
            "the deployment could not be stopped",
            &error,
            &stop_command(id),
        )),
    }
}

/// Waits until the deployment is over and, unless it succeeded, until its rollback is known.
async fn ended(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &str,
) -> Result<CodeDeployDeployment, Failure> {
    let mut without_link = 0;
    let mut easing = Backoff::default();
    let mut following = Following::new(run, id);
    loop {
        if let Some(deployment) = following.look().await? {
            match deployment.status {
                Status::Succeeded => return Ok(deployment),
                Status::Failed | Status::Stopped
                    if deployment.rollback.is_some() || without_link >= LINK_LOOKS =>
                {
                    return Ok(deployment);
                }
                Status::Failed | Status::Stopped
                    if without_link >= SETTLED_LOOKS && is_on_blue(run, undo).await =>
                {
                    return Ok(deployment);
                }
                Status::Failed | Status::Stopped => without_link += 1,
                Status::Going | Status::Ready => {}
            }
        }
        easing.rest().await;
    }
}

async fn is_on_blue(run: &Run, undo: &CodeDeployUndo) -> bool {
    let observed = traffic::observe(run, &undo.place, &undo.blue).await;
    observed.is_some_and(|observed| observed.whole() == Some(Serving::Blue))
}

async fn follow(run: &Run, rollback: &str) -> Result<(), Failure> {
    let mut following = Following::new(run, rollback);
    let mut shown = String::new();
    let mut easing = Backoff::default();
    loop {
        if let Some(deployment) = following.look().await? {
            if deployment.word != shown {
                run.tell(UndoFact::RollbackStatus {
                    rollback: rollback.to_owned(),
                    status: deployment.word.clone().into(),
                });
                shown.clone_from(&deployment.word);
            }
            match deployment.status {
                Status::Succeeded => return Ok(()),
                Status::Failed | Status::Stopped => {
                    return Err(rollback_failed(rollback, &deployment));
                }
                Status::Going | Status::Ready => {}
            }
        }
        easing.rest().await;
    }
}

fn rollback_failed(id: &str, deployment: &CodeDeployDeployment) -> Failure {
    let cause = deployment.error.as_ref().map_or_else(
        || "CodeDeploy gives no reason".to_owned(),
        |(code, message)| format!("{} ({code})", masked(message)),
    );
    Failure::new(Reason::RolloutFailed, format!("rollback {id} ended {}", deployment.word))
        .caused_by(cause)
        .hint(format!("look where traffic is and put it right by hand: aws deploy get-deployment --deployment-id {id} (docs/stuck.md)"))
}

/// Nothing is believed before it was observed; a read that is older than the rollback gets a few
/// more looks.
async fn on_blue(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &str,
    ended: &CodeDeployDeployment,
    patience: Duration,
) -> Result<Undone, Failure> {
    let began = Instant::now();
    let mut easing = Backoff::default();
    loop {
        let observed = traffic::observe(run, &undo.place, &undo.blue).await;
        let observed_by = match observed {
            None => Some(ObservedBy::Controller),
            Some(observed) => {
                (observed.whole() == Some(Serving::Blue)).then_some(observed.observed_by)
            }
        };
        if let Some(observed_by) = observed_by {
            run.confirm_traffic(&undo.blue.revision, Serving::Blue, observed_by);
            return Ok(Undone::Traffic(Unwound::OnBlue {
                revision: undo.blue.revision.clone(),
                observed_by,
            }));
        }
        if began.elapsed() > STALE
            && let Some(superseded) = superseded(run, undo, id, ended).await
        {
            return Ok(Undone::Traffic(superseded));
        }
        if began.elapsed() > patience {
            let failure = Failure::new(
                Reason::RolloutFailed,
                format!("deployment {id} is over, but production is not all on blue"),
            );
            let rules = traffic::rules_to_green(run, &undo.blue).await;
            return Err(rules
                .into_iter()
                .fold(failure, Failure::caused_by)
                .hint(new_deployment(undo)));
        }
        easing.rest().await;
    }
}

/// It succeeded before it could be stopped: green serves, and blue is gone or going.
async fn too_late(
    run: &Run,
    undo: &CodeDeployUndo,
    id: &str,
    ended: &CodeDeployDeployment,
) -> Result<Unwound, Failure> {
    let observed = traffic::observe(run, &undo.place, &undo.blue).await;
    if observed.is_some_and(|observed| observed.whole() != Some(Serving::Green)) {
        if let Some(superseded) = superseded(run, undo, id, ended).await {
            return Ok(superseded);
        }
        let sentence = format!(
            "deployment {id} has succeeded, and production is not all on green: somebody has changed the weights"
        );
        return Err(weights_changed(run, &undo.blue, sentence)
            .await
            .hint(new_deployment(undo)));
    }
    run.tell(UndoFact::TooLate {
        deployment: UndoneDeployment::CodeDeploy { id: id.to_owned() },
        revision: undo.blue.revision.clone(),
    });
    let service = run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await;
    let revision = match service {
        Ok(crate::aws::ecs::ServiceLookup::Service(service)) => service.revision().to_owned(),
        Ok(crate::aws::ecs::ServiceLookup::Missing(_)) | Err(_) => "the new revision".to_owned(),
    };
    Ok(Unwound::TooLate { revision })
}

/// What brings the old revision back although its deployment is over.
fn new_deployment(undo: &CodeDeployUndo) -> String {
    format!(
        "bring the old revision back: mode: rollback with rollback-to: {} (docs/stuck.md)",
        short_name(&undo.blue.revision)
    )
}

/// Follows one deployment, as long as it takes and it can be seen.
struct Following<'f> {
    run: &'f Run,
    id: &'f str,
    began: Instant,
    blind: Outage,
}

impl<'f> Following<'f> {
    fn new(run: &'f Run, id: &'f str) -> Self {
        Self {
            run,
            id,
            began: Instant::now(),
            blind: Outage::default(),
        }
    }

    /// The deployment as it is now; none when it is to be looked at again.
    async fn look(&mut self) -> Result<Option<CodeDeployDeployment>, Failure> {
        if self.began.elapsed() > PATIENCE {
            let sentence = format!(
                "deployment {} was not over after {} minutes",
                self.id,
                PATIENCE.as_secs() / 60
            );
            return Err(Failure::new(Reason::Timeout, sentence).hint(stop_command(self.id)));
        }
        let read = self.blind.keep(self.run.aws.get_deployment(self.id).await);
        read.map_err(|error| {
            stuck(
                "the rollback could not be followed",
                &error,
                &stop_command(self.id),
            )
        })
    }
}

fn stuck(what: &str, error: &AwsError, command: &str) -> Failure {
    let allow = crate::error::Explain::hint(error).unwrap_or_default();
    let failure = Failure::new(Reason::AwsFailed, what)
        .caused_by(error.to_string())
        .hint(format!("by hand: {command} (docs/stuck.md)"));
    if allow.is_empty() {
        failure
    } else {
        failure.hint(allow)
    }
}

fn stop_command(id: &str) -> String {
    format!("aws deploy stop-deployment --deployment-id {id} --auto-rollback-enabled")
}

fn command(undo: &CodeDeployUndo, id: &str) -> String {
    format!(
        "aws deploy list-deployments --application-name {} --deployment-group-name {}, then {}",
        undo.application,
        undo.group,
        stop_command(id)
    )
}
