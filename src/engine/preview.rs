//! `mode: plan`: reads, plans and reports what a deployment would do, and changes nothing; and
//! refuses a deployment that differs from the plan that was reviewed.

use super::{Ending, Halt, checks, deploy, drift, planning, run_step, start_gates};
use crate::aws::arn::short_name;
use crate::event::{Event, PlannedDeployment, Step};
use crate::outcome::{Outcome, Reason};
use crate::plan::{Plan, PreviewReads};
use crate::plan_digest::differing;
use crate::planner::Planner;
use crate::problem::Problem;
use crate::registry::PushEstimate;
use crate::run::Run;
use crate::steps::{image, scan};
use crate::survey::Snapshot;
use crate::text::Text;

pub(super) async fn plan(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let planned = run_step(run, Step::Survey, read(run, planner), |_| "read".to_owned()).await?;
    let ending = ending(&planned, planner.fails_on_changes());
    run.emit(Event::Planned(Box::new(planned)));
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    Ok(ending)
}

async fn read(run: &Run, planner: &Planner) -> Result<PlannedDeployment, Halt> {
    let snapshot = planning::survey(run, planner).await?;
    let plan = planner.deployment(&snapshot)?;
    // What documents name must exist, as before a deployment.
    checks::prepare(run, &plan.checks).await?;
    deploy::tell_plan(run, &snapshot, &plan);
    start_gates::show(run, planner, &snapshot).await;
    let estimate = image::estimate(&plan, snapshot.image.as_ref()).await?;
    let drift = drift::look(run, &snapshot, planner.shown_values());
    let scans = read_scans(run, &snapshot, &plan, estimate.as_ref());
    let (drift, scans) = tokio::join!(drift, scans);
    let seen = PreviewReads {
        estimate,
        scans,
        drift,
    };
    Ok(planner.preview(&snapshot, &plan, seen))
}

/// What the registry's scanner found in the image, where it is there already.
async fn read_scans(
    run: &Run,
    snapshot: &Snapshot,
    plan: &Plan,
    estimate: Option<&PushEstimate>,
) -> Vec<Text> {
    match image::find_existing(snapshot.image.as_ref(), estimate) {
        Some(existing) => scan::describe_known(run, &plan.definition, &existing).await,
        None => Vec::new(),
    }
}

async fn preview(
    planner: &Planner,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<PlannedDeployment, Halt> {
    let seen = PreviewReads {
        estimate: image::estimate(plan, snapshot.image.as_ref()).await?,
        ..PreviewReads::default()
    };
    Ok(planner.preview(snapshot, plan, seen))
}

/// Refuses a deployment that is not the one that was reviewed, where one was.
pub(super) async fn check_reviewed(
    planner: &Planner,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<(), Halt> {
    let Some(reviewed) = planner.reviewed_plan() else {
        return Ok(());
    };
    let differing = differing(reviewed, &planner.plan_digest(snapshot, plan));
    // What this workflow run has started was held to the plan when it began.
    let is_adopted = snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours);
    if differing.is_empty() || is_adopted {
        return Ok(());
    }
    let now = preview(planner, snapshot, plan).await?;
    if !now.changes {
        return Ok(());
    }
    let changes = shown_changes(&now)
        .map(|changes| format!("; the task definition would now change in {changes}"))
        .unwrap_or_default();
    let message = format!(
        "this deployment is not the one that was reviewed: {} {} different{changes}",
        differing.join(", "),
        if differing.len() == 1 && !differing[0].ends_with('s') {
            "is"
        } else {
            "are"
        }
    );
    let remedy = format!(
        "review it again with mode: plan, and give its plan-digest, which is {} now",
        now.digest
    );
    Err(Halt::Refused(vec![Problem::new(
        "plan-digest",
        message,
        remedy,
    )]))
}

fn shown_changes(planned: &PlannedDeployment) -> Option<String> {
    let changes: Vec<&str> = planned
        .task_definition
        .changes
        .iter()
        .map(Text::as_str)
        .collect();
    (!changes.is_empty()).then(|| changes.join("; "))
}

fn ending(planned: &PlannedDeployment, fails_on_changes: bool) -> Ending {
    let serves = planned
        .serves
        .as_ref()
        .map(|serves| format!("{} serves production; ", short_name(serves)))
        .unwrap_or_default();
    let (outcome, reason) = match (planned.changes, fails_on_changes) {
        (true, true) => (Outcome::NotDeployed, Reason::Changes),
        (true, false) | (false, _) => (Outcome::Planned, Reason::AsPlanned),
    };
    let then = match (&planned.controller, planned.changes) {
        (_, false) if !planned.steps.is_empty() => "a deployment would only run the migration",
        (_, false) => "a deployment would change nothing",
        (Some(_), true) => "a deployment would roll out what the plan shows",
        (None, true) => "a new revision would be registered",
    };
    Ending {
        outcome,
        reason,
        sentence: format!("{serves}{then}; nothing was changed"),
    }
}
