//! A run whose inputs are refused: all problems at once, also those that only AWS shows.

use std::time::Duration;

use super::Ending;
use crate::event::{Event, FilePlace, RefusedInputs, ReportedProblem};
use crate::outcome::{Outcome, Reason};
use crate::planner::Planner;
use crate::problem::Problem;
use crate::run::Run;
use crate::survey::{IncompleteSurvey, Snapshot, SurveyFailure};

/// How long AWS is surveyed for further problems when the inputs are already known to be wrong.
const SURVEY_TIMEOUT: Duration = Duration::from_secs(10);

/// Refuses the inputs with these problems, and adds what the survey finds wrong in AWS as far as
/// the inputs that were understood allow a survey: so all problems can be fixed at once. Nothing is
/// written.
pub async fn refuse_inputs(
    run: &Run,
    planner: &Planner,
    mut problems: Vec<Problem>,
    signal: impl Future<Output = ()>,
) -> Ending {
    let survey = tokio::time::timeout(SURVEY_TIMEOUT, Box::pin(planner.survey(run)));
    let survey = tokio::select! {
        biased;
        () = signal => None,
        looked = survey => looked.ok(),
    };
    // Without credentials nothing can be read. That is no problem to report: the next run may have
    // them.
    let (found, seen) = match survey {
        Some(Ok(snapshot)) => (Vec::new(), snapshot),
        Some(Err(IncompleteSurvey {
            why: Some(SurveyFailure::Problems(found)),
            snapshot: seen,
            ..
        })) => (found, *seen),
        Some(Err(IncompleteSurvey { snapshot: seen, .. })) => (Vec::new(), *seen),
        None => (Vec::new(), Snapshot::default()),
    };
    let mut more = found;
    add_new_problems(&mut more, planner.input_independent_problems(&seen));
    more.retain(|problem| !depends_on_a_refused_input(&problem.input, &problems));
    add_new_problems(&mut problems, more);
    refuse_with(run, &problems, Reason::InvalidInputs)
}

/// Where one of the first inputs is refused, what the others mean is not known: their problems are
/// not reported.
const DEPENDENT: &[(&str, &[&str])] = &[
    (
        "mode",
        &["alarms", "codedeploy-appspec", "production-url", "test-url"],
    ),
    ("registries", &["repository", "tags", "image"]),
    ("push", &["repository", "tags"]),
    (
        "strategy",
        &["test-url", "smoke-tests", "approval", "service"],
    ),
];

fn depends_on_a_refused_input(input: &str, problems: &[Problem]) -> bool {
    let is_refused = |name: &str| problems.iter().any(|problem| problem.input == name);
    DEPENDENT
        .iter()
        .any(|(name, dependent)| dependent.contains(&input) && is_refused(name))
}

/// Adds the problems of inputs that have none yet: only the first problem of an input is reported.
pub(super) fn add_new_problems(problems: &mut Vec<Problem>, more: Vec<Problem>) {
    let is_new = |problem: &Problem| {
        problems
            .iter()
            .all(|reported| reported.input != problem.input)
    };
    let more: Vec<Problem> = more.into_iter().filter(is_new).collect();
    problems.extend(more);
}

pub(super) fn refuse_with(run: &Run, problems: &[Problem], reason: Reason) -> Ending {
    let after_changes = run.has_changed();
    run.emit(Event::Refused(RefusedInputs {
        problems: problems.iter().map(to_reported_problem).collect(),
        after_changes,
        reason,
    }));
    let sentence = if reason == Reason::Credentials {
        "there are no usable AWS credentials"
    } else {
        "the inputs were refused"
    };
    Ending {
        outcome: Outcome::Refused,
        reason,
        sentence: sentence.into(),
    }
}

/// Converts a problem to the form that the report shows.
pub fn to_reported_problem(problem: &Problem) -> ReportedProblem {
    let at = problem.position.as_ref().filter(|at| at.origin != "inline");
    let at = at.map(|at| FilePlace {
        file: at.origin.clone(),
        line: at.line,
        column: at.column,
    });
    ReportedProblem {
        problem: problem.to_string().into(),
        remedy: problem.remedy.clone().into(),
        at,
    }
}
