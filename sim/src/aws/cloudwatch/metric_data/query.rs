//! What `MetricDataQueries` asks for, and what of it CloudWatch refuses.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::{Asked, Refusal};
use crate::metrics::math::{Expression, MathError};
use crate::metrics::{Metric, Statistic};

/// "A single GetMetricData call can include up to 500 MetricDataQuery structures."
const QUERIES: usize = 500;

/// The period of an expression that speaks of no metric by its id, in milliseconds.
pub(super) const DEFAULT_PERIOD: i64 = 60_000;

/// One query.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) is_returned: bool,
    pub(super) wanted: Wanted,
}

/// What it wants.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// A statistic of each period, in milliseconds.
    Metric {
        metric: Metric,
        statistic: Statistic,
        period: i64,
    },
    /// Metric math.
    Expression(Expression),
}

impl Query {
    /// Its expression, if it is one.
    pub(super) fn expression(&self) -> Option<&Expression> {
        match &self.wanted {
            Wanted::Metric { .. } => None,
            Wanted::Expression(expression) => Some(expression),
        }
    }
}

/// A refusal as CloudWatch makes them.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationError", message)
}

/// What is wrong with an expression.
pub(super) fn in_expression(id: &str, error: &MathError) -> Refusal {
    invalid(format!("Error in expression '{id}' [{error}]"))
}

/// All queries of a request.
pub(super) fn parse(asked: Asked<'_>) -> Result<Vec<Query>, Refusal> {
    let given: Vec<&Value> = asked
        .get("MetricDataQueries")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    if given.is_empty() {
        return Err(invalid("The parameter MetricDataQueries is required."));
    }
    if given.len() > QUERIES {
        return Err(invalid(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES}."
        )));
    }
    let queries: Vec<Query> = given
        .iter()
        .enumerate()
        .map(|(index, value)| one(index + 1, Asked(value)))
        .collect::<Result<_, _>>()?;
    let mut ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(_) => Err(invalid(
            "The values for parameter id in MetricDataQueries are not unique.",
        )),
        None => Ok(queries),
    }
}

fn one(number: usize, asked: Asked<'_>) -> Result<Query, Refusal> {
    let at = format!("MetricDataQueries.member.{number}");
    let id = asked
        .text("Id")
        .ok_or_else(|| invalid(format!("The parameter {at}.Id is required.")))?;
    if !is_id(id) {
        return Err(invalid(format!(
            "The value {id} for parameter {at}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let wanted = match (asked.get("MetricStat"), asked.text("Expression")) {
        (Some(stat), None) => statistic(&at, Asked(stat))?,
        (None, Some(text)) => {
            Wanted::Expression(Expression::parse(text).map_err(|error| in_expression(id, &error))?)
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(format!(
                "Exactly one of the parameters {at}.Expression and {at}.MetricStat must be specified."
            )));
        }
    };
    if let Some(seconds) = asked.number("Period") {
        period(&format!("{at}.Period"), seconds)?;
    }
    let label = match &wanted {
        Wanted::Metric { metric, .. } => &metric.name,
        Wanted::Expression(_) => id,
    };
    let label = asked.text("Label").unwrap_or(label).to_owned();
    Ok(Query {
        label,
        id: id.to_owned(),
        is_returned: asked.flag("ReturnData") != Some(false),
        wanted,
    })
}

fn is_id(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn statistic(at: &str, asked: Asked<'_>) -> Result<Wanted, Refusal> {
    let metric = asked
        .get("Metric")
        .map(Asked)
        .ok_or_else(|| invalid(format!("The parameter {at}.MetricStat.Metric is required.")))?;
    let required = |name: &str| {
        let missing = || {
            invalid(format!(
                "The parameter {at}.MetricStat.Metric.{name} is required."
            ))
        };
        metric.text(name).map(ToOwned::to_owned).ok_or_else(missing)
    };
    let dimensions = metric
        .get("Dimensions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let pair = |value: &Value| {
        Some((
            value.get("Name")?.as_str()?.to_owned(),
            value.get("Value")?.as_str()?.to_owned(),
        ))
    };
    let dimensions: BTreeMap<String, String> = dimensions.filter_map(pair).collect();
    let stat = asked.text("Stat").unwrap_or_default();
    let unknown = || {
        invalid(format!(
            "The value {stat} for parameter {at}.MetricStat.Stat is not supported."
        ))
    };
    Ok(Wanted::Metric {
        metric: Metric {
            namespace: required("Namespace")?,
            name: required("MetricName")?,
            dimensions,
        },
        statistic: Statistic::parse(stat).ok_or_else(unknown)?,
        period: period(
            &format!("{at}.MetricStat.Period"),
            asked.number("Period").unwrap_or_default(),
        )?,
    })
}

/// "The period can be 1, 5, 10, 20, 30, 60, or any multiple of 60."
fn period(parameter: &str, seconds: u64) -> Result<i64, Refusal> {
    let fits =
        matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds.is_multiple_of(60));
    let wrong = || {
        invalid(format!(
            "The parameter {parameter} must be 1, 5, 10, 20, 30, or a multiple of 60."
        ))
    };
    if fits {
        Ok(i64::try_from(seconds * 1_000).unwrap_or(DEFAULT_PERIOD))
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stat(id: &str) -> Value {
        json!({ "Id": id, "MetricStat": { "Metric": { "Namespace": "Shop", "MetricName": "Errors" }, "Period": 60, "Stat": "Sum" } })
    }

    fn refused(queries: &Value) -> String {
        let refusal = parse(Asked(&json!({ "MetricDataQueries": queries }))).unwrap_err();
        assert_eq!(refusal.code, "ValidationError");
        refusal.message
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let with = |id: &str, path: &str, value: Value| {
            let mut stat = stat(id);
            *stat.pointer_mut(path).unwrap() = value;
            json!([stat])
        };
        let many: Vec<Value> = (0..501).map(|number| stat(&format!("m{number}"))).collect();
        let table = [
            (json!([]), "is required"),
            (json!(many), "greater than 500"),
            (json!([stat("M1")]), "expected pattern"),
            (json!([stat("1m")]), "expected pattern"),
            (json!([stat("m-1")]), "expected pattern"),
            (json!([stat("m1"), stat("m2"), stat("m1")]), "not unique"),
            (json!([{ "Id": "m1" }]), "Exactly one"),
            (with("m1", "/MetricStat/Period", json!(7)), "multiple of 60"),
            (
                with("m1", "/MetricStat/Period", json!(90)),
                "multiple of 60",
            ),
            (with("m1", "/MetricStat/Stat", json!("Median")), "Median"),
            (
                with("m1", "/MetricStat/Metric/Namespace", json!(null)),
                "Namespace is required",
            ),
            (
                json!([{ "Id": "e1", "Expression": "m1 +" }]),
                "Error in expression 'e1' [Unexpected end]",
            ),
        ];
        for (queries, expected) in table {
            let message = refused(&queries);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_label_is_the_metrics_name_or_the_expressions_id_unless_it_is_given() {
        let queries = json!([stat("m1"), { "Id": "e1", "Expression": "m1 * 2", "ReturnData": false, "Label": "twice" }]);
        let queries = parse(Asked(&json!({ "MetricDataQueries": queries }))).unwrap();
        let shown: Vec<_> = queries
            .iter()
            .map(|query| (query.label.as_str(), query.is_returned))
            .collect();
        assert_eq!(shown, [("Errors", true), ("twice", false)]);
    }
}
