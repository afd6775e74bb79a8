//! What must hold when a schedule is over, whatever it was. One sentence for each promise that
//! broke.

use ecs_bluegreen::event::{Event, Gate, Step};
use ecs_bluegreen::outcome::{Outcome, Reason};
use ecs_bluegreen_sim::{Breaker, Controller, RollbackEnding};
use serde_json::Value;

use super::play::{Played, Ran};
use super::schedule::{Schedule, Test, Trouble};
use super::somebody::THEIRS;
use super::traffic::{serves, short};

const BLUE: &str = "api:1";

/// So soon before the end of a run nobody can be expected to see that somebody changes weights, or
/// stops a deployment.
const UNSEEN_MS: i64 = 250;

/// Every promise that broke.
pub(super) fn judge(schedule: &Schedule, played: &Played) -> Vec<String> {
    let all = [
        ended(schedule, played),
        gates(schedule, played),
        left(schedule, played),
        asked(played),
        last_word(schedule, played),
        tasks(played),
    ];
    let said = runs(played).flat_map(|ran| said(schedule, played, ran));
    all.into_iter()
        .flatten()
        .chain(said)
        .chain(users(schedule, played))
        .collect()
}

fn runs(played: &Played) -> impl Iterator<Item = &Ran> {
    std::iter::once(&played.first).chain(&played.second)
}

fn ended(schedule: &Schedule, played: &Played) -> Vec<String> {
    let hangs = played.hangs.map(|what| format!("{what} does not end"));
    let unsettled = (!played.is_settled && !never_settles(schedule, played))
        .then(|| "AWS does not come to rest".to_owned());
    hangs.into_iter().chain(unsettled).collect()
}

/// Without its circuit breaker ECS replaces tasks that never become healthy for ever, where the run
/// has left that to it.
fn never_settles(schedule: &Schedule, played: &Played) -> bool {
    let is_left = |ran: &Ran| {
        ran.ending
            .as_ref()
            .is_some_and(|ending| ending.outcome == Outcome::StillRunning)
    };
    let has_no_breaker = matches!(&schedule.controller, Controller::Rolling(options) if options.breaker == Breaker::Off);
    has_no_breaker && schedule.trouble.is_some() && runs(played).any(is_left)
}

/// What the outcome says is what serves, at once and when everything is over.
fn said(schedule: &Schedule, played: &Played, ran: &Ran) -> Vec<String> {
    let Some(ending) = &ran.ending else {
        return Vec::new();
    };
    let ours = ran.log.ours().map(|arn| short(&arn).to_owned());
    let expected = match ending.outcome {
        Outcome::Deployed => ours,
        Outcome::NotDeployed | Outcome::RolledBack | Outcome::Refused => Some(BLUE.to_owned()),
        Outcome::StillRunning | Outcome::Stuck | Outcome::Started | Outcome::Waiting => {
            return Vec::new();
        }
        Outcome::AlreadyDeployed
        | Outcome::Registered
        | Outcome::Planned
        | Outcome::Verified
        | Outcome::Tested
        | Outcome::TestsFailed
        | Outcome::NoDrift
        | Outcome::Drifted
        | Outcome::DriftUnknown
        | Outcome::Migrated
        | Outcome::Cleaned => {
            return vec!["nothing was to be changed, it says".into()];
        }
    };
    let mut broken = Vec::new();
    if ending.outcome == Outcome::Deployed && ending.reason != Reason::Cancelled && fails(schedule)
    {
        broken.push("deployed, although a test of it had to fail".into());
    }
    if ending.outcome == Outcome::Deployed && schedule.trouble.is_some() {
        broken.push("deployed, although none of its tasks can be healthy".into());
    }
    let is_weighed = played
        .somebody
        .weighed()
        .is_some_and(|at| at > ran.ended_ms - UNSEEN_MS);
    // What others deploy meanwhile is not checked here; which deployment was the last is checked
    // for both.
    if is_weighed || played.somebody.has("ecs.UpdateService") || played.second.is_some() {
        return broken;
    }
    let word = ending.outcome.word();
    let is_unseen = may_turn_later(schedule, ending.outcome)
        && played.somebody.has_stopped_since(ran.ended_ms - UNSEEN_MS);
    if ran.at_end.as_ref().ok() != expected.as_ref() && !is_unseen {
        broken.push(format!(
            "{word}, but at the end of the run production is {:?}",
            ran.at_end
        ));
    }
    let finally = serves(&played.stage, &schedule.controller);
    if finally.as_ref().ok() != expected.as_ref() && !may_turn_later(schedule, ending.outcome) {
        broken.push(format!(
            "{word}, but when all was over production is {finally:?}"
        ));
    }
    broken
}

