//! `mode: deploy`, the straight line; and what follows every rollout that was started or found.

use std::time::Duration;

use tokio::time::Instant;

use super::checks::{self, Brought, Checks, Ready};
use super::planning::planned;
use super::prepared::Prepared;
use super::{Ending, Halt, approval, step};
use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::choices::{Approval, Follow};
use crate::error::Failure;
use crate::event::fact::{GateFact, ImageFact, OneOffFact};
use crate::event::{Event, Step, SurveyedService, Tasks};
use crate::outcome::{Outcome, Reason};
use crate::plan::{Plan, RolloutPlan};
use crate::planner::Planner;
use crate::rollout_kind::GatePlan;
use crate::run::Run;
use crate::steps::image::{self, Pinned};
use crate::steps::revision::{self, Revision};
use crate::steps::rollout::{GateState, Interrupted, Reached, Rollout};
use crate::steps::task::{self, OneOff};
use crate::steps::{scaling, scan};
use crate::survey::Snapshot;

/// From the end of a run's one-off task until its rollout can be seen.
const HANDOVER: Duration = Duration::from_secs(20);

/// survey → plan → image → scan → register → one-off task → rollout → gate → traffic → production →
/// bake.
pub(super) async fn deploy(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let (mut snapshot, plan, ready) = step(run, Step::Survey, prepare(run, planner), |_| {
        "ready".to_owned()
    })
    .await?;
    let image = push(run, &mut snapshot, &plan).await?;
    judge(run, &snapshot, &plan, image.as_ref()).await?;
    let revision = step(
        run,
        Step::Revision,
        revision::revision(run, &plan, image.as_ref()),
        described,
    )
    .await?;
    let is_of_others = snapshot
        .running
        .as_mut()
        .is_some_and(|running| running.is_ours && !running.is_of(&revision.arn));
    if is_of_others {
        // It is somebody else's: this image's scan was not judged before.
        judge(run, &snapshot, &plan, image.as_ref()).await?;
    }
    let mut prepared = Prepared {
        snapshot,
        plan,
        revision,
    };
    // What AWS may refuse and is easily undone comes before what is not undone.
    if let Some(planned) = prepared
        .plan
        .rollout
        .as_ref()
        .filter(|planned| !prepared.is_unchanged(planned))
    {
        scaling::suspend(run, planned).await?;
    }
    Box::pin(one_off(run, planner, image.as_ref(), &mut prepared)).await?;
    if prepared
        .plan
        .rollout
        .as_ref()
        .is_none_or(|planned| prepared.is_unchanged(planned))
    {
        return Ok(nothing_to_roll_out(&prepared.plan, &prepared.revision));
    }
    Box::pin(roll_out(run, planner, &mut prepared, image.as_ref(), ready)).await
}

/// rollout → gate → traffic → production → bake.
async fn roll_out(
    run: &Run,
    planner: &Planner,
    prepared: &mut Prepared,
    image: Option<&Pinned>,
    ready: Ready,
) -> Result<Ending, Halt> {
    let began = Instant::now();
    let mut poll_interval = prepared.poll_interval();
    let started = loop {
        Box::pin(prepared.look_again(run, planner, image)).await?;
        match prepared.start(run).await {
            // Another run was quicker by the time of a request.
            Err(Interrupted::Busy(_))
                if prepared.plan.order.waits_for_a_rollout(began.elapsed()) =>
            {
                poll_interval.rest().await;
            }
            started => break started?,
        }
    };
    let Prepared { plan, revision, .. } = &*prepared;
    let (Some(planned), Some(mut rollout)) = (&plan.rollout, started) else {
        return Ok(nothing_to_roll_out(plan, revision));
    };
    let is_adopted = prepared.adopted().is_some();
    if is_adopted {
        approval::arm_running(run, &plan.adopted);
    }
    if planned.follow == Follow::Not {
        return Ok(left_to_aws(revision));
    }
    let brought = Brought {
        checks: &plan.checks,
        plan: planned,
        revision,
        image,
        is_answered: false,
    };
    let checks = Checks::new(run, ready, &brought);
    if is_adopted && rollout.gate() != GatePlan::Absent {
        return resume(run, &mut rollout, &checks).await;
    }
    follow(run, &mut rollout, &checks).await
}

