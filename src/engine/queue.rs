//! A rollout of the service is in progress: the run waits for its end, or takes it back first.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::AwsError;
use crate::aws::codedeploy_shapes::Status;
use crate::aws::ecs::ServiceLookup;
use crate::error::Failure;
use crate::event::Event;
use crate::github::queue_position::queue_position;
use crate::outcome::Reason;
use crate::plan;
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::settings::{IfRunning, Mode, Settings, StaleRun};
use crate::steps::revision::Revision;
use crate::survey::{Running, Snapshot, Thing};
use crate::undo::Undo;
use crate::unwind::{self, Unwound};

/// The longest job GitHub runs.
const LONGEST: Duration = Duration::from_hours(6);

/// A wait that lasts is told again.
const REMIND: Duration = Duration::from_mins(10);

/// What became of what was in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueOutcome {
    /// Nothing is in it, or the plan says what that means.
    Free,
    /// It was, for a while: AWS is to be read again.
    Again,
}

/// Makes way for this run, as `if-running` says.
///
/// # Errors
/// The wait took too long, or what is in progress could not be undone.
pub async fn make_way(
    run: &Run,
    settings: &Settings,
    snapshot: &Snapshot,
    ours: Option<&Revision>,
) -> Result<QueueOutcome, Failure> {
    let Some(running) = snapshot
        .running
        .as_ref()
        .filter(|running| settings.mode == Mode::Deploy && !running.is_ours)
    else {
        return Ok(QueueOutcome::Free);
    };
    match (
        snapshot.if_running(settings.control.if_running),
        &running.thing,
    ) {
        (IfRunning::Wait, _) => wait(run, settings, running).await,
        // A new rolling deployment takes the old one's place by itself; what is refused is the
        // plan's to say.
        (IfRunning::Fail, _) | (IfRunning::Supersede, Thing::Rolling) => Ok(QueueOutcome::Free),
        (IfRunning::Supersede, Thing::CodeDeploy(_) | Thing::Ecs(_)) => {
            supersede(run, settings, snapshot, running, ours).await
        }
    }
}

/// Whether a run that has waited for so long waits on.
pub fn may_wait(settings: &Settings, waited: Duration) -> bool {
    // Only where traffic moves by weights a rollout is refused because of another.
    settings.control.if_running.unwrap_or(IfRunning::Wait) == IfRunning::Wait
        && waited < longest_wait(settings)
}

/// How long a run waits for another one.
pub fn longest_wait(settings: &Settings) -> Duration {
    settings.rollout.deadline.unwrap_or(LONGEST)
}

async fn wait(run: &Run, settings: &Settings, running: &Running) -> Result<QueueOutcome, Failure> {
    if let Some(newer) = newer_run(run, settings, running) {
        return Err(stale_failure(running, newer));
    }
    let deadline = longest_wait(settings);
    let (began, mut said) = (Instant::now(), Instant::now());
    let place = queue_position(run, settings.control.github_token.as_ref())
        .await
        .map(|runs| format!(" (position {} in the workflow's queue)", runs + 1));
    run.tell(Event::Noted {
        sentence: format!(
            "{}: waiting until it is over{}",
            running.words(),
            place.unwrap_or_default()
        ),
    });
    let mut pace = PollInterval::new(settings.rollout.pace);
    while began.elapsed() < deadline {
        pace.rest().await;
        if said.elapsed() >= REMIND {
            said = Instant::now();
            let sentence = format!(
                "still waiting, after {}: {}",
                crate::duration::Human(began.elapsed()),
                running.words()
            );
            run.tell(Event::Noted { sentence });
        }
        match is_over(run, settings, running).await {
            Ok(true) => return Ok(QueueOutcome::Again),
            Ok(false) => pace.recover(),
            Err(error) if error.kind == crate::aws::AwsErrorKind::Throttled => pace.slower(),
            Err(error) if error.may_have_landed() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let waited = crate::duration::Human(deadline);
    Err(Failure::new(
        Reason::AlreadyRunning,
        format!("{}, and was not over after {waited}", running.words()),
    )
    .hint(running.stop_command()))
}

/// The newer workflow run whose rollout is in progress: GitHub numbers runs in the order in which
/// they were made. What it brings must not be overwritten by this run once it is over.
fn newer_run<'r>(run: &Run, settings: &Settings, running: &'r Running) -> Option<&'r str> {
    running
        .run
        .as_deref()
        .filter(|theirs| gives_way_to(run, settings, theirs))
}