/// Of two runs the one that was deployed last serves in the end.
fn last_word(schedule: &Schedule, played: &Played) -> Vec<String> {
    let is_deployed = |ran: &&Ran| {
        ran.ending
            .as_ref()
            .is_some_and(|ending| ending.outcome == Outcome::Deployed)
    };
    // A run that restores temporary changes ends after green was seen to serve.
    let last = runs(played)
        .filter(is_deployed)
        .max_by_key(|ran| ran.log.done(Step::Shift));
    let is_alone = played.second.is_none()
        || played.somebody.has("ecs.UpdateService")
        || played.somebody.weighed().is_some();
    // A run that was killed, or that left its rollout to AWS, may come later than one that was
    // deployed.
    let is_certain = |ran: &Ran| {
        ran.ending.as_ref().is_some_and(|ending| {
            matches!(
                ending.outcome,
                Outcome::Deployed | Outcome::NotDeployed | Outcome::RolledBack | Outcome::Refused
            ) || ending.reason == Reason::Superseded
        })
    };
    let (Some(last), false, true) = (last, is_alone, runs(played).all(is_certain)) else {
        return Vec::new();
    };
    let ours = last.log.ours().map(|arn| short(&arn).to_owned());
    let finally = serves(&played.stage, &schedule.controller);
    if finally.as_ref().ok() == ours.as_ref() || may_turn_later(schedule, Outcome::Deployed) {
        return Vec::new();
    }
    vec![format!(
        "{ours:?} was deployed last, but when all was over production is {finally:?}"
    )]
}

