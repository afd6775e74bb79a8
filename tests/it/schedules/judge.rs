//! What must hold when a schedule is over, whatever it was. One sentence for each promise that broke.

use ecs_bluegreen::event::{Event, Gate, Step};
use ecs_bluegreen::outcome::{Outcome, Reason};
use ecs_bluegreen_sim::RollbackEnding;

use super::play::Played;
use super::schedule::{Schedule, Test};
use super::somebody::THEIRS;
use super::traffic::{serves, short};

const BLUE: &str = "api:1";

/// Every promise that broke.
pub(super) fn judge(schedule: &Schedule, played: &Played) -> Vec<String> {
    let all = [ended(played), said(schedule, played), gates(schedule, played), left(schedule, played), asked(played)];
    all.into_iter().flatten().chain(users(played)).collect()
}

fn ended(played: &Played) -> Vec<String> {
    let hangs = played.hangs.map(|what| format!("{what} does not end"));
    let unsettled = (!played.is_settled).then(|| "AWS does not come to rest".to_owned());
    hangs.into_iter().chain(unsettled).collect()
}

/// What the outcome says is what serves, at once and when everything is over.
fn said(schedule: &Schedule, played: &Played) -> Vec<String> {
    let Some(ending) = &played.ending else { return Vec::new() };
    let ours = played.told.ours().map(|arn| short(&arn).to_owned());
    let is_superseded = played.somebody.has("ecs.UpdateService");
    let expected = match ending.outcome {
        Some(Outcome::Deployed) => ours,
        Some(Outcome::Unchanged | Outcome::RolledBack) | None => Some(BLUE.to_owned()),
        Some(Outcome::StillRunning | Outcome::Stuck | Outcome::Started | Outcome::Waiting) => return Vec::new(),
        Some(Outcome::NoChange) => return vec!["nothing was to be changed, it says".into()],
    };
    if is_superseded {
        return Vec::new();
    }
    let word = ending.outcome.map_or("refused", Outcome::word);
    let mut broken = Vec::new();
    if played.at_end.as_ref().ok() != expected.as_ref() {
        broken.push(format!("{word}, but at the end of the run production is {:?}", played.at_end));
    }
    let finally = serves(&played.stage, &schedule.controller);
    if finally.as_ref().ok() != expected.as_ref() && !may_turn_later(schedule, ending.outcome) {
        broken.push(format!("{word}, but when all was over production is {finally:?}"));
    }
    if ending.outcome == Some(Outcome::Deployed) && ending.reason != Reason::Cancelled && fails(schedule) {
        broken.push("deployed, although a test of it had to fail".into());
    }
    broken
}

fn fails(schedule: &Schedule) -> bool {
    schedule.green == Test::Fails || schedule.production == Test::Fails
}

/// Who does not wait until blue is gone does not see an alarm or a stop that comes afterwards.
fn may_turn_later(schedule: &Schedule, outcome: Option<Outcome>) -> bool {
    outcome == Some(Outcome::Deployed) && schedule.inputs.contains(&("wait-until", "shifted"))
}

/// No gate is opened by us before what is to be checked there has passed.
fn gates(schedule: &Schedule, played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    if schedule.green != Test::Absent {
        let passed = played.told.done(Step::Gate);
        let answers = played.stage.ledger().into_iter().filter(|entry| {
            matches!(entry.operation.as_str(), "codedeploy:ContinueDeployment" | "ecs:ContinueServiceDeployment")
                && entry.request["action"] != "ROLLBACK"
                && !played.somebody.may_have_called(entry)
        });
        broken.extend(
            answers
                .filter(|entry| passed.is_none_or(|passed| entry.at_ms < passed))
                .map(|entry| format!("{} was sent at {}, and green's tests passed at {passed:?}", entry.operation, entry.at_ms)),
        );
    }
    let (opened, passed) = (played.told.opened(Gate::Production), played.told.done(Step::Production));
    if schedule.production != Test::Absent && opened.is_some_and(|opened| passed.is_none_or(|passed| opened < passed)) {
        broken.push("production's gate was opened before its tests had passed".into());
    }
    broken
}

/// Nothing of ours is left, and production is on one side.
fn left(schedule: &Schedule, played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    // The stage was told to let AWS's own rollback fail: that is for a person to mend.
    let is_for_a_person = schedule.switches.rollback_ending == RollbackEnding::Fails;
    if let Some(Some(second)) = played.posts.get(1)
        && second.is_stuck()
        && !is_for_a_person
        && !is_known_stuck(played)
    {
        broken.push(format!("post cannot take it back although nothing is in its way: {second:?}"));
    }
    if played.hooks.to_string().contains("ecsBluegreenAction")
        && !played.posts.iter().flatten().any(ecs_bluegreen::unwind::Unwound::is_stuck)
    {
        broken.push(format!("a hook of ours is left: {}", played.hooks));
    }
    match serves(&played.stage, &schedule.controller) {
        Ok(revision) => {
            let ours = played.told.ours();
            let known = [Some(BLUE), Some(THEIRS), ours.as_deref().map(short)];
            if !known.contains(&Some(revision.as_str())) {
                broken.push(format!("{revision} serves, which nobody brought"));
            }
        }
        Err(words) if !is_for_a_person => broken.push(format!("production stays in between: {words}")),
        Err(_) => {}
    }
    broken
}

/// It was said before that blue was gone when the run failed: nothing can be taken back any more.
fn is_known_stuck(played: &Played) -> bool {
    let is_gone = |event: &Event| matches!(event, Event::UndoFailed { failure, .. } if failure.reason == Reason::NothingToReturnTo);
    played.told.events().iter().any(|(_, event)| is_gone(event))
}

fn users(played: &Played) -> Option<String> {
    let seen = &played.users;
    (seen.failures > 0).then(|| format!("requests of users failed: {:?}", seen.failures_by_kind))
}

fn asked(played: &Played) -> Vec<String> {
    let unknown = played.stage.unknown_operations();
    if unknown.is_empty() { Vec::new() } else { vec![format!("AWS was asked what it does not know: {unknown:?}")] }
}
