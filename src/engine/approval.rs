//! `mode: continue` and `mode: abort`: the answer to a gate at which another job left the rollout.

use std::time::Duration;

use super::checks::{self, Brought, Checks};
use super::status::brought;
use super::{Ending, Halt, after, deploy, step, unwinding};
use crate::aws::arn::short_name;
use crate::documents::deployment_configuration::Pause;
use crate::engine::history::{self, Last};
use crate::error::Failure;
use crate::event::{Event, Step};
use crate::outcome::{Outcome, Reason};
use crate::plan::{self, GatePlan, RolloutPlan};
use crate::problem::Problem;
use crate::run::Run;
use crate::settings::Settings;
use crate::steps::rollout::{self, Past, Rollout};
use crate::steps::scaling;
use crate::survey::{Running, Snapshot};
use crate::undo::{HooksUndo, RevisionUndo, ServiceKey, Undo};
use crate::unwind;

/// Tests that passed longer ago than this are run again before users reach green.
const LONG: Duration = Duration::from_mins(5);

pub(super) async fn go_on(run: &Run, settings: &Settings) -> Result<Ending, Halt> {
    let snapshot = step(run, Step::Survey, deploy::look(run, settings), |_| {
        "read".to_owned()
    })
    .await?;
    let Some((running, planned)) = waiting(settings, &snapshot)? else {
        return over(run, settings, &snapshot).await;
    };
    if running.is_returning() {
        return expired(run, settings, &snapshot).await;
    }
    let ready = checks::prepare(run, settings).await.map_err(Halt::Left)?;
    arm_running(run, settings, &snapshot);
    let revision = brought(run, running).await;
    let mut rollout = rollout::attach(run, settings, &planned, &revision, running);
    rest(run, settings, &planned, running).await?;
    let past = deploy::find_gate(run, &mut rollout).await?;
    let brought = Brought {
        plan: &planned,
        revision: &revision,
        image: None,
        is_answered: past == Past::Passed,
    };
    let checks = Checks::new(run, settings, ready, &brought);
    if past == Past::Not {
        test_again(run, &mut rollout, &checks).await?;
        rollout.proceed().await?;
    }
    deploy::from_traffic(run, settings, &mut rollout, &checks).await
}

pub(super) async fn abort(run: &Run, settings: &Settings) -> Result<Ending, Halt> {
    let snapshot = step(run, Step::Survey, deploy::look(run, settings), |_| {
        "read".to_owned()
    })
    .await?;
    let Some((running, _)) = waiting(settings, &snapshot)? else {
        return over(run, settings, &snapshot).await;
    };
    run.tell(Event::Noted {
        sentence: running.words(),
    });
    if let Some(revision) = running
        .revision
        .as_deref()
        .filter(|_| running.run.is_none())
    {
        let sentence = format!(
            "{} stays registered: the deployment does not say that a run of this action has registered it",
            short_name(revision)
        );
        run.tell(Event::Noted { sentence });
    }
    arm_running(run, settings, &snapshot);
    Ok(after(
        unwinding(run, unwind::all(run, &run.armed())).await,
        Reason::Aborted,
    ))
}

/// What is in progress, when it is what is meant.
fn waiting<'s>(
    settings: &Settings,
    snapshot: &'s Snapshot,
) -> Result<Option<(&'s Running, RolloutPlan)>, Halt> {
    let Some(running) = snapshot.running.as_ref() else {
        return Ok(None);
    };
    is_meant(settings, running)?;
    Ok(plan::attached(settings, snapshot)
        .map_err(Halt::Refused)?
        .map(|planned| (running, planned)))
}

/// A deployment that was named must be the one that is in progress.
pub(super) fn is_meant(settings: &Settings, running: &Running) -> Result<(), Halt> {
    match settings.control.deployment.as_deref() {
        Some(meant) if short_name(meant) != short_name(&running.id) => {
            let sentence = format!(
                "{} is not in progress: {}",
                short_name(meant),
                running.words()
            );
            Err(Halt::Failed(
                Failure::new(Reason::Superseded, sentence)
                    .hint("answer the deployment that waits, or leave `deployment` out"),
            ))
        }
        _ => Ok(()),
    }
}

/// A run that answers is as good as the one that started: what goes wrong from here is undone, the
/// revision too that was registered for the deployment.
pub(super) fn arm_running(run: &Run, settings: &Settings, snapshot: &Snapshot) {
    if let Some(revision) = plan::undo_of_its_revision(settings, snapshot) {
        run.arm(revision);
    }
    if let Some(undo) = plan::undo_of(settings, snapshot) {
        arm(
            run,
            snapshot,
            undo,
            plan::adopted_pause(settings, snapshot, &run.id),
        );
    }
}