/// No run's one-off task comes to its end twice, and none is left running. That those of two runs
/// are never at the same time is tested by stories: here they may be started in the same instant,
/// on a machine that is too busy to look in between.
fn tasks(played: &Played) -> Vec<String> {
    let tasks = &played.one_off_tasks;
    let left = tasks
        .iter()
        .filter(|task| task["lastStatus"] != "STOPPED")
        .map(|task| format!("a one-off task is left: {task}"));
    let mut broken: Vec<String> = left.collect();
    let of = |task: &Value| {
        task["group"]
            .as_str()
            .unwrap_or_default()
            .split(':')
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    for (index, one) in tasks.iter().enumerate() {
        let is_doubled = |other: &&Value| of(other) == of(one) && has_run(other) && has_run(one);
        if tasks[index + 1..].iter().any(|other| is_doubled(&other)) {
            broken.push(format!("run {} has run its one-off task twice", of(one)));
        }
    }
    broken
}

/// Whether it came to its own end.
fn has_run(task: &Value) -> bool {
    task["containers"][0]["exitCode"].is_number() && task["stopCode"] == "EssentialContainerExited"
}

fn fails(schedule: &Schedule) -> bool {
    schedule.green == Test::Fails || schedule.production == Test::Fails
}

/// Who does not wait until blue is gone does not see an alarm or a stop that comes afterwards.
fn may_turn_later(schedule: &Schedule, outcome: Outcome) -> bool {
    outcome == Outcome::Deployed && schedule.inputs.contains(&("wait-until", "shifted"))
}

/// No gate is opened by us before what is to be checked there has passed.
fn gates(schedule: &Schedule, played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    // Another run answers for its own tests.
    if played.second.is_some() {
        return broken;
    }
    let log = &played.first.log;
    if schedule.green != Test::Absent {
        let passed = log.done(Step::Gate);
        let answers = played.stage.ledger().into_iter().filter(|entry| {
            matches!(
                entry.operation.as_str(),
                "codedeploy:ContinueDeployment" | "ecs:ContinueServiceDeployment"
            ) && entry.request["action"] != "ROLLBACK"
                && !played.somebody.may_have_called(entry)
        });
        broken.extend(
            answers
                .filter(|entry| passed.is_none_or(|passed| entry.at_ms < passed))
                .map(|entry| {
                    format!(
                        "{} was sent at {}, and green's tests passed at {passed:?}",
                        entry.operation, entry.at_ms
                    )
                }),
        );
    }
    let (opened, passed) = (log.opened(Gate::Production), log.done(Step::Production));
    if schedule.production != Test::Absent
        && opened.is_some_and(|opened| passed.is_none_or(|passed| opened < passed))
    {
        broken.push("production's gate was opened before its tests had passed".into());
    }
    broken
}

/// Nothing of ours is left, and production is on one side.
fn left(schedule: &Schedule, played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    // The stage was configured to let AWS's own rollback fail, or somebody has changed weights by
    // hand: that is for a person to put right.
    let is_for_a_person = schedule.switches.rollback_ending == RollbackEnding::Fails
        || played.somebody.weighed().is_some();
    for ran in runs(played) {
        if let Some(again) = ran.posts[1]
            .as_ref()
            .filter(|again| again.is_stuck() && !is_for_a_person && !is_known_stuck(ran))
        {
            broken.push(format!(
                "post cannot take it back although nothing is in its way: {again:?}"
            ));
        }
    }
    let is_stuck = runs(played)
        .flat_map(|ran| ran.posts.iter().flatten())
        .any(ecs_bluegreen::unwind::UnwindOutcome::is_stuck);
    if played.hooks.as_array().map_or(0, Vec::len) != hooks_before(schedule) && !is_stuck {
        broken.push(format!("a hook of ours is left: {}", played.hooks));
    }
    match serves(&played.stage, &schedule.controller) {
        Ok(revision) => {
            let ours: Vec<String> = runs(played).filter_map(|ran| ran.log.ours()).collect();
            if ![BLUE, THEIRS].contains(&revision.as_str())
                && !ours.iter().any(|arn| short(arn) == revision)
            {
                broken.push(format!("{revision} serves, which nobody brought"));
            }
        }
        Err(words) if !is_for_a_person => {
            broken.push(format!("production stays in between: {words}"));
        }
        Err(_) => {}
    }
    broken
}

/// Without marks, our hooks are recognized by their number: nobody else adds any.
fn hooks_before(schedule: &Schedule) -> usize {
    match &schedule.controller {
        Controller::Ecs(options) => options.hooks.len(),
        Controller::CodeDeploy(_) | Controller::Rolling(_) | Controller::External => 0,
    }
}

/// It was said before that blue was gone when the run failed: nothing can be rolled back any more.
fn is_known_stuck(ran: &Ran) -> bool {
    let is_gone = |event: &Event| matches!(event, Event::UndoFailed { failure, .. } if failure.reason == Reason::NothingToReturnTo);
    ran.log.events().iter().any(|(_, event)| is_gone(event))
}

fn users(schedule: &Schedule, played: &Played) -> Option<String> {
    let seen = &played.users;
    // Users do see tasks that crash behind the group that they reach, and weights that somebody
    // gives to what goes away.
    let is_exposed = matches!(schedule.controller, Controller::Rolling(_))
        && schedule.trouble == Some(Trouble::Crashes);
    (seen.failures > 0 && !is_exposed && played.somebody.weighed().is_none())
        .then(|| format!("requests of users failed: {:?}", seen.failures_by_kind))
}

fn asked(played: &Played) -> Vec<String> {
    let unknown = played.stage.unknown_operations();
    if unknown.is_empty() {
        Vec::new()
    } else {
        vec![format!("AWS was asked what it does not know: {unknown:?}")]
    }
}
