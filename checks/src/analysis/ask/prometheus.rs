//! PromQL as an instant query:
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>.
//!
//! Sent as a form by `POST`, because queries may be longer than a URL. A vector gives a point a
//! series.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request};
use serde_json::Value;
use url::form_urlencoded;

use super::source_client::{QueryFailure, SourceClient, query_url, set_header};
use super::{AnswerPoints, Sign, SourceAnswer};
use crate::analysis::question::{Point, PrometheusQuery};

/// A query whose every series warns would fill the log.
const MAX_WARNINGS: usize = 3;

/// Asks what the query comes to at `until`.
pub async fn prometheus(
    client: &Client,
    query: &PrometheusQuery,
    until: f64,
    sign: Option<Sign<'_>>,
) -> SourceAnswer {
    fetch_points(client, query, until, sign).await.into()
}

async fn fetch_points(
    client: &Client,
    query: &PrometheusQuery,
    until: f64,
    sign: Option<Sign<'_>>,
) -> Result<AnswerPoints, QueryFailure> {
    let mut request = build_request(query, until)?;
    if let Some(sign) = sign {
        sign(&mut request)?;
    }
    let source = SourceClient::new(
        client,
        request.url(),
        query.headers.iter().map(|(_, value)| value),
    );
    let answer = source.fetch_json(request, error_message).await?;
    read_answer(&answer, &source)
}

fn build_request(query: &PrometheusQuery, until: f64) -> Result<Request, String> {
    let url = query_url(&query.url)?;
    let mut request = Request::new(Method::POST, url);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", &query.promql)
        .append_pair("time", &format!("{until:.3}"))
        .finish();
    *request.body_mut() = Some(form.into());
    request.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    for (name, value) in &query.headers {
        set_header(&mut request, name, value)?;
    }
    Ok(request)
}

/// The message of Prometheus, or of the proxy in front of it (Amazon's service has a `message`).
fn error_message(answer: &Value) -> Option<String> {
    let words = ["error", "message", "Message"]
        .into_iter()
        .find_map(|member| answer[member].as_str())?;
    let kind = answer["errorType"]
        .as_str()
        .map(|kind| format!("{kind}: "))
        .unwrap_or_default();
    Some(format!("{kind}{words}"))
}

fn read_answer(answer: &Value, source: &SourceClient<'_>) -> Result<AnswerPoints, QueryFailure> {
    if answer["status"] != "success" {
        let words = error_message(answer).map(|words| source.source_message(&words));
        return Err(words
            .unwrap_or_else(|| source.message("the answer is not that of a Prometheus"))
            .into());
    }
    let points = parse_points(&answer["data"]).map_err(|words| source.message(&words))?;
    let warnings = answer["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .take(MAX_WARNINGS);
    Ok(AnswerPoints {
        points,
        notes: warnings
            .map(|warning| source.source_message(warning))
            .collect(),
    }
    .normalize())
}

fn parse_points(data: &Value) -> Result<Vec<Point>, String> {
    let result = &data["result"];
    let series = || result.as_array().into_iter().flatten();
    let pairs: Vec<&Value> = match data["resultType"].as_str() {
        Some("scalar") => vec![result],
        Some("vector") => series().map(|series| &series["value"]).collect(),
        Some("matrix") => series()
            .flat_map(|series| series["values"].as_array().into_iter().flatten())
            .collect(),
        Some("string") => return Err("the query gives a text, not a number".to_owned()),
        _ => return Err("the answer has no result that is known".to_owned()),
    };
    let all: Option<Vec<Point>> = pairs.into_iter().map(parse_point).collect();
    all.ok_or_else(|| "a result has no plain number: histograms need histogram_quantile() or another function over them".to_owned())
}

/// `[1435781451.781, "1"]`; the text may be `NaN`, `+Inf` or `-Inf`.
fn parse_point(pair: &Value) -> Option<Point> {
    Some(Point {
        at: pair[0].as_f64()?,
        value: pair[1].as_str()?.parse().ok()?,
    })
}
