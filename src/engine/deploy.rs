//! `mode: deploy` from the survey to the bake, and `mode: migrate`, which ends before the rollout; the
//! part after the start also follows a rollout that was found.

use tokio::time::Instant;

use super::checks::{self, Checks, PreparedChecks, Release};
use super::endings::{
    deployed_ending, describe_revision, left_to_aws_ending, unchanged_ending, waiting_ending,
};
use super::planning::survey_and_plan;
use super::prepared::Prepared;
use super::{Ending, Halt, approval, one_off, run_step, start_gates};
use crate::checks::moment::Moment;
use crate::choices::{Approval, Follow};
use crate::error::Failure;
use crate::event::fact::{GateFact, ImageFact};
use crate::event::{Event, Step, SurveyedService, Tasks};
use crate::outcome::Mode;
use crate::own_deployment::OwnDeployment;
use crate::plan::Plan;
use crate::planner::Planner;
use crate::rollout_kind::GatePlan;
use crate::run::Run;
use crate::steps::image::{self, ResolvedImage};
use crate::steps::revision;
use crate::steps::rollout::{GateState, Interrupted, Milestone, Rollout};
use crate::steps::{scaling, scan};
use crate::survey::Snapshot;

/// survey → plan → gates → image → scan → register → one-off task → rollout → gate → traffic → production →
/// bake.
pub(super) async fn deploy(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let (mut snapshot, plan, ready) = run_step(run, Step::Survey, prepare(run, planner), |_| {
        "ready".to_owned()
    })
    .await?;
    start_gates::pass(run, planner, &snapshot).await?;
    let image = push(run, &mut snapshot, &plan).await?;
    check_scan(run, &snapshot, &plan, image.as_ref()).await?;
    let revision = run_step(
        run,
        Step::Revision,
        revision::ensure_registered(run, &plan, image.as_ref()),
        describe_revision,
    )
    .await?;
    let is_of_others = snapshot
        .running
        .as_mut()
        .is_some_and(|running| running.is_ours && !running.confirm_ours(&revision.arn));
    if is_of_others {
        // The rollout that was taken for an earlier attempt's is somebody else's, so the gates have
        // not been asked, and the scan of this image has not been evaluated yet.
        start_gates::pass(run, planner, &snapshot).await?;
        check_scan(run, &snapshot, &plan, image.as_ref()).await?;
    }
    let mut prepared = Prepared {
        snapshot,
        plan,
        revision,
    };
    // What AWS may refuse and is easily undone comes before what cannot be undone.
    if let Some(planned) = prepared
        .plan
        .rollout
        .as_ref()
        .filter(|planned| planner.mode() == Mode::Deploy && !prepared.is_unchanged(planned))
    {
        scaling::suspend(run, planned).await?;
    }
    let before = Box::pin(one_off::run(run, planner, image.as_ref(), &mut prepared)).await?;
    if planner.mode() == Mode::Migrate {
        return Ok(one_off::migrated_ending(&prepared, before));
    }
    if prepared
        .plan
        .rollout
        .as_ref()
        .is_none_or(|planned| prepared.is_unchanged(planned))
    {
        let ending = unchanged_ending(&prepared.plan, &prepared.revision);
        return Ok(one_off::with_migration(ending, &prepared, before));
    }
    Box::pin(roll_out(run, planner, &mut prepared, image.as_ref(), ready)).await
}

