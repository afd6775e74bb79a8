//! What a metric is held against: a threshold, conditions, or blue.

use crate::analysis::compare::ComparePolicy;
use crate::analysis::expression::Expression;
use crate::analysis::form::{Conditions, Judgement};
use crate::document::{Entry, Node};
use crate::reader::{Fields, Reader};
use crate::statistics::Direction;

use super::keys::{COMPARE_KEYS, RANGE_KEYS};

const CONDITION_KEYS: &[&str] = &[
    "success",
    "success-condition",
    "failure-condition",
    "threshold-range",
];

const SUCCESS_KEYS: &[&str] = &["success", "success-condition", "threshold-range"];

/// The words of `direction`.
pub(in crate::analysis) const DIRECTIONS: &[(&str, Direction)] = &[
    ("increase", Direction::Increase),
    ("decrease", Direction::Decrease),
    ("either", Direction::Either),
];

/// The tests of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis) enum StatisticalTest {
    MannWhitney,
    TwoProportion,
}

/// The words of `test`.
pub(in crate::analysis) const TESTS: &[(&str, StatisticalTest)] = &[
    ("mann-whitney", StatisticalTest::MannWhitney),
    ("two-proportion", StatisticalTest::TwoProportion),
];

/// What a metric is held against; for a comparison, which test its measure must fit.
pub(super) fn judgement(
    reader: &mut Reader<'_>,
    metric: &Node,
    fields: &Fields<'_>,
) -> Option<(Judgement, Option<StatisticalTest>)> {
    let written = fields.among(CONDITION_KEYS);
    match (fields.get("compare"), written.first()) {
        (Some(_), Some(condition)) => reader.refuse(
            condition.place,
            format!("`compare` and `{}` stand side by side", condition.key),
            "Keep one: a metric is held against blue by a test, or against conditions",
        ),
        (Some(node), None) => comparison(reader, node).map(|(policy, test)| (Judgement::Comparison(policy), test)),
        (None, Some(_)) => Some((Judgement::Conditions(conditions(reader, fields)?), None)),
        (None, None) => reader.refuse(
            metric.place,
            "A metric has no condition: anything would be good",
            "Write `success: \"< 5\"`, `success-condition:`, `failure-condition:`, `threshold-range:` or `compare:`",
        ),
    }
}

fn conditions(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Conditions> {
    let success = fields.among(SUCCESS_KEYS);
    if let Some(second) = success.get(1) {
        let message = format!(
            "`{}` and `{}` say the same thing twice",
            success[0].key, second.key
        );
        reader.report(
            second.place,
            message,
            "Keep one of success, success-condition and threshold-range",
        );
    }
    let success = success.first().map(|entry| successful(reader, entry));
    let failure = fields
        .entry("failure-condition")
        .map(|entry| expression(reader, &entry.value, "`failure-condition`"));
    let (success, failure) = (transposed(success)?, transposed(failure)?);
    let good = success.as_ref().map(|(_, shown)| shown.clone());
    let bad = failure
        .as_ref()
        .map(|expression| format!("not {}", expression.text()));
    let shown = [good, bad]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ");
    Some(Conditions {
        success: success.map(|(expression, _)| expression),
        failure,
        shown,
    })
}

/// An absent value is fine; one that could not be read is not.
#[expect(
    clippy::option_option,
    reason = "the outer says whether it could be read, the inner whether it is there"
)]
fn transposed<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    read.map_or(Some(None), |read| read.map(Some))
}

fn successful(reader: &mut Reader<'_>, entry: &Entry) -> Option<(Expression, String)> {
    match entry.key.as_str() {
        "success" => threshold(reader, &entry.value),
        "threshold-range" => range(reader, &entry.value),
        _ => expression(reader, &entry.value, "`success-condition`").map(|expression| {
            let shown = expression.text().to_owned();
            (expression, shown)
        }),
    }
}

