//! Results cut into pages of `MaxDatapoints`. A result that goes on on the next page is
//! `PartialData` on this one.

use serde_json::{Map, Value, json};

use super::query::invalid;
use crate::account::{seconds, sha256_hex};
use crate::aws::{Answer, Asked, Refusal};

/// "The maximum number of data points the request should return before paginating. If you omit
/// this, the default of 100,800 is used."
const POINTS: usize = 100_800;

/// A result before it is cut.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) label: String,
    /// In the order of time.
    pub(super) points: Vec<(i64, f64)>,
    pub(super) status: &'static str,
    pub(super) messages: Value,
}

/// The page that a request asks for.
pub(super) fn paged(asked: Asked<'_>, found: &[Found], is_descending: bool) -> Answer {
    let size = match asked.number("MaxDatapoints").map(usize::try_from) {
        None => POINTS,
        Some(Ok(size @ 1..=POINTS)) => size,
        Some(_) => {
            return Err(invalid(format!(
                "The parameter MaxDatapoints must be between 1 and {POINTS}."
            )));
        }
    };
    let from = position(asked)?;
    let (mut results, mut offset) = (Vec::new(), 0);
    for one in found {
        let (begin, end) = (offset, offset + one.points.len());
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
                one,
                (first - begin)..(last.max(first) - begin),
                is_descending,
                last < end,
            ));
        }
    }
    let mut answer = json!({ "MetricDataResults": results, "Messages": [] });
    if offset > from + size {
        answer["NextToken"] = Value::String(token(asked, from + size));
    }
    Ok(answer)
}

fn view(one: &Found, range: std::ops::Range<usize>, is_descending: bool, goes_on: bool) -> Value {
    let mut points = one.points.clone();
    if is_descending {
        points.reverse();
    }
    let points = points.get(range).unwrap_or_default();
    let (times, values): (Vec<Value>, Vec<f64>) = points
        .iter()
        .map(|(at_ms, value)| (json!(seconds(*at_ms)), *value))
        .unzip();
    let status = if goes_on { "PartialData" } else { one.status };
    let mut view = json!({ "Id": one.id, "Label": one.label, "Timestamps": times, "Values": values, "StatusCode": status });
    if one
        .messages
        .as_array()
        .is_some_and(|messages| !messages.is_empty())
    {
        view["Messages"] = one.messages.clone();
    }
    view
}

/// What a token belongs to: the request without its token.
fn seal(asked: Asked<'_>) -> String {
    let members = asked
        .0
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "NextToken");
    let whole: Map<String, Value> = members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    sha256_hex(&Value::Object(whole).to_string())
        .chars()
        .take(32)
        .collect()
}

fn token(asked: Asked<'_>, position: usize) -> String {
    format!("{}.{position}", seal(asked))
}

fn position(asked: Asked<'_>) -> Result<usize, Refusal> {
    let Some(token) = asked.text("NextToken") else {
        return Ok(0);
    };
    let position = token
        .split_once('.')
        .filter(|(sealed, _)| *sealed == seal(asked))
        .and_then(|(_, position)| position.parse().ok());
    position.ok_or_else(|| Refusal::new("InvalidNextToken", "The next token specified is invalid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, points: i64) -> Found {
        let points = (0..points)
            .map(|at| (at * 1_000, f64::from(i32::try_from(at).unwrap())))
            .collect();
        Found {
            id: id.to_owned(),
            label: id.to_owned(),
            points,
            status: "Complete",
            messages: json!([]),
        }
    }

    fn shown(answer: &Value) -> Vec<(String, usize, String)> {
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
        let all = [found("a", 3), found("b", 0), found("c", 2)];
        let row = |id: &str, count: usize, status: &str| (id.to_owned(), count, status.to_owned());
        let mut asked = json!({ "MaxDatapoints": 2 });
        let mut pages = Vec::new();
        loop {
            let answer = paged(Asked(&asked), &all, false).unwrap();
            pages.push(shown(&answer));
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
        let all = [found("a", 3)];
        let first = paged(Asked(&json!({ "MaxDatapoints": 2 })), &all, false).unwrap();
        let other = json!({ "MaxDatapoints": 1, "NextToken": first["NextToken"] });
        assert_eq!(
            paged(Asked(&other), &all, false).unwrap_err().code,
            "InvalidNextToken"
        );
    }

    #[test]
    fn the_newest_come_first_unless_it_is_asked_otherwise() {
        let values = |is_descending| {
            paged(Asked(&json!({})), &[found("a", 3)], is_descending).unwrap()["MetricDataResults"]
                [0]["Values"]
                .clone()
        };
        assert_eq!(
            (values(true), values(false)),
            (json!([2.0, 1.0, 0.0]), json!([0.0, 1.0, 2.0]))
        );
    }
}