/// rollout → gate → traffic → production → bake.
async fn roll_out(
    run: &Run,
    planner: &Planner,
    prepared: &mut Prepared,
    image: Option<&ResolvedImage>,
    ready: PreparedChecks,
) -> Result<Ending, Halt> {
    let began = Instant::now();
    let mut poll_interval = prepared.poll_interval();
    let started = loop {
        Box::pin(prepared.replan_if_changed(run, planner, image)).await?;
        match prepared.start(run).await {
            // Another run started its rollout just before our request.
            Err(Interrupted::Busy(_))
                if prepared.plan.order.waits_for_a_rollout(began.elapsed()) =>
            {
                poll_interval.wait().await;
            }
            started => break started?,
        }
    };
    let Prepared { plan, revision, .. } = &*prepared;
    let (Some(planned), Some(mut rollout)) = (&plan.rollout, started) else {
        return Ok(unchanged_ending(plan, revision));
    };
    run.begin_deployment(OwnDeployment::begin(
        planned.place.clone(),
        revision.arn.clone(),
    ));
    let is_adopted = prepared.adopted_rollout().is_some();
    if is_adopted {
        approval::arm_running_undos(run, &plan.adopted_undos);
    }
    if planned.follow == Follow::LeaveToAws {
        return Ok(left_to_aws_ending(revision));
    }
    let release = Release {
        checks: &plan.checks,
        plan: planned,
        revision,
        image,
        is_answered: false,
    };
    let checks = Checks::new(run, ready, &release);
    if is_adopted && rollout.gate() != GatePlan::Absent {
        return resume(run, &mut rollout, &checks).await;
    }
    follow(run, &mut rollout, &checks).await
}

