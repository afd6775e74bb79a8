//! Results cut into pages of `MaxDatapoints`. A result that continues on the next page is
//! `PartialData` on this one.

use serde_json::{Map, Value, json};

use super::query::validation_error;
use crate::account::{epoch_seconds, sha256_hex};
use crate::aws::{Answer, Input, ServiceError};

/// "The maximum number of data points the request should return before paginating. If you omit
/// this, the default of 100,800 is used."
const MAX_POINTS: usize = 100_800;

/// A result before it is cut.
#[derive(Debug)]
pub(super) struct QueryResult {
    pub(super) id: String,
    pub(super) label: String,
    /// In the order of time.
    pub(super) points: Vec<(i64, f64)>,
    pub(super) status: &'static str,
    pub(super) messages: Value,
}

/// The page that a request asks for.
pub(super) fn paginate(input: Input<'_>, found: &[QueryResult], is_descending: bool) -> Answer {
    let size = match input.number("MaxDatapoints").map(usize::try_from) {
        None => MAX_POINTS,
        Some(Ok(size @ 1..=MAX_POINTS)) => size,
        Some(_) => {
            return Err(validation_error(format!(
                "The parameter MaxDatapoints must be between 1 and {MAX_POINTS}."
            )));
        }
    };
    let from = token_position(input)?;
    let (mut results, mut offset) = (Vec::new(), 0);
    for result in found {
        let (begin, end) = (offset, offset + result.points.len());
        offset = end;
        let (first, last) = (begin.max(from), end.min(from + size));
        // A result without points is on the page on which it would begin.
        let is_here = if begin == end {
            (from..from + size).contains(&begin) || (begin == from)
        } else {
            first < last
        };
        if is_here {
            results.push(view(
                result,
                (first - begin)..(last.max(first) - begin),
                is_descending,
                last < end,
            ));
        }
    }
    let mut answer = json!({ "MetricDataResults": results, "Messages": [] });
    if offset > from + size {
        answer["NextToken"] = Value::String(next_token(input, from + size));
    }
    Ok(answer)
}

fn view(
    result: &QueryResult,
    range: std::ops::Range<usize>,
    is_descending: bool,
    continues: bool,
) -> Value {
    let mut points = result.points.clone();
    if is_descending {
        points.reverse();
    }
    let points = points.get(range).unwrap_or_default();
    let (times, values): (Vec<Value>, Vec<f64>) = points
        .iter()
        .map(|(at_ms, value)| (json!(epoch_seconds(*at_ms)), *value))
        .unzip();
    let status = if continues {
        "PartialData"
    } else {
        result.status
    };
    let mut view = json!({ "Id": result.id, "Label": result.label, "Timestamps": times, "Values": values, "StatusCode": status });
    if result
        .messages
        .as_array()
        .is_some_and(|messages| !messages.is_empty())
    {
        view["Messages"] = result.messages.clone();
    }
    view
}

/// What a token belongs to: the request without its token.
fn request_digest(input: Input<'_>) -> String {
    let members = input
        .0
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "NextToken");
    let request: Map<String, Value> = members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    sha256_hex(&Value::Object(request).to_string())
        .chars()
        .take(32)
        .collect()
}

fn next_token(input: Input<'_>, position: usize) -> String {
    format!("{}.{position}", request_digest(input))
}

fn token_position(input: Input<'_>) -> Result<usize, ServiceError> {
    let Some(token) = input.text("NextToken") else {
        return Ok(0);
    };
    let position = token
        .split_once('.')
        .filter(|(digest, _)| *digest == request_digest(input))
        .and_then(|(_, position)| position.parse().ok());
    position.ok_or_else(|| {
        ServiceError::new("InvalidNextToken", "The next token specified is invalid.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query_result(id: &str, points: i64) -> QueryResult {
        let points = (0..points)
            .map(|at| (at * 1_000, f64::from(i32::try_from(at).unwrap())))
            .collect();
        QueryResult {
            id: id.to_owned(),
            label: id.to_owned(),
            points,
            status: "Complete",
            messages: json!([]),
        }
    }

    fn page_summary(answer: &Value) -> Vec<(String, usize, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let results = answer["MetricDataResults"].as_array().unwrap().iter();
        results
            .map(|one| {
                (
                    text(&one["Id"]),
                    one["Values"].as_array().unwrap().len(),
                    text(&one["StatusCode"]),
                )
            })
            .collect()
    }

    #[test]
    fn pages_follow_each_other_and_say_what_goes_on() {
        let all = [
            query_result("a", 3),
            query_result("b", 0),
            query_result("c", 2),
        ];
        let row = |id: &str, count: usize, status: &str| (id.to_owned(), count, status.to_owned());
        let mut asked = json!({ "MaxDatapoints": 2 });
        let mut pages = Vec::new();
        loop {
            let answer = paginate(Input(&asked), &all, false).unwrap();
            pages.push(page_summary(&answer));
            let Some(token) = answer.get("NextToken") else {
                break;
            };
            asked["NextToken"] = token.clone();
        }
        let expected = vec![
            vec![row("a", 2, "PartialData")],
            vec![
                row("a", 1, "Complete"),
                row("b", 0, "Complete"),
                row("c", 1, "PartialData"),
            ],
            vec![row("c", 1, "Complete")],
        ];
        assert_eq!(pages, expected);
    }

    #[test]
    fn a_token_of_another_request_is_refused() {
        let all = [query_result("a", 3)];
        let first = paginate(Input(&json!({ "MaxDatapoints": 2 })), &all, false).unwrap();
        let other = json!({ "MaxDatapoints": 1, "NextToken": first["NextToken"] });
        assert_eq!(
            paginate(Input(&other), &all, false).unwrap_err().code,
            "InvalidNextToken"
        );
    }

    #[test]
    fn the_newest_come_first_unless_it_is_asked_otherwise() {
        let values = |is_descending| {
            paginate(Input(&json!({})), &[query_result("a", 3)], is_descending).unwrap()["MetricDataResults"]
                [0]["Values"]
                .clone()
        };
        assert_eq!(
            (values(true), values(false)),
            (json!([2.0, 1.0, 0.0]), json!([0.0, 1.0, 2.0]))
        );
    }
}