/// Whether another workflow run is newer, and goes first.
pub fn gives_way_to(run: &Run, settings: &Settings, theirs: &str) -> bool {
    settings.control.stale_run == StaleRun::Refuse && is_newer(theirs, &run.id)
}

fn is_newer(theirs: &str, ours: &str) -> bool {
    let number = |run: &str| {
        run.split('-')
            .next()
            .and_then(|number| number.parse::<u64>().ok())
    };
    number(theirs)
        .zip(number(ours))
        .is_some_and(|(theirs, ours)| theirs > ours)
}

fn stale_failure(running: &Running, newer: &str) -> Failure {
    stale(format!(
        "this run is older than workflow run {newer}, whose rollout is in progress"
    ))
    .caused_by(running.words())
}

/// An older run does not come after a newer one.
pub fn stale(sentence: String) -> Failure {
    let hint = "set stale-run: allow to deploy the older commit all the same once that is over, or mode: rollback to go back on purpose";
    Failure::new(Reason::StaleRun, sentence).hint(hint)
}

async fn is_over(run: &Run, settings: &Settings, running: &Running) -> Result<bool, AwsError> {
    match &running.thing {
        Thing::CodeDeploy(_) => {
            let status = run.aws.get_deployment(&running.id).await?.status;
            Ok(matches!(
                status,
                Status::Succeeded | Status::Failed | Status::Stopped
            ))
        }
        Thing::Ecs(_) => Ok(run
            .aws
            .describe_service_deployment(&running.id)
            .await?
            .is_none_or(|deployment| deployment.is_over())),
        Thing::Rolling => {
            let service = settings.service.as_deref().unwrap_or_default();
            let ServiceLookup::Service(service) =
                run.aws.describe_service(&settings.cluster, service).await?
            else {
                return Ok(true);
            };
            let going = service
                .deployments
                .iter()
                .find(|deployment| deployment.id == running.id);
            Ok(going.is_none_or(|deployment| {
                deployment.rollout_state.as_deref() != Some("IN_PROGRESS")
            }))
        }
    }
}

async fn supersede(
    run: &Run,
    settings: &Settings,
    snapshot: &Snapshot,
    running: &Running,
    ours: Option<&Revision>,
) -> Result<QueueOutcome, Failure> {
    let Some(undo) = plan::undo_of(settings, snapshot) else {
        return Ok(QueueOutcome::Free);
    };
    // Nobody else removes it when its run has left the rollout at a gate.
    let is_needed = ours.is_some_and(|ours| running.revision.as_ref() == Some(&ours.arn));
    let unused = plan::undo_of_its_revision(settings, snapshot).filter(|_| !is_needed);
    let undos: Vec<Undo> = unused.into_iter().chain([undo]).collect();
    run.tell(Event::Warned {
        sentence: format!(
            "{}: it is rolled back first (if-running: supersede)",
            running.words()
        ),
    });
    match unwind::all(run, &undos).await {
        Unwound::NoRollout
        | Unwound::OnBlue { .. }
        | Unwound::TooLate { .. }
        | Unwound::Superseded { .. } => Ok(QueueOutcome::Again),
        Unwound::Stuck { what, .. } => {
            let sentence = format!("{what} could not be undone, so this run does not start");
            Err(Failure::new(Reason::AlreadyRunning, sentence).hint(running.stop_command()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn runs_of_workflows_are_newer_by_their_number_and_what_has_none_never_is() {
        let table = [
            ("43-1-ab", "42-1-cd", true),
            ("42-2-ab", "42-1-cd", false),
            ("9-1-ab", "10-1-cd", false),
            ("local-ab", "42-1-cd", false),
            ("43-1-ab", "local-cd", false),
        ];
        for (theirs, ours, expected) in table {
            assert_eq!(is_newer(theirs, ours), expected, "{theirs} {ours}");
        }
    }
}
