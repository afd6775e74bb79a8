//! What a metric is compared with: a threshold, conditions, or blue.

use crate::analysis::compare::ComparePolicy;
use crate::analysis::expression::Expression;
use crate::analysis::form::{Conditions, Judgement};
use crate::document::Node;
use crate::form::{FromNode, Spanned};
use crate::reader::{Fields, Reader};
use crate::statistics::Direction;
use crate::{document_form, document_schema, document_union, document_words};

use super::metric::MetricForm;
use super::values::Finite;

const CONDITION_KEYS: &[&str] = &[
    "success",
    "success-condition",
    "failure-condition",
    "threshold-range",
];

const SUCCESS_KEYS: &[&str] = &["success", "success-condition", "threshold-range"];

const DIRECTIONS: &[(&str, Direction)] = &[
    ("increase", Direction::Increase),
    ("decrease", Direction::Decrease),
    ("either", Direction::Either),
];

document_words!(Direction: DIRECTIONS);

/// The tests of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatisticalTest {
    MannWhitney,
    TwoProportion,
}

const TESTS: &[(&str, StatisticalTest)] = &[
    ("mann-whitney", StatisticalTest::MannWhitney),
    ("two-proportion", StatisticalTest::TwoProportion),
];

document_words!(StatisticalTest: TESTS);

/// The only side that green can be compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blue;

const BLUE: &[(&str, Blue)] = &[("blue", Blue)];

document_words!(Blue: BLUE);

document_union! {
    pub(super) enum Compare {
        How(ComparisonForm),
        To(Blue),
    }
}

document_form! {
    #[derive(Default)]
    pub(super) struct ComparisonForm {
        to: Option<Blue>,
        /// Which difference is bad; increase when absent.
        direction: Option<Direction>,
        test: Option<StatisticalTest>,
        /// The ratio of green to blue up to which a difference does not matter; 1.25 when absent.
        allowed_increase: Option<AllowedIncrease>,
        /// How often an equal green may be called worse; 0.05 when absent.
        alpha: Option<Alpha>,
    }
}

/// Checks that a metric has exactly one condition or comparison.
pub(super) fn check_conditions(reader: &mut Reader<'_>, metric: &Node, fields: &Fields<'_>) {
    match (fields.get("compare"), fields.entries_with(CONDITION_KEYS).first()) {
        (Some(_), Some(condition)) => reader.report(
            condition.place,
            format!("`compare` and `{}` cannot be used together", condition.key),
            "Keep one: a metric is held against blue by a test, or against conditions",
        ),
        (None, None) => reader.report(
            metric.place,
            "A metric has no condition: anything would be good",
            "Write `success: \"< 5\"`, `success-condition:`, `failure-condition:`, `threshold-range:` or `compare:`",
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    if let [first, second, ..] = fields.entries_with(SUCCESS_KEYS).as_slice() {
        reader.report(
            second.place,
            format!(
                "`{}` and `{}` say the same thing twice",
                first.key, second.key
            ),
            "Keep one of success, success-condition and threshold-range",
        );
    }
}

impl MetricForm {
    /// The judgement of the metric; for a comparison, which test its measure must fit.
    pub(super) fn build_judgement(
        &self,
        reader: &mut Reader<'_>,
    ) -> Option<(Judgement, Option<StatisticalTest>)> {
        let Some(compare) = &self.compare else {
            return Some((Judgement::Conditions(self.build_conditions(reader)?), None));
        };
        let how = match &compare.value {
            Compare::How(how) => how.clone(),
            Compare::To(Blue) => ComparisonForm::default(),
        };
        let ComparisonForm {
            to: None | Some(Blue),
            direction,
            test,
            allowed_increase,
            alpha,
        } = how;
        let policy = compare_policy(alpha, allowed_increase);
        let policy = ComparePolicy {
            direction: direction.unwrap_or(policy.direction),
            ..policy
        };
        Some((Judgement::Comparison(policy), test))
    }

    fn build_conditions(&self, reader: &mut Reader<'_>) -> Option<Conditions> {
        let Self {
            success,
            success_condition,
            failure_condition: failure,
            threshold_range,
            ..
        } = self;
        let success = match (success, success_condition, threshold_range) {
            (Some(threshold), ..) => Some((threshold.0.clone(), threshold.1.clone())),
            (None, Some(condition), _) => Some((condition.clone(), condition.text().to_owned())),
            (None, None, Some(range)) => Some(range_condition(reader, range)?),
            (None, None, None) => None,
        };
        let success_text = success.as_ref().map(|(_, shown)| shown.clone());
        let failure_text = failure
            .as_ref()
            .map(|expression| format!("not {}", expression.text()));
        let texts: Vec<String> = success_text.into_iter().chain(failure_text).collect();
        Some(Conditions {
            success: success.map(|(expression, _)| expression),
            failure: failure.clone(),
            text: texts.join("; "),
        })
    }
}

impl FromNode for Expression {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.non_empty_text(node, what)?;
        match Self::parse(&text) {
            Ok(expression) => Some(expression),
            Err(error) => reader.refuse(node.place, error.message, error.remedy),
        }
    }
}

document_schema!(Expression as String);

/// `< 5 %`: the unit is for people, the number is the metric's.
#[derive(Debug, Clone)]
pub(super) struct Threshold(Expression, String);

impl FromNode for Threshold {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.non_empty_text(node, what)?;
        let text = text.trim();
        match parse_threshold(text) {
            Some(expression) => Some(Self(expression, text.to_owned())),
            None => reader.refuse(
                node.place,
                format!("{what}: `{text}` is not a threshold"),
                "Write `< 5`, `>= 99 %`, or an expression in `success-condition`",
            ),
        }
    }
}

