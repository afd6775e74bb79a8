//! A reply in the form of each source.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::options::ReplyAnswer;
use super::request::{ParsedRequest, Source};

/// A point every so many seconds.
const STEP: f64 = 15.0;

/// A status and a document.
pub(super) type FormattedReply = (StatusCode, Value);

/// What a source says: numbers, with gaps, of some series; and what else there is to say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SourceData {
    Series(Vec<Vec<Option<f64>>>),
    Scalar(f64),
    Warned(f64, String),
    Error(String),
}

impl SourceData {
    /// Of a reply that is numbers or an error.
    pub(super) fn from_answer(answer: &ReplyAnswer, measured: Option<f64>) -> Option<Self> {
        let single = |value: f64| vec![Some(value)];
        Some(match answer {
            ReplyAnswer::Value(value) => Self::Series(vec![single(*value)]),
            ReplyAnswer::NotANumber => Self::Series(vec![single(f64::NAN)]),
            ReplyAnswer::Scalar(value) => Self::Scalar(*value),
            ReplyAnswer::Values(values) => {
                Self::Series(values.iter().copied().map(single).collect())
            }
            ReplyAnswer::Points(points) => Self::Series(vec![points.clone()]),
            ReplyAnswer::Empty => Self::Series(Vec::new()),
            ReplyAnswer::Measured(_) => Self::Series(measured.map(single).into_iter().collect()),
            ReplyAnswer::Warned(value, warning) => Self::Warned(*value, warning.clone()),
            ReplyAnswer::Error(message) => Self::Error(message.clone()),
            ReplyAnswer::Status(_)
            | ReplyAnswer::Garbage
            | ReplyAnswer::Huge(_)
            | ReplyAnswer::Json(_)
            | ReplyAnswer::Redirect(_)
            | ReplyAnswer::Drops
            | ReplyAnswer::Hangs => return None,
        })
    }

    /// In a source's form. The last point is of now.
    pub(super) fn format(&self, request: &ParsedRequest, now: f64) -> FormattedReply {
        match &request.source {
            Source::Prometheus | Source::Amp(_) => {
                self.format_prometheus(request.number("time").unwrap_or(now))
            }
            Source::Datadog => self.format_datadog(
                &request.recorded.question,
                request.number("from").unwrap_or(now),
                request.number("to").unwrap_or(now),
            ),
            Source::Json | Source::Unknown => self.format_json(),
        }
    }

    fn format_prometheus(&self, at: f64) -> FormattedReply {
        let success = |kind: &str, result: Value| json!({ "status": "success", "data": { "resultType": kind, "result": result } });
        let document = match self {
            Self::Error(message) => {
                let error =
                    json!({ "status": "error", "errorType": "execution", "error": message });
                return (StatusCode::UNPROCESSABLE_ENTITY, error);
            }
            Self::Scalar(value) => success("scalar", json!([at, format_number(*value)])),
            Self::Warned(value, warning) => {
                let mut document = success(
                    "vector",
                    json!([{ "metric": {}, "value": [at, format_number(*value)] }]),
                );
                document["warnings"] = json!([warning]);
                document
            }
            Self::Series(all) if all.iter().any(|series| series.len() > 1) => success(
                "matrix",
                all.iter().map(|series| matrix_series(series, at)).collect(),
            ),
            Self::Series(all) => {
                let values = all
                    .iter()
                    .enumerate()
                    .filter_map(|(number, series)| Some((number, (*series.first()?)?)));
                success(
                    "vector",
                    values
                        .map(|(number, value)| json!({ "metric": { "series": number.to_string() }, "value": [at, format_number(value)] }))
                        .collect(),
                )
            }
        };
        (StatusCode::OK, document)
    }

    fn format_datadog(&self, query: &str, from: f64, to: f64) -> FormattedReply {
        let all = match self {
            Self::Error(message) => {
                return (
                    StatusCode::OK,
                    json!({ "status": "error", "error": message, "query": query }),
                );
            }
            Self::Scalar(value) | Self::Warned(value, _) => vec![vec![Some(*value)]],
            Self::Series(all) => all.clone(),
        };
        let series: Vec<Value> = all
            .iter()
            .map(|points| {
                let list: Vec<Value> = with_times(points, to).map(|(at, value)| json!([at * 1_000.0, value])).collect();
                json!({ "metric": query, "scope": "*", "expression": query, "interval": STEP, "length": list.len(), "pointlist": list,
                    "start": from * 1_000.0, "end": to * 1_000.0, "tag_set": [], "unit": null, "aggr": null })
            })
            .collect();
        let document = json!({ "status": "ok", "res_type": "time_series", "resp_version": 1, "query": query, "from_date": from * 1_000.0,
            "to_date": to * 1_000.0, "series": series, "values": [], "times": [], "message": "", "group_by": [] });
        (StatusCode::OK, document)
    }

