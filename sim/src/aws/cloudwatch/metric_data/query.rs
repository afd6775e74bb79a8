//! What `MetricDataQueries` asks for, and what of it CloudWatch refuses.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::{Input, ServiceError};
use crate::metrics::math::{Expression, MathError};
use crate::metrics::{Metric, Statistic};

/// "A single GetMetricData call can include up to 500 MetricDataQuery structures."
const MAX_QUERIES: usize = 500;

/// The period of an expression that speaks of no metric by its id, in milliseconds.
pub(super) const DEFAULT_PERIOD: i64 = 60_000;

#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) is_returned: bool,
    pub(super) source: QuerySource,
}

/// What it wants.
#[derive(Debug, Clone)]
pub(super) enum QuerySource {
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
        match &self.source {
            QuerySource::Metric { .. } => None,
            QuerySource::Expression(expression) => Some(expression),
        }
    }
}

/// A refusal as CloudWatch makes them.
pub(super) fn validation_error(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationError", message)
}

/// What is wrong with an expression.
pub(super) fn expression_error(id: &str, error: &MathError) -> ServiceError {
    validation_error(format!("Error in expression '{id}' [{error}]"))
}

/// All queries of a request.
pub(super) fn parse(input: Input<'_>) -> Result<Vec<Query>, ServiceError> {
    let queries_json: Vec<&Value> = input
        .get("MetricDataQueries")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    if queries_json.is_empty() {
        return Err(validation_error(
            "The parameter MetricDataQueries is required.",
        ));
    }
    if queries_json.len() > MAX_QUERIES {
        return Err(validation_error(format!(
            "The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )));
    }
    let queries: Vec<Query> = queries_json
        .iter()
        .enumerate()
        .map(|(index, value)| parse_query(index + 1, Input(value)))
        .collect::<Result<_, _>>()?;
    let mut ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(_) => Err(validation_error(
            "The values for parameter id in MetricDataQueries are not unique.",
        )),
        None => Ok(queries),
    }
}

fn parse_query(number: usize, input: Input<'_>) -> Result<Query, ServiceError> {
    let at = format!("MetricDataQueries.member.{number}");
    let id = input
        .text("Id")
        .ok_or_else(|| validation_error(format!("The parameter {at}.Id is required.")))?;
    if !is_id(id) {
        return Err(validation_error(format!(
            "The value {id} for parameter {at}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let source = match (input.get("MetricStat"), input.text("Expression")) {
        (Some(stat), None) => parse_metric_stat(&at, Input(stat))?,
        (None, Some(text)) => QuerySource::Expression(
            Expression::parse(text).map_err(|error| expression_error(id, &error))?,
        ),
        (Some(_), Some(_)) | (None, None) => {
            return Err(validation_error(format!(
                "Exactly one of the parameters {at}.Expression and {at}.MetricStat must be specified."
            )));
        }
    };
    if let Some(seconds) = input.number("Period") {
        parse_period(&format!("{at}.Period"), seconds)?;
    }
    let label = match &source {
        QuerySource::Metric { metric, .. } => &metric.name,
        QuerySource::Expression(_) => id,
    };
    let label = input.text("Label").unwrap_or(label).to_owned();
    Ok(Query {
        label,
        id: id.to_owned(),
        is_returned: input.flag("ReturnData") != Some(false),
        source,
    })
}

fn is_id(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_lowercase())
        && id
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn parse_metric_stat(at: &str, input: Input<'_>) -> Result<QuerySource, ServiceError> {
    let metric = input.get("Metric").map(Input).ok_or_else(|| {
        validation_error(format!("The parameter {at}.MetricStat.Metric is required."))
    })?;
    let required = |name: &str| {
        let missing = || {
            validation_error(format!(
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
    let stat = input.text("Stat").unwrap_or_default();
    let unknown = || {
        validation_error(format!(
            "The value {stat} for parameter {at}.MetricStat.Stat is not supported."
        ))
    };
    Ok(QuerySource::Metric {
        metric: Metric {
            namespace: required("Namespace")?,
            name: required("MetricName")?,
            dimensions,
        },
        statistic: Statistic::parse(stat).ok_or_else(unknown)?,
        period: parse_period(
            &format!("{at}.MetricStat.Period"),
            input.number("Period").unwrap_or_default(),
        )?,
    })
}

/// "The period can be 1, 5, 10, 20, 30, 60, or any multiple of 60."
fn parse_period(parameter: &str, seconds: u64) -> Result<i64, ServiceError> {
    let is_valid =
        matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds.is_multiple_of(60));
    let invalid = || {
        validation_error(format!(
            "The parameter {parameter} must be 1, 5, 10, 20, 30, or a multiple of 60."
        ))
    };
    if is_valid {
        Ok(i64::try_from(seconds * 1_000).unwrap_or(DEFAULT_PERIOD))
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stat(id: &str) -> Value {
        json!({ "Id": id, "MetricStat": { "Metric": { "Namespace": "Shop", "MetricName": "Errors" }, "Period": 60, "Stat": "Sum" } })
    }

    fn refusal_message(queries: &Value) -> String {
        let refusal = parse(Input(&json!({ "MetricDataQueries": queries }))).unwrap_err();
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
            let message = refusal_message(&queries);
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_label_is_the_metrics_name_or_the_expressions_id_unless_it_is_given() {
        let queries = json!([stat("m1"), { "Id": "e1", "Expression": "m1 * 2", "ReturnData": false, "Label": "twice" }]);
        let queries = parse(Input(&json!({ "MetricDataQueries": queries }))).unwrap();
        let shown: Vec<_> = queries
            .iter()
            .map(|query| (query.label.as_str(), query.is_returned))
            .collect();
        assert_eq!(shown, [("Errors", true), ("twice", false)]);
    }
}
