//! `mode: verify`: everything that can be known to be wrong before the first write, all at once.

use std::time::Duration;

use tokio::time::Instant;

use super::refusal::add_new_problems;
use super::{Ending, Halt, checks, planning, run_step, stale, start_gates};
use crate::aws::add_jitter;
use crate::error::Failure;
use crate::event::fact::AwsFact;
use crate::event::{Event, Step, VerificationStatus, VerifiedItem};
use crate::outcome::{Outcome, Reason};
use crate::plan::{Obstacles, Plan, PlanRefusal, Verification};
use crate::planner::Planner;
use crate::run::Run;
use crate::survey::{IncompleteSurvey, Snapshot, SurveyFailure};

/// How long AWS may throttle what only a verification waits for, and how often it is asked.
const THROTTLE_BUDGET: Duration = Duration::from_mins(1);
const THROTTLE_PAUSE: Duration = Duration::from_secs(6);

pub(super) async fn verify(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let found = run_step(run, Step::Survey, read(run, planner), |_| "read".to_owned()).await?;
    let Verification { items, problems } = found;
    let ending = verified_ending(&items);
    run.emit(Event::Verified { items });
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    if problems.is_empty() {
        Ok(ending)
    } else {
        Err(Halt::Refused(problems))
    }
}

async fn read(run: &Run, planner: &Planner) -> Result<Verification, Halt> {
    let (snapshot, mut obstacles) = survey(run, planner).await?;
    let mut plan = None;
    if obstacles.problems.is_empty() && obstacles.failure.is_none() {
        match planner.deployment(&snapshot) {
            Ok(made) => plan = Some(made),
            Err(PlanRefusal::Problems(problems)) => obstacles.problems = problems,
            Err(PlanRefusal::Failure(failure)) => obstacles.failure = Some(failure),
        }
    }
    if let Some(plan) = &plan
        && let Err(failure) = try_to_begin(run, planner, &snapshot, plan).await
    {
        obstacles.failure = Some(failure);
    }
    start_gates::show(run, planner, &snapshot).await;
    Ok(planner.verification(&snapshot, obstacles, plan.as_ref()))
}

/// What a deployment does before its first write: it gives way to a newer run, and fetches what its
/// checks need.
async fn try_to_begin(
    run: &Run,
    planner: &Planner,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<(), Failure> {
    if let Some(token) = &planner.clearance(snapshot).newer_run {
        stale::check(run, token).await?;
    }
    checks::prepare(run, &plan.checks).await.map(drop)
}

/// A deployment does without a read that AWS throttles; a verification has the time to ask again.
async fn read_patiently(run: &Run, planner: &Planner) -> Result<Snapshot, IncompleteSurvey> {
    let began = Instant::now();
    loop {
        let snapshot = planning::read_unthrottled(run, planner).await?;
        let Some(error) = snapshot
            .prerequisites
            .throttled()
            .filter(|_| began.elapsed() < THROTTLE_BUDGET)
        else {
            return Ok(snapshot);
        };
        run.emit(AwsFact::LooksAgain {
            why: error.summary().into(),
        });
        tokio::time::sleep(add_jitter(THROTTLE_PAUSE)).await;
    }
}

/// What was read, and what is wrong with it where not everything could be.
async fn survey(run: &Run, planner: &Planner) -> Result<(Snapshot, Obstacles), Halt> {
    let mut obstacles = Obstacles::default();
    let incomplete = match read_patiently(run, planner).await {
        Ok(snapshot) => return Ok((snapshot, obstacles)),
        Err(incomplete) => incomplete,
    };
    let IncompleteSurvey {
        why,
        credentials,
        snapshot,
    } = incomplete;
    match why {
        Some(SurveyFailure::Problems(problems)) => obstacles.problems.extend(problems),
        Some(SurveyFailure::Credentials(problem)) => {
            return Err(Halt::NoCredentials(vec![problem]));
        }
        Some(SurveyFailure::Failure(failure) | SurveyFailure::Throttled(failure)) => {
            obstacles.failure = Some(failure);
        }
        None => {}
    }
    obstacles.problems.extend(credentials);
    add_new_problems(
        &mut obstacles.problems,
        planner.partial_survey_problems(&snapshot),
    );
    Ok((*snapshot, obstacles))
}

fn verified_ending(items: &[VerifiedItem]) -> Ending {
    let count = |status| items.iter().filter(|item| item.status == status).count();
    let skipped = count(VerificationStatus::Skipped);
    let warnings = match count(VerificationStatus::Warned) {
        0 => String::new(),
        1 => ", with 1 warning".to_owned(),
        warnings => format!(", with {warnings} warnings"),
    };
    Ending {
        outcome: Outcome::Verified,
        reason: Reason::AsPlanned,
        sentence: format!(
            "nothing that was looked at keeps a deployment from starting{warnings} ({skipped} skipped); nothing was changed"
        ),
    }
}