/// What an earlier attempt of this run has started: it opened green's gate only after its tests had
/// passed, so a gate that is open is no reason to go back.
async fn resume(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<Ending, Halt> {
    match find_gate(run, rollout).await? {
        GateState::Passed => from_traffic(run, rollout, checks).await,
        GateState::NotPassed => {
            test_green(rollout, checks).await?;
            from_gate(run, rollout, checks).await
        }
    }
}

/// Where a rollout that was found stands to green's gate.
pub(super) async fn find_gate(run: &Run, rollout: &mut Rollout<'_>) -> Result<GateState, Halt> {
    let past = step(run, Step::Green, rollout.find_gate(), |past| {
        past.words().to_owned()
    })
    .await?;
    if past == GateState::Passed {
        run.tell(GateFact::OpenedBefore);
    }
    Ok(past)
}

/// gate → traffic → production → bake, of a rollout that was started here.
async fn follow(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<Ending, Halt> {
    if rollout.gate() != GatePlan::Absent {
        step(run, Step::Green, rollout.reach_gate(), |()| {
            GateState::NotPassed.words().to_owned()
        })
        .await?;
    }
    test_green(rollout, checks).await?;
    from_gate(run, rollout, checks).await
}

/// gate → traffic → production → bake, once green is tested: who opens the gate was said with the
/// inputs.
async fn from_gate(
    run: &Run,
    rollout: &mut Rollout<'_>,
    checks: &Checks<'_>,
) -> Result<Ending, Halt> {
    if rollout.approval() == Approval::BeforeTraffic {
        return Ok(waiting(run, rollout));
    }
    rollout.proceed().await?;
    from_traffic(run, rollout, checks).await
}

/// traffic → production → bake, once green's gate is open.
pub(super) async fn from_traffic(
    run: &Run,
    rollout: &mut Rollout<'_>,
    checks: &Checks<'_>,
) -> Result<Ending, Halt> {
    step(run, Step::Shift, shift(rollout, checks), |serves| {
        (*serves).to_owned()
    })
    .await?;
    checks.at(Moment::Production, rollout).await?;
    rollout.pass_production().await?;
    bake(run, rollout, checks).await?;
    rollout.last_look().await?;
    Ok(deployed(run, rollout))
}

/// From share to share of the traffic, each of them checked, until green has all of it.
async fn shift(rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<&'static str, Halt> {
    checks.begin(rollout).await?;
    loop {
        let steps = rollout.steps();
        match checks
            .beside(Moment::Step, steps, rollout.shifted())
            .await?
        {
            Reached::Green if rollout.serves_nothing() => {
                return Ok("no task runs, and nothing serves");
            }
            Reached::Green => return Ok("green serves 100 %"),
            Reached::Gate(_) => {
                if checks.at_step(rollout).await? == GateState::NotPassed {
                    rollout.take_step().await?;
                }
            }
        }
    }
}

/// The plan, and what its checks need.
async fn prepare(run: &Run, planner: &Planner) -> Result<(Snapshot, Plan, Ready), Halt> {
    let (snapshot, plan) = Box::pin(planned(run, planner, None)).await?;
    let ready = checks::prepare(run, &plan.checks).await?;
    tell_plan(run, &snapshot, &plan);
    Ok((snapshot, plan, ready))
}

/// What is planned, and what the user should know about it.
pub(super) fn tell_plan(run: &Run, snapshot: &Snapshot, plan: &Plan) {
    let notes = plan.notes.iter().map(|note| Event::Noted {
        sentence: note.into(),
    });
    let warnings = plan.warnings.iter().map(|warning| Event::Warned {
        sentence: warning.into(),
    });
    notes.chain(warnings).for_each(|event| run.tell(event));
    surveyed(run, snapshot, plan);
}

fn surveyed(run: &Run, snapshot: &Snapshot, plan: &Plan) {
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
    run.tell(Event::Surveyed(SurveyedService {
        controller,
        blue: service.revision().to_owned(),
        tasks,
        plan: plan.lines.clone().into_iter().map(Into::into).collect(),
    }));
}

async fn push(run: &Run, snapshot: &mut Snapshot, plan: &Plan) -> Result<Option<Pinned>, Failure> {
    let (Some(asked), Some(found)) = (&plan.image, snapshot.image.take()) else {
        return Ok(None);
    };
    step(
        run,
        Step::Image,
        image::image(run, asked, found, plan.repository.as_ref()),
        Pinned::short,
    )
    .await
    .map(Some)
}

/// What the registry's scanner found in the image, before anything is made of it. What an earlier
/// attempt of this run has started it had judged before; to refuse it now would leave it alone
/// half-way.
async fn judge(
    run: &Run,
    snapshot: &Snapshot,
    plan: &Plan,
    image: Option<&Pinned>,
) -> Result<(), Failure> {
    let (Some(asked), Some(image)) = (&plan.scan, image) else {
        return Ok(());
    };
    if snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours)
    {
        run.tell(ImageFact::ScannedBefore);
        return Ok(());
    }
    step(
        run,
        Step::Scan,
        scan::scan(run, asked, &plan.definition, image),
        Clone::clone,
    )
    .await
    .map(drop)
}

fn described(revision: &Revision) -> String {
    let how = if revision.registered {
        "registered"
    } else {
        "is registered already, unchanged"
    };
    format!("{} {how}", short_name(&revision.arn))
}

/// The one-off task, unless somebody else is deploying: what it does cannot be undone. An earlier
/// attempt of this run that has started its rollout had run it before.
async fn one_off(
    run: &Run,
    planner: &Planner,
    image: Option<&Pinned>,
    prepared: &mut Prepared,
) -> Result<(), Halt> {
    if prepared.plan.task.is_none() {
        return Ok(());
    }
    if prepared.adopted().is_some() {
        run.tell(OneOffFact::RanBefore);
        return Ok(());
    }
    for attempt in 1.. {
        Box::pin(prepared.look_again(run, planner, image)).await?;
        let Prepared {
            snapshot,
            plan,
            revision,
        } = &*prepared;
        let Some(plan) = &plan.task else { break };
        let one_off = OneOff {
            run,
            plan,
            revision,
            service: snapshot.service.as_ref(),
            attempt,
        };
        let ran = match one_off.find().await {
            task::ExistingTask::Other(other) => {
                if one_off.make_way(&other).await? == task::OtherEnd::Well {
                    until_rollout(run, planner, prepared).await;
                }
                continue;
            }
            task::ExistingTask::Own(task) => {
                step(
                    run,
                    Step::Task,
                    one_off.adopt(&task),
                    task::OneOffOutcome::words,
                )
                .await?
            }
            task::ExistingTask::Nothing => {
                step(run, Step::Task, one_off.run(), task::OneOffOutcome::words).await?
            }
        };
        if ran == task::OneOffOutcome::Done {
            break;
        }
    }
    Ok(())
}

/// A run whose one-off task has ended well begins its rollout: it is not overtaken in between.
async fn until_rollout(run: &Run, planner: &Planner, prepared: &Prepared) {
    let (began, mut poll_interval) = (Instant::now(), prepared.poll_interval());
    while began.elapsed() < HANDOVER && !planner.has_changed(run, &prepared.snapshot).await {
        poll_interval.rest().await;
    }
}

/// Green is tested where it is owed that.
pub(super) async fn test_green(rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<(), Halt> {
    match rollout.gate() {
        GatePlan::Test => checks.at(Moment::Green, rollout).await,
        GatePlan::Pass | GatePlan::Absent => Ok(()),
    }
}

async fn bake(run: &Run, rollout: &mut Rollout<'_>, checks: &Checks<'_>) -> Result<(), Halt> {
    if !rollout.is_followed_to_its_end() || !rollout.keeps_blue() {
        return Ok(());
    }
    // Green's health is read beside it.
    rollout.share_reads();
    step(
        run,
        Step::Bake,
        checks.beside(Moment::Bake, None, rollout.completed()),
        |()| "the rollout is over, blue is gone".to_owned(),
    )
    .await?;
    run.tell(Event::PointOfNoReturn);
    Ok(())
}

fn nothing_to_roll_out(plan: &Plan, revision: &Revision) -> Ending {
    plan.rollout
        .as_ref()
        .map_or_else(|| only_registered(revision), already_deployed)
}

fn only_registered(revision: &Revision) -> Ending {
    let sentence = format!(
        "{}; no service was given, so no traffic was touched",
        described(revision)
    );
    Ending {
        outcome: Outcome::Registered,
        reason: Reason::NoService,
        sentence,
    }
}

pub(super) fn already_deployed(plan: &RolloutPlan) -> Ending {
    let sentence = format!(
        "{} serves production already: nothing was to be deployed",
        short_name(&plan.blue.revision)
    );
    Ending {
        outcome: Outcome::AlreadyDeployed,
        reason: Reason::AlreadyRuns,
        sentence,
    }
}

fn left_to_aws(revision: &Revision) -> Ending {
    let sentence = format!(
        "the rollout of {} was started and is left to AWS; what serves traffic was not looked at",
        short_name(&revision.arn)
    );
    Ending {
        outcome: Outcome::Started,
        reason: Reason::NotWaited,
        sentence,
    }
}

/// Green stands at its gate, tested; who opens it is a person's business.
fn waiting(run: &Run, rollout: &Rollout<'_>) -> Ending {
    run.tell(Event::Measured {
        reads: run.aws.reads(),
    });
    let is_unproven = run.test_url().is_some_and(|seen| seen.is_unproven());
    let green = match rollout.gate() {
        GatePlan::Test if rollout.serves_nothing() => "green is up, and was not tested",
        GatePlan::Test if is_unproven => {
            "green is up, and what passed at test-url is not proven to have reached it"
        }
        GatePlan::Test => "green is up and tested",
        GatePlan::Pass | GatePlan::Absent => "green is up, and was not tested",
    };
    let sentence = format!(
        "{green}; blue serves 100 % of production; {}; answer with mode: continue or mode: abort",
        rollout.if_left_alone()
    );
    Ending {
        outcome: Outcome::Waiting,
        reason: Reason::Approval,
        sentence,
    }
}

/// What was measured says neither good nor bad, and a person is to decide.
pub(super) fn waiting_for_verdict(run: &Run, rollout: &Rollout<'_>, verdict: &str) -> Ending {
    run.tell(Event::Measured {
        reads: run.aws.reads(),
    });
    let (serves, if_left_alone) = (rollout.serves(), rollout.if_left_alone());
    let sentence =
        format!("{verdict}; {serves}; {if_left_alone}; answer with mode: continue or mode: abort");
    Ending {
        outcome: Outcome::Waiting,
        reason: Reason::Inconclusive,
        sentence,
    }
}

pub(super) fn deployed(run: &Run, rollout: &Rollout<'_>) -> Ending {
    let revision = rollout.revision();
    run.tell(Event::Measured {
        reads: run.aws.reads(),
    });
    if rollout.serves_nothing() {
        let sentence = format!(
            "{} is rolled out with zero tasks: nothing runs, nothing serves, and nothing was tested",
            short_name(&revision.arn)
        );
        return Ending {
            outcome: Outcome::Started,
            reason: Reason::ZeroTasks,
            sentence,
        };
    }
    let missing = rollout.missing_tasks().map(|(running, desired)| {
        format!("; {running} of its {desired} tasks ran when ECS called the deployment successful")
    });
    let sentence = format!(
        "green serves 100 % of production: {} ({}){}",
        short_name(&revision.arn),
        rollout.observed_by().words(),
        missing.unwrap_or_default()
    );
    Ending {
        outcome: Outcome::Deployed,
        reason: Reason::AsPlanned,
        sentence,
    }
}