/// Continues the rollout that an earlier attempt of this run started. That attempt opened green's
/// gate only after its tests had passed, so an open gate is no failure.
async fn resume(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<Ending, Halt> {
    match find_gate(run, rollout).await? {
        GateState::Passed => continue_from_traffic(run, rollout, checks).await,
        GateState::NotPassed => {
            test_green(rollout, checks).await?;
            continue_from_gate(run, rollout, checks).await
        }
    }
}

/// Whether a rollout that was found has passed green's gate.
pub(super) async fn find_gate(run: &Run, rollout: &mut Rollout<'_>) -> Result<GateState, Halt> {
    let gate = run_step(run, Step::Green, rollout.find_gate(), |gate| {
        gate.describe().to_owned()
    })
    .await?;
    if gate == GateState::Passed {
        run.emit(GateFact::OpenedBefore);
    }
    Ok(gate)
}

/// gate → traffic → production → bake, of a rollout that was started here.
async fn follow(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<Ending, Halt> {
    if rollout.gate() != GatePlan::Absent {
        run_step(run, Step::Green, rollout.wait_for_gate(), |()| {
            GateState::NotPassed.describe().to_owned()
        })
        .await?;
    }
    test_green(rollout, checks).await?;
    continue_from_gate(run, rollout, checks).await
}

/// gate → traffic → production → bake, once green is tested. The inputs say who opens the gate.
async fn continue_from_gate(
    run: &Run,
    rollout: &mut Rollout<'_>,
    checks: &Checks<'_>,
) -> Result<Ending, Halt> {
    if rollout.approval() == Approval::BeforeTraffic {
        return Ok(waiting_ending(run, rollout));
    }
    rollout.open_green_gate().await?;
    continue_from_traffic(run, rollout, checks).await
}

/// traffic → production → bake, once green's gate is open.
pub(super) async fn continue_from_traffic(
    run: &Run,
    rollout: &mut Rollout<'_>,
    checks: &Checks<'_>,
) -> Result<Ending, Halt> {
    run_step(run, Step::Shift, shift_traffic(rollout, checks), |serves| {
        (*serves).to_owned()
    })
    .await?;
    checks.run_at(Moment::Production, rollout).await?;
    rollout.pass_production_gate().await?;
    bake(run, rollout, checks).await?;
    rollout.take_last_look().await?;
    run.end_deployment();
    Ok(deployed_ending(run, rollout))
}

/// Shifts traffic share by share, each of them checked, until green has all of it.
async fn shift_traffic(
    rollout: &mut Rollout<'_>,
    checks: &Checks<'_>,
) -> Result<&'static str, Halt> {
    checks.begin_shift(rollout).await?;
    loop {
        let steps = rollout.traffic_steps();
        match checks
            .run_alongside(Moment::Step, steps, rollout.wait_for_shift())
            .await?
        {
            Milestone::Green if rollout.serves_nothing() => {
                return Ok("no task runs, and nothing serves");
            }
            Milestone::Green => return Ok("green serves 100 %"),
            Milestone::Gate(_) => {
                if checks.run_at_step(rollout).await? == GateState::NotPassed {
                    rollout.open_step().await?;
                }
            }
        }
    }
}

/// The plan, and what its checks need.
async fn prepare(run: &Run, planner: &Planner) -> Result<(Snapshot, Plan, PreparedChecks), Halt> {
    let (snapshot, plan) = Box::pin(survey_and_plan(run, planner, None)).await?;
    let ready = checks::prepare(run, &plan.checks).await?;
    tell_plan(run, &snapshot, &plan);
    Ok((snapshot, plan, ready))
}

/// Reports the plan, and what the user should know about it.
pub(super) fn tell_plan(run: &Run, snapshot: &Snapshot, plan: &Plan) {
    let notes = plan.notes.iter().map(|note| Event::Noted {
        sentence: note.into(),
    });
    let warnings = plan.warnings.iter().map(|warning| Event::Warned {
        sentence: warning.into(),
    });
    notes.chain(warnings).for_each(|event| run.emit(event));
    report_survey(run, snapshot, plan);
}

fn report_survey(run: &Run, snapshot: &Snapshot, plan: &Plan) {
    let Some(service) = &snapshot.service else {
        return;
    };
    let tasks = Tasks {
        running: service.running_count,
        desired: service.desired_count,
        failed: 0,
    };
    let controller = plan
        .rollout
        .as_ref()
        .map_or("none", |rollout| rollout.kind.controller())
        .to_owned();
    run.emit(Event::Surveyed(SurveyedService {
        controller,
        blue: service.revision().to_owned(),
        tasks,
        plan: plan.lines.clone().into_iter().map(Into::into).collect(),
    }));
}

async fn push(
    run: &Run,
    snapshot: &mut Snapshot,
    plan: &Plan,
) -> Result<Option<ResolvedImage>, Failure> {
    let (Some(asked), Some(found)) = (&plan.image, snapshot.image.take()) else {
        return Ok(None);
    };
    run_step(
        run,
        Step::Image,
        image::push_or_resolve(run, asked, found, plan.repository.as_ref()),
        ResolvedImage::short_name,
    )
    .await
    .map(Some)
}

/// Evaluates what the registry's scanner found in the image, before the image is used. A rollout
/// that an earlier attempt of this run started is not refused here: its scan was evaluated before,
/// and refusing now would leave it half-way.
async fn check_scan(
    run: &Run,
    snapshot: &Snapshot,
    plan: &Plan,
    image: Option<&ResolvedImage>,
) -> Result<(), Failure> {
    let (Some(asked), Some(image)) = (&plan.scan, image) else {
        return Ok(());
    };
    if snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours)
    {
        run.emit(ImageFact::ScannedBefore);
        return Ok(());
    }
    run_step(
        run,
        Step::Scan,
        scan::check_image(run, asked, &plan.definition, image),
        Clone::clone,
    )
    .await
    .map(drop)
}

/// Tests green, where the rollout has a gate for that.
pub(super) async fn test_green(rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<(), Halt> {
    match rollout.gate() {
        GatePlan::Test => checks.run_at(Moment::Green, rollout).await,
        GatePlan::Pass | GatePlan::Absent => Ok(()),
    }
}

async fn bake(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<(), Halt> {
    if !rollout.is_followed_to_its_end() || !rollout.keeps_blue() {
        return Ok(());
    }
    // Green's health is read alongside, so the rollout is read less often.
    rollout.share_reads();
    run_step(
        run,
        Step::Bake,
        checks.run_alongside(Moment::Bake, None, rollout.wait_for_completion()),
        |()| "the rollout is over, blue is gone".to_owned(),
    )
    .await?;
    run.emit(Event::PointOfNoReturn);
    Ok(())
}
