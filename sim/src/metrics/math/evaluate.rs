//! Evaluates a parsed expression over series. Pure. One file, because operators and functions are
//! the arms of one recursive evaluation.

use std::collections::BTreeMap;

use super::parse::Node;
use super::{MathError, Series};

/// What an expression may speak of.
#[derive(Debug)]
pub(crate) struct EvaluationContext<'a> {
    /// All series by id, of metrics and of expressions.
    pub(crate) series: &'a BTreeMap<String, Series>,
    /// The ids of those that are metrics, in the order of the request.
    pub(crate) metrics: &'a [String],
    /// The times that a series without gaps has.
    pub(crate) times: &'a [i64],
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// Its points.
    pub(crate) series: Series,
    /// Points were dropped because they are no numbers, after a division by zero for example.
    pub(crate) dropped: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Scalar(f64),
    Series(Series),
    Array(Vec<Series>),
}

/// The one series that a tree comes to.
pub(super) fn evaluate(root: &Node, context: &EvaluationContext<'_>) -> Result<Outcome, MathError> {
    let Value::Series(series) = evaluate_node(root, context)? else {
        return Err(MathError::NoSeries);
    };
    let before = series.len();
    let series: Series = series
        .into_iter()
        .filter(|(_, value)| value.is_finite())
        .collect();
    Ok(Outcome {
        dropped: series.len() < before,
        series,
    })
}

fn evaluate_node(node: &Node, context: &EvaluationContext<'_>) -> Result<Value, MathError> {
    match node {
        Node::Number(number) => Ok(Value::Scalar(*number)),
        Node::Id(id) => context
            .series
            .get(id)
            .cloned()
            .map(Value::Series)
            .ok_or_else(|| MathError::UnknownId(id.clone())),
        Node::Array(nodes) => evaluate_array(nodes, context).map(Value::Array),
        Node::Negative(node) => Ok(map_values(evaluate_node(node, context)?, |value| -value)),
        Node::Binary(operator, left, right) => apply_binary(
            operator,
            evaluate_node(left, context)?,
            evaluate_node(right, context)?,
        ),
        Node::Call(name, arguments) => call_function(name, arguments, context),
    }
}

fn evaluate_array(
    nodes: &[Node],
    context: &EvaluationContext<'_>,
) -> Result<Vec<Series>, MathError> {
    let values = nodes
        .iter()
        .map(|node| evaluate_node(node, context))
        .collect::<Result<Vec<_>, _>>()?;
    let series = values.into_iter().map(|value| match value {
        Value::Series(series) => Ok(vec![series]),
        Value::Array(series) => Ok(series),
        Value::Scalar(_) => Err(MathError::Arguments("[]")),
    });
    Ok(series.collect::<Result<Vec<_>, _>>()?.concat())
}

fn map_values(value: Value, change: impl Fn(f64) -> f64) -> Value {
    let over = |series: Series| {
        series
            .into_iter()
            .map(|(at, value)| (at, change(value)))
            .collect()
    };
    match value {
        Value::Scalar(number) => Value::Scalar(change(number)),
        Value::Series(series) => Value::Series(over(series)),
        Value::Array(all) => Value::Array(all.into_iter().map(over).collect()),
    }
}

/// Two series meet only where both have a point.
fn join_series(left: &Series, right: &Series, join: impl Fn(f64, f64) -> f64) -> Series {
    left.iter()
        .filter_map(|(at, left)| Some((*at, join(*left, *right.get(at)?))))
        .collect()
}

fn apply_binary(operator: &str, left: Value, right: Value) -> Result<Value, MathError> {
    let join = |left: f64, right: f64| apply_operator(operator, left, right);
    Ok(match (left, right) {
        (Value::Scalar(left), right) => map_values(right, |right| join(left, right)),
        (left, Value::Scalar(right)) => map_values(left, |left| join(left, right)),
        (Value::Series(left), Value::Series(right)) => {
            Value::Series(join_series(&left, &right, join))
        }
        (Value::Array(all), Value::Series(one)) => Value::Array(
            all.iter()
                .map(|each| join_series(each, &one, join))
                .collect(),
        ),
        (Value::Series(one), Value::Array(all)) => Value::Array(
            all.iter()
                .map(|each| join_series(&one, each, join))
                .collect(),
        ),
        (Value::Array(_), Value::Array(_)) => return Err(MathError::Arguments("operator")),
    })
}