/// The undo of what is in progress, and of the hooks that whoever started it has set for it.
pub(super) fn arm(run: &Run, snapshot: &Snapshot, undo: Undo, pause: Option<Pause>) {
    if let Undo::Ecs(ecs_undo) = &undo {
        let whose = snapshot
            .running
            .as_ref()
            .and_then(|running| running.run.clone());
        let before = snapshot
            .running
            .as_ref()
            .and_then(|running| running.hooks_before.clone())
            .unwrap_or_default();
        run.arm(Undo::Hooks(HooksUndo {
            place: ecs_undo.place.clone(),
            strategy: None,
            run: whose,
            pause,
            before,
        }));
    }
    run.arm(undo);
}

/// Scale-in rests from here on, where that is asked for: the run that left the rollout at its gate
/// has given it back. What has waited for a person is not rolled back because it cannot rest.
async fn rest(
    run: &Run,
    settings: &Settings,
    planned: &RolloutPlan,
    running: &Running,
) -> Result<(), Halt> {
    let suspended = scaling::suspend(run, settings, &planned.cluster, &planned.service).await;
    suspended.map_err(|failure| {
        Halt::Left(failure.caused_by(format!("{}, and is left as it is", running.words())))
    })
}

/// The job that started it tested green. When the answer took long, green is tested again.
async fn test_again(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<(), Halt> {
    if rollout.gate() == GatePlan::Test && rollout.waited().is_some_and(|waited| waited < LONG) {
        run.tell(Event::Noted {
            sentence:
                "green has waited at its gate for less than 5 minutes: its tests are not run again"
                    .into(),
        });
        return Ok(());
    }
    deploy::test_green(rollout, checks).await
}

/// Nobody answered in time, or somebody said no: it is on its way back already, and watched to its
/// end.
async fn expired(run: &Run, settings: &Settings, snapshot: &Snapshot) -> Result<Ending, Halt> {
    if let Some(undo) = plan::undo_of(settings, snapshot)
        && unwind::watch(run, &undo).await.is_stuck()
    {
        let sentence = format!("{} is on its way back, and did not get there", undo.words());
        return Err(Halt::Failed(Failure::new(Reason::Expired, sentence)));
    }
    over(run, settings, &deploy::look(run, settings).await?).await
}

/// What `mode: abort` would have left: the run that registered the revision of a failed deployment
/// is over, and nobody else removes it.
async fn remove_unused(run: &Run, settings: &Settings, last: &Last) {
    let Some(arn) = last
        .registered
        .clone()
        .filter(|_| last.end != history::End::Succeeded)
    else {
        return;
    };
    let is_active =
        |described: serde_json::Value| described["taskDefinition"]["status"] == "ACTIVE";
    if run
        .aws
        .describe_task_definition(&arn)
        .await
        .is_ok_and(is_active)
    {
        let place = ServiceKey {
            cluster: settings.cluster.clone(),
            service: settings.service.clone().unwrap_or_default(),
        };
        unwind::all(
            run,
            &[Undo::Revision(RevisionUndo {
                arn,
                service: Some(place),
            })],
        )
        .await;
    }
}

/// Nothing is in progress: what became of the deployment that is meant, or of the newest one.
async fn over(run: &Run, settings: &Settings, snapshot: &Snapshot) -> Result<Ending, Halt> {
    let Some(last) = history::last(run, settings, snapshot).await? else {
        return Err(Halt::Refused(vec![Problem::new(
            "mode",
            "nothing waits for an answer: the service has no deployment",
            "deploy first",
        )]));
    };
    remove_unused(run, settings, &last).await;
    let id = short_name(&last.id).to_owned();
    let serves = snapshot
        .service
        .as_ref()
        .map(|service| short_name(service.revision()).to_owned())
        .unwrap_or_default();
    let sentence = format!(
        "deployment {id} is over already ({}): {serves} serves production",
        last.word
    );
    match (last.end, settings.mode == crate::settings::Mode::Continue) {
        (history::End::Succeeded, true) | (history::End::Failed { .. }, false) => Ok(Ending {
            outcome: Outcome::AlreadyDeployed,
            reason: Reason::AlreadyAnswered,
            sentence,
        }),
        (history::End::Succeeded, false) => {
            let remedy = "use mode: rollback to go back to what ran before";
            Err(Halt::Refused(vec![Problem::new(
                "mode",
                format!("{sentence}; there is nothing left to abort"),
                remedy,
            )]))
        }
        (history::End::Failed { reason }, true) => Err(Halt::Failed(
            Failure::new(reason, sentence).hint("deploy again: what waited is not there any more"),
        )),
    }
}
