//! From the answers of one measurement to its phase. PURE.
//!
//! In this order: a source that failed is an error; no data is what `no-data` says; too little
//! traffic is inconclusive; then the conditions or the comparison decide.

mod data;
mod rules;

use std::time::Duration;

use crate::analysis::form::{Check, Judgement, Measure};
use crate::analysis::question::{Answer, Side};
use crate::duration::HumanDuration;
use crate::measurement::Phase;

pub(super) use data::QuestionRole;
use data::{Answers, count_requests};
use rules::{compare_rates, compare_samples, evaluate_conditions, evaluate_lines};

use super::display::format_number;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evaluation {
    pub(super) phase: Phase,
    pub(super) value: String,
    pub(super) note: Option<String>,
}

/// Evaluates the answers of a check. `look` is the number of the comparison, from 1; `duration` is
/// the time that was asked for.
pub(super) fn evaluate(
    check: &Check,
    answers: &[(QuestionRole, Side, Answer)],
    look: u32,
    duration: Duration,
) -> Evaluation {
    let answers = Answers(answers);
    if let Some(words) = answers.failure() {
        return note_only(Phase::Error, words);
    }
    if let Some(evaluation) = insufficient_volume(check, &answers, duration) {
        return evaluation;
    }
    match (&check.judgement, &check.measure) {
        (Judgement::AtMost(most), _) => evaluate_lines(&answers, *most, None, look),
        (Judgement::Lines { at_most, policy }, _) => {
            evaluate_lines(&answers, *at_most, Some(policy), look)
        }
        (Judgement::Comparison(policy), Measure::Share { .. }) => {
            compare_rates(&answers, policy, look, check)
        }
        (Judgement::Comparison(policy), Measure::Value { .. } | Measure::Lines { .. }) => {
            compare_samples(&answers, policy, look, check)
        }
        (Judgement::Conditions(conditions), measure) => {
            evaluate_conditions(check, conditions, measure, &answers)
        }
    }
}

/// Fewer requests than are wanted. No requests at all are "no data", which has a setting of its
/// own.
fn insufficient_volume(
    check: &Check,
    answers: &Answers<'_>,
    duration: Duration,
) -> Option<Evaluation> {
    let volume = check.volume.as_ref()?;
    let green_requests = count_requests(answers, Side::Green);
    if green_requests <= 0.0 {
        let needed = if volume.min_requests > 0.0 {
            format!(
                ", and {} are needed to tell",
                format_number(volume.min_requests)
            )
        } else {
            String::new()
        };
        return Some(no_data(
            check,
            format!(
                "no requests on green in {}{needed}",
                HumanDuration(duration)
            ),
        ));
    }
    let note = || {
        format!(
            "{} requests on green in {}, and {} are needed to tell",
            format_number(green_requests),
            HumanDuration(duration),
            format_number(volume.min_requests)
        )
    };
    (green_requests < volume.min_requests).then(|| note_only(Phase::Inconclusive, note()))
}

/// The result without data.
fn no_data(check: &Check, note: String) -> Evaluation {
    note_only(check.no_data, note)
}

fn note_only(phase: Phase, note: String) -> Evaluation {
    Evaluation {
        phase,
        value: String::new(),
        note: Some(note),
    }
}
