//! Conditions and comparisons over the numbers.

use crate::analysis::compare::{self, ComparePolicy, ComparisonResult};
use crate::analysis::expression::{ExpressionValues, Use};
use crate::analysis::form::{Check, Conditions, Measure, Reduce, Unit};
use crate::analysis::question::{Point, Side};
use crate::measurement::Phase;
use crate::scrub::mask;
use crate::statistics::Counts;

use super::data::{
    Answers, QuestionRole, count_errors, count_requests, measured_value, round_to_count,
};
use super::{Evaluation, no_data, note_only};
use crate::analysis::judge::display::{self, format_number, format_seconds};

/// Evaluates the conditions.
pub(super) fn evaluate_conditions(
    check: &Check,
    conditions: &Conditions,
    measure: &Measure,
    answers: &Answers<'_>,
) -> Evaluation {
    if is_ambiguous(measure, answers) {
        let note = "there are several values at the same time: aggregate them in the query, or write `reduce: max`, `min`, `avg` or `sum`";
        return note_only(Phase::Error, note.to_owned());
    }
    let scope = ExpressionValues {
        result: measured_value(answers, measure, Side::Green),
        blue: measured_value(answers, measure, Side::Blue),
    };
    // A condition that handles missing data decides by itself.
    if !conditions.uses(Use::Missing) {
        if scope.result.is_nan() {
            return no_data(check, "no data".to_owned());
        }
        if check.needs_blue() && scope.blue.is_nan() {
            return no_data(check, "no data of blue".to_owned());
        }
    }
    let mut value = format_value(answers, measure, Side::Green, scope.result);
    if check.needs_blue() {
        value = format!(
            "green {value}, blue {}",
            format_value(answers, measure, Side::Blue, scope.blue)
        );
    }
    match evaluate_expressions(conditions, scope) {
        Ok(Phase::Inconclusive) => Evaluation {
            phase: Phase::Inconclusive,
            value,
            note: Some("neither the success nor the failure condition holds".to_owned()),
        },
        Ok(phase) => Evaluation {
            phase,
            value,
            note: None,
        },
        Err(note) => note_only(Phase::Error, note),
    }
}

/// Whether the last points of several series have the same time: a verdict must not depend on their
/// order.
fn is_ambiguous(measure: &Measure, answers: &Answers<'_>) -> bool {
    let Measure::Value {
        reduce: Reduce::Last,
        ..
    } = measure
    else {
        return false;
    };
    let is_same_time = |side| matches!(answers.points(QuestionRole::Value, side).as_slice(), [.., one, last] if one.at.total_cmp(&last.at).is_eq());
    is_same_time(Side::Green) || is_same_time(Side::Blue)
}

/// Argo Rollouts' rule: a single condition decides both ways; with two, failure takes precedence,
/// and if neither holds the result is inconclusive.
fn evaluate_expressions(conditions: &Conditions, scope: ExpressionValues) -> Result<Phase, String> {
    let good = conditions
        .success
        .as_ref()
        .map(|expression| expression.holds(scope))
        .transpose()?;
    let bad = conditions
        .failure
        .as_ref()
        .map(|expression| expression.holds(scope))
        .transpose()?;
    Ok(match (good, bad) {
        (_, Some(true)) | (Some(false), None) => Phase::Failed,
        (Some(true) | None, Some(false) | None) => Phase::Successful,
        (Some(false), Some(false)) => Phase::Inconclusive,
    })
}

fn format_value(answers: &Answers<'_>, measure: &Measure, side: Side, result: f64) -> String {
    match measure {
        Measure::Value {
            unit: Unit::Seconds,
            ..
        } => format_seconds(result),
        Measure::Value {
            unit: Unit::Plain, ..
        }
        | Measure::Lines { .. } => format_number(result),
        Measure::Share { .. } => {
            let (errors, requests) = (
                format_number(count_errors(answers, side)),
                format_number(count_requests(answers, side)),
            );
            format!(
                "{} % ({errors} errors of {requests})",
                format_number(result)
            )
        }
    }
}

/// Green's errors against blue's.
pub(super) fn compare_rates(
    answers: &Answers<'_>,
    policy: &ComparePolicy,
    look: u32,
    check: &Check,
) -> Evaluation {
    let counts = |side| {
        Counts::new(
            round_to_count(count_errors(answers, side)),
            round_to_count(count_requests(answers, side)),
        )
    };
    let (blue, green) = (counts(Side::Blue), counts(Side::Green));
    if green.requests() == 0 {
        return no_data(
            check,
            format!(
                "no requests on green, and {} are needed to tell",
                policy.min_request_volume
            ),
        );
    }
    from_comparison(compare::rates(blue, green, look, policy))
}