fn expression(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Expression> {
    let text = reader.non_empty_text(node, what)?;
    Expression::parse(&text)
        .map_err(|error| reader.report(node.place, error.message, error.remedy))
        .ok()
}

/// `< 5 %`: the unit is for people, the number is the metric's.
fn threshold(reader: &mut Reader<'_>, node: &Node) -> Option<(Expression, String)> {
    let text = reader.non_empty_text(node, "`success`")?;
    let text = text.trim();
    let operator = ["<=", ">=", "<", ">", "=="]
        .into_iter()
        .find(|operator| text.starts_with(operator));
    let number = operator.and_then(|operator| {
        text[operator.len()..]
            .trim()
            .trim_end_matches('%')
            .trim()
            .parse::<f64>()
            .ok()
    });
    if let (Some(operator), Some(number)) = (operator, number.filter(|number| number.is_finite())) {
        let expression = Expression::parse(&format!("result {operator} ({number})"));
        return expression
            .ok()
            .map(|expression| (expression, text.to_owned()));
    }
    reader.refuse(
        node.place,
        format!("`success`: `{text}` is not a threshold"),
        "Write `< 5`, `>= 99 %`, or an expression in `success-condition`",
    )
}

fn range(reader: &mut Reader<'_>, node: &Node) -> Option<(Expression, String)> {
    let fields = reader.fields(node, "`threshold-range`", RANGE_KEYS)?;
    let low = transposed(fields.get("min").map(|node| reader.number(node, "`min`")))?;
    let high = transposed(fields.get("max").map(|node| reader.number(node, "`max`")))?;
    let (text, shown) = match (low, high) {
        (Some(low), Some(high)) if low <= high => (
            format!("result >= ({low}) && result <= ({high})"),
            format!("{low} to {high}"),
        ),
        (Some(_), Some(_)) => {
            return reader.refuse(
                node.place,
                "`min` is above `max`",
                "Write the smaller number as `min`",
            );
        }
        (Some(low), None) => (format!("result >= ({low})"), format!(">= {low}")),
        (None, Some(high)) => (format!("result <= ({high})"), format!("<= {high}")),
        (None, None) => {
            return reader.refuse(
                node.place,
                "`threshold-range` is empty",
                "Write `min:`, `max:` or both; they are inclusive",
            );
        }
    };
    Expression::parse(&text)
        .ok()
        .map(|expression| (expression, shown))
}

fn comparison(
    reader: &mut Reader<'_>,
    node: &Node,
) -> Option<(ComparePolicy, Option<StatisticalTest>)> {
    if !matches!(node.content, crate::document::Content::Mapping(_)) {
        reader.word(node, "`compare`", &[("blue", ())])?;
        return Some((ComparePolicy::default(), None));
    }
    let fields = reader.fields(node, "`compare`", COMPARE_KEYS)?;
    if let Some(node) = fields.get("to") {
        reader.word(node, "`to`", &[("blue", ())])?;
    }
    let direction = transposed(
        fields
            .get("direction")
            .map(|node| reader.word(node, "`direction`", DIRECTIONS)),
    );
    let test = transposed(
        fields
            .get("test")
            .map(|node| reader.word(node, "`test`", TESTS)),
    );
    let policy = policy(reader, &fields)?;
    Some((
        ComparePolicy {
            direction: direction?.unwrap_or(policy.direction),
            ..policy
        },
        test?,
    ))
}

/// `alpha` and `allowed-increase`, which comparisons of logs have too.
pub(super) fn policy(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<ComparePolicy> {
    let usual = ComparePolicy::default();
    let alpha = transposed(fields.get("alpha").map(|node| alpha(reader, node)));
    let allowed = transposed(
        fields
            .get("allowed-increase")
            .map(|node| allowed(reader, node)),
    );
    Some(ComparePolicy {
        alpha: alpha?.unwrap_or(usual.alpha),
        allowed_increase: allowed?.unwrap_or(usual.allowed_increase),
        ..usual
    })
}

fn alpha(reader: &mut Reader<'_>, node: &Node) -> Option<f64> {
    let alpha = reader.number(node, "`alpha`")?;
    if alpha > 0.0 && alpha <= 0.5 {
        return Some(alpha);
    }
    reader.refuse(
        node.place,
        "`alpha` is not between 0 and 0.5",
        "Write how often an equal green may be called worse: `0.05` is once in twenty",
    )
}

fn allowed(reader: &mut Reader<'_>, node: &Node) -> Option<f64> {
    let allowed = reader.number(node, "`allowed-increase`")?;
    if allowed >= 1.0 {
        return Some(allowed);
    }
    reader.refuse(
        node.place,
        "`allowed-increase` is below 1",
        "Write how many times blue's value green's may be: `1.25` is a quarter more",
    )
}