fn apply_operator(operator: &str, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    #[expect(clippy::float_cmp, reason = "CloudWatch compares numbers as they are")]
    match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "^" => left.powf(right),
        "<" => truth(left < right),
        ">" => truth(left > right),
        "<=" => truth(left <= right),
        ">=" => truth(left >= right),
        "==" => truth(left == right),
        "!=" => truth(left != right),
        "&&" | "AND" => truth(left != 0.0 && right != 0.0),
        _ => truth(left != 0.0 || right != 0.0),
    }
}

fn call_function(
    name: &str,
    arguments: &[Node],
    context: &EvaluationContext<'_>,
) -> Result<Value, MathError> {
    let fold = |name: &'static str, fold: fn(&[f64]) -> f64| {
        let [argument] = arguments else {
            return Err(MathError::Arguments(name));
        };
        Ok(fold_values(evaluate_node(argument, context)?, fold))
    };
    match name {
        "METRICS" if arguments.is_empty() => Ok(Value::Array(
            context
                .metrics
                .iter()
                .filter_map(|id| context.series.get(id).cloned())
                .collect(),
        )),
        "SUM" => fold("SUM", |values| values.iter().sum()),
        "AVG" => fold("AVG", average),
        "MIN" => fold("MIN", |values| {
            values.iter().copied().fold(f64::INFINITY, f64::min)
        }),
        "MAX" => fold("MAX", |values| {
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        }),
        "ABS" => match arguments {
            [argument] => Ok(map_values(evaluate_node(argument, context)?, f64::abs)),
            _ => Err(MathError::Arguments("ABS")),
        },
        "FILL" => fill_gaps(arguments, context),
        "IF" => evaluate_if(arguments, context),
        other => Err(MathError::UnknownFunction(other.to_owned())),
    }
}

fn average(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are few points")]
    let count = values.len() as f64;
    values.iter().sum::<f64>() / count
}

/// Of one series one number; of an array a series, point by point, of the points that there are.
fn fold_values(value: Value, fold: fn(&[f64]) -> f64) -> Value {
    match value {
        Value::Scalar(number) => Value::Scalar(number),
        Value::Series(series) => Value::Scalar(fold(&series.into_values().collect::<Vec<_>>())),
        Value::Array(all) => {
            let mut points: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            all.into_iter()
                .flatten()
                .for_each(|(at, value)| points.entry(at).or_default().push(value));
            Value::Series(
                points
                    .into_iter()
                    .map(|(at, values)| (at, fold(&values)))
                    .collect(),
            )
        }
    }
}

/// `FILL(series, number or REPEAT or another series)`: no gaps.
fn fill_gaps(arguments: &[Node], context: &EvaluationContext<'_>) -> Result<Value, MathError> {
    let [series, filler] = arguments else {
        return Err(MathError::Arguments("FILL"));
    };
    let Value::Series(series) = evaluate_node(series, context)? else {
        return Err(MathError::Arguments("FILL"));
    };
    if *filler == Node::Id("REPEAT".to_owned()) {
        let before = |at: &i64| {
            series
                .range(..=*at)
                .next_back()
                .map(|(_, value)| (*at, *value))
        };
        return Ok(Value::Series(
            context.times.iter().filter_map(before).collect(),
        ));
    }
    let filler = evaluate_node(filler, context)?;
    let missing = |at: &i64| match &filler {
        Value::Scalar(number) => Some(*number),
        Value::Series(other) => other.get(at).copied(),
        Value::Array(_) => None,
    };
    let filled = context
        .times
        .iter()
        .filter_map(|at| Some((*at, series.get(at).copied().or_else(|| missing(at))?)));
    Ok(Value::Series(filled.collect()))
}