/// Green's values against blue's.
pub(super) fn compare_samples(
    answers: &Answers<'_>,
    policy: &ComparePolicy,
    look: u32,
    check: &Check,
) -> Evaluation {
    let min_requests = check
        .volume
        .as_ref()
        .map_or(0.0, |volume| volume.min_requests_per_point);
    let has_enough_requests = |point: &Point| {
        [Side::Blue, Side::Green]
            .iter()
            .all(|side| requests_at(answers, *side, point.at) >= min_requests)
    };
    let points_of = |side| answers.points(QuestionRole::Value, side);
    let compared_values = |side| {
        points_of(side)
            .iter()
            .filter(|point| has_enough_requests(point))
            .map(|point| point.value)
            .collect::<Vec<f64>>()
    };
    if points_of(Side::Green).is_empty() {
        return no_data(check, "no values of green".to_owned());
    }
    let mut evaluation = from_comparison(compare::samples(
        &compared_values(Side::Blue),
        &compared_values(Side::Green),
        look,
        policy,
    ));
    let quiet = points_of(Side::Green)
        .iter()
        .filter(|point| !has_enough_requests(point))
        .count();
    if quiet > 0 {
        let reason = format!(
            "{quiet} of green's {} values are left out: fewer than {} requests on a side",
            points_of(Side::Green).len(),
            format_number(min_requests)
        );
        evaluation.note = Some(
            evaluation
                .note
                .map_or_else(|| reason.clone(), |note| format!("{note}; {reason}")),
        );
    }
    evaluation
}

/// How many requests a side had in the time of a point.
fn requests_at(answers: &Answers<'_>, side: Side, at: f64) -> f64 {
    let is_same_time = |point: &Point| (point.at - at).abs() < f64::EPSILON;
    answers
        .points(QuestionRole::Requests, side)
        .into_iter()
        .filter(is_same_time)
        .map(|point| point.value)
        .sum()
}

fn from_comparison(compared: ComparisonResult) -> Evaluation {
    Evaluation {
        phase: compared.phase,
        value: compared.value,
        note: Some(compared.note),
    }
}

/// Compares green's lines with the limit and, with a policy, with blue's.
pub(super) fn evaluate_lines(
    answers: &Answers<'_>,
    at_most: u64,
    policy: Option<&ComparePolicy>,
    look: u32,
) -> Evaluation {
    let (green, first) = answers.lines(Side::Green);
    let quoted = (!first.is_empty()).then(|| quote_lines(first));
    let Some(policy) = policy else {
        let phase = if green <= at_most {
            Phase::Successful
        } else {
            Phase::Failed
        };
        return Evaluation {
            phase,
            value: display::format_line_count(green),
            note: quoted,
        };
    };
    let (blue, _) = answers.lines(Side::Blue);
    let value = format!(
        "green {}, blue {}",
        display::format_line_count(green),
        display::format_line_count(blue)
    );
    if green <= at_most {
        return Evaluation {
            phase: Phase::Successful,
            value,
            note: quoted,
        };
    }
    let (phase, reason) = compare_lines(answers, (blue, green), policy, look);
    let note = quoted.map_or_else(|| reason.clone(), |quoted| format!("{reason}; {quoted}"));
    Evaluation {
        phase,
        value,
        note: Some(note),
    }
}

/// Lines per request where requests are counted; else lines, although the sides may not have had
/// the same traffic.
fn compare_lines(
    answers: &Answers<'_>,
    (blue, green): (u64, u64),
    policy: &ComparePolicy,
    look: u32,
) -> (Phase, String) {
    if answers.has(QuestionRole::Requests, Side::Green) {
        let counts =
            |lines, side| Counts::new(lines, round_to_count(count_requests(answers, side)));
        let compared = compare::rates(
            counts(blue, Side::Blue),
            counts(green, Side::Green),
            look,
            policy,
        );
        return (
            compared.phase,
            format!("lines of requests: {}; {}", compared.value, compared.note),
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "so many lines are not read")]
    let more = green as f64 > blue as f64 * policy.allowed_increase;
    let phase = if more {
        Phase::Failed
    } else {
        Phase::Successful
    };
    (
        phase,
        format!(
            "requests are not counted here: lines alone are held against {} times blue's",
            format_number(policy.allowed_increase)
        ),
    )
}

fn quote_lines(first: &[String]) -> String {
    let lines: Vec<String> = first
        .iter()
        .map(|line| mask(line).split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    format!("first: {}", lines.join(" | "))
}