document_schema!(Threshold as String);

fn parse_threshold(text: &str) -> Option<Expression> {
    let operator = ["<=", ">=", "<", ">", "=="]
        .into_iter()
        .find(|operator| text.starts_with(operator))?;
    let number = text[operator.len()..].trim().trim_end_matches('%').trim();
    let number = number
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())?;
    Expression::parse(&format!("result {operator} ({number})")).ok()
}

document_form! {
    #[schemars(extend("minProperties" = 1))]
    pub(super) struct Range, check check_range {
        min: Option<Finite>,
        max: Option<Finite>,
    }
}

fn check_range(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    if fields.get("min").is_none() && fields.get("max").is_none() {
        reader.report(
            node.place,
            format!("{what} is empty"),
            "Write `min:`, `max:` or both; they are inclusive",
        );
    }
}

fn range_condition(
    reader: &mut Reader<'_>,
    range: &Spanned<Range>,
) -> Option<(Expression, String)> {
    let Range { min, max } = range.value;
    let (text, condition_text) = match (min, max) {
        (Some(Finite(low)), Some(Finite(high))) if low > high => {
            return reader.refuse(
                range.place,
                "`min` is above `max`",
                "Write the smaller number as `min`",
            );
        }
        (Some(Finite(low)), Some(Finite(high))) => (
            format!("result >= ({low}) && result <= ({high})"),
            format!("{low} to {high}"),
        ),
        (Some(Finite(low)), None) => (format!("result >= ({low})"), format!(">= {low}")),
        (None, Some(Finite(high))) => (format!("result <= ({high})"), format!("<= {high}")),
        (None, None) => return None,
    };
    let expression = Expression::parse(&text).ok()?;
    Some((expression, condition_text))
}

/// How green is compared with blue, as far as metrics and logs can say it.
pub(super) fn compare_policy(
    alpha: Option<Alpha>,
    allowed_increase: Option<AllowedIncrease>,
) -> ComparePolicy {
    let default_policy = ComparePolicy::default();
    ComparePolicy {
        alpha: alpha.map_or(default_policy.alpha, |alpha| alpha.0),
        allowed_increase: allowed_increase
            .map_or(default_policy.allowed_increase, |allowed| allowed.0),
        ..default_policy
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Alpha(f64);

impl FromNode for Alpha {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let alpha = reader.number(node, what)?;
        if alpha > 0.0 && alpha <= 0.5 {
            return Some(Self(alpha));
        }
        reader.refuse(
            node.place,
            format!("{what} is not between 0 and 0.5"),
            "Write how often an equal green may be called worse: `0.05` is once in twenty",
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct AllowedIncrease(f64);

impl FromNode for AllowedIncrease {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let allowed = reader.number(node, what)?;
        if allowed >= 1.0 {
            return Some(Self(allowed));
        }
        reader.refuse(
            node.place,
            format!("{what} is below 1"),
            "Write how many times blue's value green's may be: `1.25` is a quarter more",
        )
    }
}

#[cfg(test)]
mod schema {
    #![expect(dead_code, reason = "the types are read by their derive only")]

    use schemars::JsonSchema;

    use super::{AllowedIncrease, Alpha};
    use crate::document_schema;

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct Rate(#[schemars(extend("exclusiveMinimum" = 0, "maximum" = 0.5))] f64);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct Factor(#[schemars(range(min = 1))] f64);

    document_schema!(Alpha as Rate);
    document_schema!(AllowedIncrease as Factor);
}