/// `IF(condition, where it holds, else)`: point by point of the condition.
fn evaluate_if(arguments: &[Node], context: &EvaluationContext<'_>) -> Result<Value, MathError> {
    let [condition, yes, rest @ ..] = arguments else {
        return Err(MathError::Arguments("IF"));
    };
    let Value::Series(condition) = evaluate_node(condition, context)? else {
        return Err(MathError::Arguments("IF"));
    };
    let yes = evaluate_node(yes, context)?;
    let no = rest
        .first()
        .map(|no| evaluate_node(no, context))
        .transpose()?;
    let value_at = |value: &Value, at: &i64| match value {
        Value::Scalar(number) => Some(*number),
        Value::Series(series) => series.get(at).copied(),
        Value::Array(_) => None,
    };
    let chosen = |(at, holds): (&i64, &f64)| {
        let chosen = if *holds == 0.0 {
            no.as_ref()
        } else {
            Some(&yes)
        };
        Some((*at, value_at(chosen?, at)?))
    };
    Ok(Value::Series(condition.iter().filter_map(chosen).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::Expression;
    use super::*;

    fn evaluate(text: &str) -> Result<Vec<(i64, f64)>, MathError> {
        let series = [
            ("errors".to_owned(), Series::from([(1, 2.0)])),
            (
                "requests".to_owned(),
                Series::from([(0, 50.0), (1, 100.0), (2, 0.0)]),
            ),
            ("none".to_owned(), Series::new()),
        ];
        let known = EvaluationContext {
            series: &series.into(),
            metrics: &["errors".to_owned(), "requests".to_owned()],
            times: &[0, 1, 2],
        };
        Expression::parse(text)?
            .evaluate(&known)
            .map(|outcome| outcome.series.into_iter().collect())
    }

    #[test]
    fn the_subset_means_what_cloudwatch_documents() {
        let table: [(&str, &[(i64, f64)]); 15] = [
            ("100 * errors / requests", &[(1, 2.0)]),
            ("100 * FILL(errors, 0) / requests", &[(0, 0.0), (1, 2.0)]),
            ("(errors + requests) / 2", &[(1, 51.0)]),
            ("requests - 10 * 2", &[(0, 30.0), (1, 80.0), (2, -20.0)]),
            ("-errors ^ 2", &[(1, 4.0)]),
            (
                "SUM([errors, requests])",
                &[(0, 50.0), (1, 102.0), (2, 0.0)],
            ),
            ("SUM(METRICS())", &[(0, 50.0), (1, 102.0), (2, 0.0)]),
            (
                "MAX([errors, requests])",
                &[(0, 50.0), (1, 100.0), (2, 0.0)],
            ),
            ("errors / SUM(requests)", &[(1, 2.0 / 150.0)]),
            ("requests / AVG(requests)", &[(0, 1.0), (1, 2.0), (2, 0.0)]),
            ("FILL(none, 7)", &[(0, 7.0), (1, 7.0), (2, 7.0)]),
            ("FILL(errors, REPEAT)", &[(1, 2.0), (2, 2.0)]),
            ("IF(requests > 60, 1, 0)", &[(0, 0.0), (1, 1.0), (2, 0.0)]),
            (
                "IF(requests >= 50 AND requests < 60, requests)",
                &[(0, 50.0)],
            ),
            ("none + requests", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(evaluate(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_dropped_and_said() {
        let series = [("zero".to_owned(), Series::from([(0, 0.0), (1, 1.0)]))].into();
        let known = EvaluationContext {
            series: &series,
            metrics: &[],
            times: &[],
        };
        let outcome = Expression::parse("1 / zero")
            .unwrap()
            .evaluate(&known)
            .unwrap();
        assert_eq!(
            outcome,
            Outcome {
                series: Series::from([(1, 1.0)]),
                dropped: true
            }
        );
    }

    #[test]
    fn what_cannot_be_read_or_is_no_series_is_refused() {
        let table = [
            ("", "Unexpected end"),
            ("errors +", "Unexpected end"),
            ("(errors", "Unexpected end"),
            ("errors requests", "Unexpected requests"),
            ("errors $ 2", "Unexpected $"),
            ("nope + 1", "Unknown identifier nope"),
            (
                "ANOMALY_DETECTION_BAND(errors)",
                "The function ANOMALY_DETECTION_BAND is not supported by the stage",
            ),
            (
                "FILL(errors)",
                "The function FILL does not take these arguments",
            ),
            ("SUM(errors)", "The final result must be a time series"),
            (
                "[errors, requests]",
                "The final result must be a time series",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(evaluate(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
