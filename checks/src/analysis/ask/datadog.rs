//! Datadog's metrics query:
//! <https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points>.

use reqwest::{Client, Method, Request};
use serde_json::Value;

use super::source_client::{QueryFailure, SourceClient, query_url, set_header};
use super::{AnswerPoints, SourceAnswer};
use crate::analysis::question::{DatadogQuery, Point};

/// Asks for the points from `since` to `until`.
pub async fn datadog(
    client: &Client,
    query: &DatadogQuery,
    since: f64,
    until: f64,
) -> SourceAnswer {
    fetch_points(client, query, since, until).await.into()
}

async fn fetch_points(
    client: &Client,
    query: &DatadogQuery,
    since: f64,
    until: f64,
) -> Result<AnswerPoints, QueryFailure> {
    let request = build_request(query, since, until)?;
    let source = SourceClient::new(
        client,
        request.url(),
        [&query.api_key, &query.application_key],
    );
    let answer = source.fetch_json(request, error_message).await?;
    if let Some(words) = error_message(&answer) {
        return Err(source.source_message(&words).into());
    }
    let Some(series) = answer["series"].as_array() else {
        return Err(source
            .message("the answer is not that of a Datadog query")
            .into());
    };
    let pairs = series
        .iter()
        .flat_map(|series| series["pointlist"].as_array().into_iter().flatten());
    let points = pairs
        .filter_map(parse_point)
        .filter(|point| (since..until).contains(&point.at))
        .collect();
    Ok(AnswerPoints {
        points,
        notes: Vec::new(),
    }
    .normalize())
}

/// Datadog takes whole seconds; what that adds is left out again.
fn build_request(query: &DatadogQuery, since: f64, until: f64) -> Result<Request, String> {
    let mut url = query_url(&query.url)?;
    url.query_pairs_mut()
        .append_pair("from", &format!("{:.0}", since.floor()))
        .append_pair("to", &format!("{:.0}", until.ceil()))
        .append_pair("query", &query.query);
    let mut request = Request::new(Method::GET, url);
    set_header(&mut request, "dd-api-key", &query.api_key)?;
    set_header(&mut request, "dd-application-key", &query.application_key)?;
    Ok(request)
}

/// `error` in an answer that has a status of its own, `errors` in a refusal.
fn error_message(answer: &Value) -> Option<String> {
    let errors: Vec<&str> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let error = answer["error"]
        .as_str()
        .filter(|words| !words.is_empty())
        .map(str::to_owned);
    let status = (answer["status"] == "error")
        .then(|| "the query failed, and Datadog does not say why".to_owned());
    Some(errors.join("; "))
        .filter(|words| !words.is_empty())
        .or(error)
        .or(status)
}

/// `[1690000000000.0, 1.5]`: milliseconds, and a value or null where there was nothing.
fn parse_point(pair: &Value) -> Option<Point> {
    Some(Point {
        at: pair[0].as_f64()? / 1000.0,
        value: pair[1].as_f64()?,
    })
}
