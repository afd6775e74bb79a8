//! The numbers in the answers.

use crate::analysis::form::{Measure, Reduce, ShareKind};
use crate::analysis::question::{Answer, Point, Side};

/// Which of a check's questions an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::judge) enum QuestionRole {
    Value,
    Errors,
    /// The requests of a share, and of `min-request-volume`.
    Requests,
    Lines,
}

pub(super) struct Answers<'a>(pub(super) &'a [(QuestionRole, Side, Answer)]);

impl<'a> Answers<'a> {
    fn get(&self, role: QuestionRole, side: Side) -> Option<&'a Answer> {
        self.0
            .iter()
            .find(|(of_role, of_side, _)| *of_role == role && *of_side == side)
            .map(|(_, _, answer)| answer)
    }

    /// Why a source failed, if one did.
    pub(super) fn failure(&self) -> Option<String> {
        self.0.iter().find_map(|(_, _, answer)| match answer {
            Answer::Failed(words) => Some(words.split_whitespace().collect::<Vec<_>>().join(" ")),
            Answer::Points(_) | Answer::Lines { .. } => None,
        })
    }

    pub(super) fn has(&self, role: QuestionRole, side: Side) -> bool {
        self.get(role, side).is_some()
    }

    /// Points that are numbers.
    pub(super) fn points(&self, role: QuestionRole, side: Side) -> Vec<Point> {
        match self.get(role, side) {
            Some(Answer::Points(points)) => points
                .iter()
                .copied()
                .filter(|point| !point.value.is_nan())
                .collect(),
            Some(Answer::Lines { .. } | Answer::Failed(_)) | None => Vec::new(),
        }
    }

    pub(super) fn values(&self, role: QuestionRole, side: Side) -> Vec<f64> {
        self.points(role, side)
            .iter()
            .map(|point| point.value)
            .collect()
    }

    pub(super) fn lines(&self, side: Side) -> (u64, &'a [String]) {
        match self.get(QuestionRole::Lines, side) {
            Some(Answer::Lines { count, first }) => (*count, first),
            Some(Answer::Points(_) | Answer::Failed(_)) | None => (0, &[]),
        }
    }
}

/// How many requests a side had.
pub(super) fn count_requests(answers: &Answers<'_>, side: Side) -> f64 {
    answers.values(QuestionRole::Requests, side).iter().sum()
}

/// How many of them were errors. Load balancers publish no point for a minute without errors: no
/// points are zero errors.
pub(super) fn count_errors(answers: &Answers<'_>, side: Side) -> f64 {
    answers.values(QuestionRole::Errors, side).iter().sum()
}

/// A side's result; not a number when there are no data.
pub(super) fn measured_value(answers: &Answers<'_>, measure: &Measure, side: Side) -> f64 {
    match measure {
        Measure::Value { reduce, .. } => reduce_points(
            &answers.points(QuestionRole::Value, side),
            *reduce,
            &answers.points(QuestionRole::Requests, side),
        ),
        Measure::Share { kind: of, .. } => share_percent(
            count_errors(answers, side),
            count_requests(answers, side),
            *of,
        ),
        Measure::Lines { .. } => f64::NAN,
    }
}

fn share_percent(errors: f64, requests: f64, kind: ShareKind) -> f64 {
    if requests <= 0.0 {
        return f64::NAN;
    }
    // An error that is stamped in another minute than its request does not make more than all of
    // them fail.
    let bad = 100.0 * (errors / requests).clamp(0.0, 1.0);
    match kind {
        ShareKind::Errors => bad,
        ShareKind::Successes => 100.0 - bad,
    }
}

fn reduce_points(points: &[Point], reduce: Reduce, volume: &[Point]) -> f64 {
    let values = points.iter().map(|point| point.value);
    match reduce {
        Reduce::Last => points.last().map_or(f64::NAN, |point| point.value),
        Reduce::Minimum => values.fold(f64::NAN, f64::min),
        Reduce::Maximum => values.fold(f64::NAN, f64::max),
        Reduce::Sum => {
            if points.is_empty() {
                f64::NAN
            } else {
                values.sum()
            }
        }
        Reduce::Average => weighted_mean(values.map(|value| (value, 1.0))),
        Reduce::ByVolume => weighted_mean(
            points
                .iter()
                .map(|point| (point.value, request_weight(point, volume))),
        ),
    }
}

fn weighted_mean(weighted: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = weighted.fold((0.0, 0.0), |(sum, all), (value, weight)| {
        (sum + value * weight, all + weight)
    });
    if weight > 0.0 { sum / weight } else { f64::NAN }
}

/// The requests of the same minute; a latency without any came from somewhere.
fn request_weight(point: &Point, volume: &[Point]) -> f64 {
    let same_minute = volume
        .iter()
        .find(|other| (other.at - point.at).abs() < 0.5);
    same_minute.map_or(1.0, |other| other.value.max(1.0))
}

/// A count out of a sum of points.
pub(super) fn round_to_count(sum: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` keeps what is out of range at the nearest bound"
    )]
    let count = sum.round().max(0.0) as u64;
    count
}