    /// One number is `value`; several series are `values`; points are `points`.
    fn format_json(&self) -> FormattedReply {
        let number = |value: f64| {
            if value.is_finite() {
                json!(value)
            } else {
                json!(format_number(value))
            }
        };
        let document = match self {
            Self::Error(message) => return (StatusCode::BAD_REQUEST, json!({ "error": message })),
            Self::Scalar(value) | Self::Warned(value, _) => json!({ "value": value }),
            Self::Series(all) => match all.as_slice() {
                [] => json!({}),
                [series] => match series.as_slice() {
                    [Some(value)] => json!({ "value": number(*value) }),
                    points => json!({ "points": points }),
                },
                several => {
                    json!({ "values": several.iter().filter_map(|series| *series.first()?).map(number).collect::<Vec<_>>() })
                }
            },
        };
        (StatusCode::OK, document)
    }
}

/// As Go writes numbers.
fn format_number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else {
        value.to_string().replace("inf", "+Inf").replace("-+", "-")
    }
}

/// Points with their times, the last one at the end.
fn with_times(points: &[Option<f64>], end: f64) -> impl Iterator<Item = (f64, Option<f64>)> {
    let count = points.len();
    #[expect(clippy::cast_precision_loss, reason = "there are few points")]
    points
        .iter()
        .enumerate()
        .map(move |(number, value)| (end - STEP * (count - 1 - number) as f64, *value))
}

/// A gap is no sample to Prometheus.
fn matrix_series(series: &[Option<f64>], at: f64) -> Value {
    let values: Vec<Value> = with_times(series, at)
        .filter_map(|(at, value)| Some(json!([at, format_number(value?)])))
        .collect();
    json!({ "metric": {}, "values": values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source_data(answer: &ReplyAnswer) -> SourceData {
        SourceData::from_answer(answer, None).unwrap()
    }

    #[test]
    fn prometheus_writes_values_as_text_and_a_gap_is_no_sample() {
        let result =
            |answer: &ReplyAnswer| source_data(answer).format_prometheus(100.0).1["data"].clone();
        let vector = |result: Value| json!({ "resultType": "vector", "result": result });
        assert_eq!(
            result(&ReplyAnswer::Value(0.03)),
            vector(json!([{ "metric": { "series": "0" }, "value": [100.0, "0.03"] }]))
        );
        assert_eq!(
            result(&ReplyAnswer::NotANumber)["result"][0]["value"][1],
            "NaN"
        );
        assert_eq!(result(&ReplyAnswer::Empty), vector(json!([])));
        assert_eq!(
            result(&ReplyAnswer::Scalar(2.0)),
            json!({ "resultType": "scalar", "result": [100.0, "2"] })
        );
        let matrix = result(&ReplyAnswer::Points(vec![Some(1.0), None, Some(3.0)]));
        assert_eq!(
            matrix,
            json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": [[70.0, "1"], [100.0, "3"]] }] })
        );
        assert_eq!(
            source_data(&ReplyAnswer::Error("no".into()))
                .format_prometheus(0.0)
                .0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(
            source_data(&ReplyAnswer::Value(f64::INFINITY))
                .format_prometheus(0.0)
                .1["data"]["result"][0]["value"][1],
            "+Inf"
        );
    }

    #[test]
    fn datadog_writes_point_lists_in_milliseconds() {
        let document = source_data(&ReplyAnswer::Points(vec![Some(1.0), None]))
            .format_datadog("avg:q{*}", 0.0, 60.0)
            .1;
        assert_eq!(
            document["series"][0]["pointlist"],
            json!([[45_000.0, 1.0], [60_000.0, null]])
        );
        assert_eq!(
            source_data(&ReplyAnswer::Empty)
                .format_datadog("q", 0.0, 60.0)
                .1["series"],
            json!([])
        );
        assert_eq!(
            source_data(&ReplyAnswer::Error("no".into()))
                .format_datadog("q", 0.0, 1.0)
                .1["status"],
            "error"
        );
    }

    #[test]
    fn json_has_a_value_values_or_points() {
        let document = |answer: &ReplyAnswer| source_data(answer).format_json().1;
        assert_eq!(document(&ReplyAnswer::Value(5.0)), json!({ "value": 5.0 }));
        assert_eq!(
            document(&ReplyAnswer::Values(vec![1.0, 2.0])),
            json!({ "values": [1.0, 2.0] })
        );
        assert_eq!(
            document(&ReplyAnswer::Points(vec![Some(1.0), None])),
            json!({ "points": [1.0, null] })
        );
        assert_eq!(document(&ReplyAnswer::Empty), json!({}));
    }
}
