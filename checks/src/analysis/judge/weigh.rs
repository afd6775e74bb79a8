//! What the answers to one measurement come to. PURE.
//!
//! In this order: a source that could not be asked is an error; no data at all is what the check
//! says it is; too little traffic is inconclusive; then the conditions, or the comparison, decide.

mod data;
mod judged;

use std::time::Duration;

use crate::analysis::form::{Check, Judgement, Measure};
use crate::analysis::question::{Answer, Side};
use crate::duration::Human;
use crate::measurement::Phase;

pub(super) use data::QuestionRole;
use data::{Answers, requests};
use judged::{compared, held, lines, samples_compared};

use super::words::number;

/// What a measurement came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighed {
    pub(super) phase: Phase,
    pub(super) value: String,
    pub(super) note: Option<String>,
}

/// Weighs the answers of a check. `look` counts the comparisons that could decide, from 1; `length`
/// is the time that was asked for.
pub(super) fn weigh(
    check: &Check,
    answers: &[(QuestionRole, Side, Answer)],
    look: u32,
    length: Duration,
) -> Weighed {
    let answers = Answers(answers);
    if let Some(words) = answers.failure() {
        return said(Phase::Error, words);
    }
    if let Some(weighed) = too_little(check, &answers, length) {
        return weighed;
    }
    match (&check.judgement, &check.measure) {
        (Judgement::AtMost(most), _) => lines(&answers, *most, None, look),
        (Judgement::Lines { at_most, policy }, _) => lines(&answers, *at_most, Some(policy), look),
        (Judgement::Comparison(policy), Measure::Share { .. }) => {
            compared(&answers, policy, look, check)
        }
        (Judgement::Comparison(policy), Measure::Value { .. } | Measure::Lines { .. }) => {
            samples_compared(&answers, policy, look, check)
        }
        (Judgement::Conditions(conditions), measure) => held(check, conditions, measure, &answers),
    }
}

/// Fewer requests than are wanted. None at all is "no data", which the check has a word for.
fn too_little(check: &Check, answers: &Answers<'_>, length: Duration) -> Option<Weighed> {
    let volume = check.volume.as_ref()?;
    let seen = requests(answers, Side::Green);
    if seen <= 0.0 {
        let needed = if volume.at_least > 0.0 {
            format!(", and {} are needed to tell", number(volume.at_least))
        } else {
            String::new()
        };
        return Some(no_data(
            check,
            format!("no requests on green in {}{needed}", Human(length)),
        ));
    }
    let few = || {
        format!(
            "{} requests on green in {}, and {} are needed to tell",
            number(seen),
            Human(length),
            number(volume.at_least)
        )
    };
    (seen < volume.at_least).then(|| said(Phase::Inconclusive, few()))
}

/// Nothing was there.
fn no_data(check: &Check, note: String) -> Weighed {
    said(check.no_data, note)
}

fn said(phase: Phase, note: String) -> Weighed {
    Weighed {
        phase,
        value: String::new(),
        note: Some(note),
    }
}
