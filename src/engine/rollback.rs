//! `mode: rollback`: the fast way while blue still runs, a new rollout of what was good otherwise.

use super::approval::arm;
use super::{Ending, Halt, after, deploy, step, unwinding};
use crate::aws::arn::short_name;
use crate::engine::history::{self, RollbackTarget};
use crate::error::Failure;
use crate::event::{Event, Step};
use crate::observe::traffic::{self, Observed};
use crate::outcome::{Outcome, Reason};
use crate::plan;
use crate::run::Run;
use crate::settings::{Approval, DefinitionSource, Settings};
use crate::survey::{Running, Snapshot, Thing};
use crate::undo::ServiceKey;
use crate::unwind::{self, Unwound};

pub(super) async fn rollback(run: &Run, settings: &Settings) -> Result<Ending, Halt> {
    let snapshot = step(run, Step::Survey, deploy::look(run, settings), |_| {
        "read".to_owned()
    })
    .await?;
    let fast = match snapshot.running.as_ref() {
        Some(running) => fast(run, settings, &snapshot, running).await?,
        None => None,
    };
    if let Some(ending) = fast.filter(|ending| is_enough(settings, &snapshot, ending)) {
        return Ok(ending);
    }
    let snapshot = if snapshot.running.is_some() {
        deploy::look(run, settings).await?
    } else {
        snapshot
    };
    let target = history::target(run, settings, &snapshot).await?;
    run.tell(Event::Noted {
        sentence: format!("back to {}, {}", short_name(&target.revision), target.why),
    });
    let mut again = settings_for(run, settings, &target).await?;
    again.rollout.force_new_deployment |= is_shared(run, settings, &snapshot).await;
    let ending = deploy::deploy(run, &again).await?;
    let asked = ending.reason == Reason::AsPlanned;
    Ok(if asked {
        Ending {
            reason: Reason::RollbackAsked,
            ..ending
        }
    } else {
        ending
    })
}

/// Whether production's traffic is on both sides although nothing is in progress, as after a
/// rollout that was stopped where it was: then also the revision that the service calls its own is
/// deployed anew.
async fn is_shared(run: &Run, settings: &Settings, snapshot: &Snapshot) -> bool {
    let (Some(blue), None) = (plan::blue_of(snapshot), &snapshot.running) else {
        return false;
    };
    let place = ServiceKey {
        cluster: settings.cluster.clone(),
        service: settings.service.clone().unwrap_or_default(),
    };
    let shared = traffic::observe(run, &place, &blue)
        .await
        .filter(Observed::is_shared);
    if let Some(shared) = shared {
        run.tell(Event::Noted {
            sentence: format!(
                "{}, and nothing is in progress: a new rollout brings it to one side",
                shared.words()
            ),
        });
    }
    shared.is_some()
}

/// What is in progress is stopped with rollback: blue is still there, and back within seconds. None
/// when it was too late.
async fn fast(
    run: &Run,
    settings: &Settings,
    snapshot: &Snapshot,
    running: &Running,
) -> Result<Option<Ending>, Halt> {
    let Some(undo) = plan::undo_of(settings, snapshot) else {
        return Ok(None);
    };
    run.tell(Event::Noted {
        sentence: format!("{}: blue still runs, so it is rolled back", running.words()),
    });
    let unwound = if is_rollback(running) {
        unwinding(run, unwind::watch(run, &undo)).await
    } else {
        arm(run, snapshot, undo, None);
        unwinding(run, unwind::all(run, &run.armed())).await
    };
    match unwound {
        Unwound::OnBlue { revision, witness } => {
            let sentence = format!(
                "{} serves 100 % of production again ({})",
                short_name(&revision),
                witness.words()
            );
            if let Some(left) = running.revision.as_deref().filter(|left| *left != revision) {
                run.tell(Event::Noted {
                    sentence: format!(
                        "{} stays registered, so that it can be brought again (rollback-to)",
                        short_name(left)
                    ),
                });
            }
            run.tell(Event::Revision {
                arn: revision,
                registered: false,
                previous: running.revision.clone(),
                changes: Vec::new(),
            });
            Ok(Some(Ending {
                outcome: Outcome::Deployed,
                reason: Reason::RollbackAsked,
                sentence,
            }))
        }
        Unwound::NoRollout | Unwound::TooLate { .. } => Ok(None),
        Unwound::Superseded { by, serves } => Err(Halt::Superseded {
            failure: Failure::new(Reason::Superseded, by),
            serves,
        }),
        stuck @ Unwound::Stuck { .. } => Ok(Some(after(stuck, Reason::RollbackAsked))),
    }
}

/// A deployment of CodeDeploy's that is itself a rollback must not be stopped.
fn is_rollback(running: &Running) -> bool {
    match &running.thing {
        Thing::CodeDeploy(Some(deployment)) => deployment.rolls_back.is_some(),
        Thing::CodeDeploy(None) | Thing::Ecs(_) | Thing::Rolling => false,
    }
}

/// Whether blue is what was asked for.
fn is_enough(settings: &Settings, snapshot: &Snapshot, ending: &Ending) -> bool {
    let Some(asked) = settings
        .control
        .rollback_to
        .as_deref()
        .filter(|_| ending.outcome == Outcome::Deployed)
    else {
        return true;
    };
    let blue = plan::undo_of(settings, snapshot)
        .map(|undo| undo.blue().to_owned())
        .unwrap_or_default();
    short_name(&blue) == short_name(asked) || short_name(&blue).rsplit(':').next() == Some(asked)
}

/// The same run with the target as what is deployed; its tests only when they are wanted.
async fn settings_for(
    run: &Run,
    settings: &Settings,
    target: &RollbackTarget,
) -> Result<Settings, Halt> {
    let mut again = settings.clone();
    again.definition.source = DefinitionSource::Registered(target.revision.clone());
    again.control.approval = Approval::None;
    again.task = None;
    if settings.control.skip_checks {
        run.tell(Event::Warned {
            sentence: "skip-checks: what is brought back is not tested".into(),
        });
        again.checks = crate::settings::CheckSettings::default();
    } else if again.version.is_none() && again.checks.suite.is_some() {
        let described = run
            .aws
            .describe_task_definition(&target.revision)
            .await
            .map_err(Failure::from)?;
        again.version = history::version(run, &described["taskDefinition"]).await;
    }
    Ok(again)
}
