//! Conditions and comparisons over the numbers.

use crate::analysis::compare::{self, ComparePolicy, Compared};
use crate::analysis::expression::{ExpressionValues, Use};
use crate::analysis::form::{Check, Conditions, Measure, Reduce, Unit};
use crate::analysis::question::{Point, Side};
use crate::measurement::Phase;
use crate::scrub::masked;
use crate::statistics::Counts;

use super::data::{Answers, QuestionRole, count, errors, requests, result};
use super::{Weighed, no_data, said};
use crate::analysis::judge::words::{self, number, seconds};

/// Holds the result against the conditions.
pub(super) fn held(
    check: &Check,
    conditions: &Conditions,
    measure: &Measure,
    answers: &Answers<'_>,
) -> Weighed {
    if ambiguous(measure, answers) {
        let words = "there are several values at the same time: aggregate them in the query, or write `reduce: max`, `min`, `avg` or `sum`";
        return said(Phase::Error, words.to_owned());
    }
    let scope = ExpressionValues {
        result: result(answers, measure, Side::Green),
        blue: result(answers, measure, Side::Blue),
    };
    // A condition that speaks of missing data decides itself what they mean.
    if !conditions.use_any(Use::Missing) {
        if scope.result.is_nan() {
            return no_data(check, "no data".to_owned());
        }
        if check.asks_blue() && scope.blue.is_nan() {
            return no_data(check, "no data of blue".to_owned());
        }
    }
    let mut value = shown(answers, measure, Side::Green, scope.result);
    if check.asks_blue() {
        value = format!(
            "green {value}, blue {}",
            shown(answers, measure, Side::Blue, scope.blue)
        );
    }
    match verdict(conditions, scope) {
        Ok(Phase::Inconclusive) => Weighed {
            phase: Phase::Inconclusive,
            value,
            note: Some("neither the success nor the failure condition holds".to_owned()),
        },
        Ok(phase) => Weighed {
            phase,
            value,
            note: None,
        },
        Err(words) => said(Phase::Error, words),
    }
}

/// Several series, of which the last is as good as any: no verdict may hang on their order.
fn ambiguous(measure: &Measure, answers: &Answers<'_>) -> bool {
    let Measure::Value {
        reduce: Reduce::Last,
        ..
    } = measure
    else {
        return false;
    };
    let same = |side| matches!(answers.points(QuestionRole::Value, side).as_slice(), [.., one, last] if one.at.total_cmp(&last.at).is_eq());
    same(Side::Green) || same(Side::Blue)
}

/// Argo's rule: one condition decides both ways; of two, the failure stands, and neither of them is
/// inconclusive.
fn verdict(conditions: &Conditions, scope: ExpressionValues) -> Result<Phase, String> {
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

fn shown(answers: &Answers<'_>, measure: &Measure, side: Side, result: f64) -> String {
    match measure {
        Measure::Value {
            unit: Unit::Seconds,
            ..
        } => seconds(result),
        Measure::Value {
            unit: Unit::Plain, ..
        }
        | Measure::Lines { .. } => number(result),
        Measure::Share { .. } => {
            let (errors, requests) = (
                number(errors(answers, side)),
                number(requests(answers, side)),
            );
            format!("{} % ({errors} errors of {requests})", number(result))
        }
    }
}

/// Green's errors against blue's.
pub(super) fn compared(
    answers: &Answers<'_>,
    policy: &ComparePolicy,
    look: u32,
    check: &Check,
) -> Weighed {
    let counts = |side| Counts::new(count(errors(answers, side)), count(requests(answers, side)));
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
    weighed(compare::rates(blue, green, look, policy))
}

/// Green's values against blue's.
pub(super) fn samples_compared(
    answers: &Answers<'_>,
    policy: &ComparePolicy,
    look: u32,
    check: &Check,
) -> Weighed {
    let in_each = check.volume.as_ref().map_or(0.0, |volume| volume.in_each);
    let busy = |point: &Point| {
        [Side::Blue, Side::Green]
            .iter()
            .all(|side| requests_at(answers, *side, point.at) >= in_each)
    };
    let of = |side| answers.points(QuestionRole::Value, side);
    let compared = |side| {
        of(side)
            .iter()
            .filter(|point| busy(point))
            .map(|point| point.value)
            .collect::<Vec<f64>>()
    };
    if of(Side::Green).is_empty() {
        return no_data(check, "no values of green".to_owned());
    }
    let mut weighed = weighed(compare::samples(
        &compared(Side::Blue),
        &compared(Side::Green),
        look,
        policy,
    ));
    let quiet = of(Side::Green).iter().filter(|point| !busy(point)).count();
    if quiet > 0 {
        let why = format!(
            "{quiet} of green's {} values are left out: fewer than {} requests on a side",
            of(Side::Green).len(),
            number(in_each)
        );
        weighed.note = Some(
            weighed
                .note
                .map_or_else(|| why.clone(), |note| format!("{note}; {why}")),
        );
    }
    weighed
}

/// How many requests a side had in the time of a point.
fn requests_at(answers: &Answers<'_>, side: Side, at: f64) -> f64 {
    let same = |point: &Point| (point.at - at).abs() < f64::EPSILON;
    answers
        .points(QuestionRole::Requests, side)
        .into_iter()
        .filter(same)
        .map(|point| point.value)
        .sum()
}

fn weighed(compared: Compared) -> Weighed {
    Weighed {
        phase: compared.phase,
        value: compared.value,
        note: Some(compared.note),
    }
}

/// Green's lines against what is put up with and, with a policy, against blue's.
pub(super) fn lines(
    answers: &Answers<'_>,
    at_most: u64,
    policy: Option<&ComparePolicy>,
    look: u32,
) -> Weighed {
    let (green, first) = answers.lines(Side::Green);
    let quoted = (!first.is_empty()).then(|| quoted(first));
    let Some(policy) = policy else {
        let phase = if green <= at_most {
            Phase::Successful
        } else {
            Phase::Failed
        };
        return Weighed {
            phase,
            value: words::lines(green),
            note: quoted,
        };
    };
    let (blue, _) = answers.lines(Side::Blue);
    let value = format!("green {}, blue {}", words::lines(green), words::lines(blue));
    if green <= at_most {
        return Weighed {
            phase: Phase::Successful,
            value,
            note: quoted,
        };
    }
    let (phase, why) = against_blue(answers, (blue, green), policy, look);
    let note = quoted.map_or_else(|| why.clone(), |quoted| format!("{why}; {quoted}"));
    Weighed {
        phase,
        value,
        note: Some(note),
    }
}

/// Lines per request where requests are counted; else lines, although the sides may not have had
/// the same traffic.
fn against_blue(
    answers: &Answers<'_>,
    (blue, green): (u64, u64),
    policy: &ComparePolicy,
    look: u32,
) -> (Phase, String) {
    if answers.has(QuestionRole::Requests, Side::Green) {
        let counts = |lines, side| Counts::new(lines, count(requests(answers, side)));
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
            number(policy.allowed_increase)
        ),
    )
}

fn quoted(first: &[String]) -> String {
    let lines: Vec<String> = first
        .iter()
        .map(|line| {
            masked(line)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    format!("first: {}", lines.join(" | "))
}
