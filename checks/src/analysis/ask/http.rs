//! Any endpoint that answers JSON: a JSONPath selects the numbers. A text that is a number counts
//! as one, null as no data.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::source_client::{QueryFailure, SourceClient, parse_base_url, set_header};
use super::{AnswerPoints, SourceAnswer};
use crate::analysis::question::{HttpQuery, Point};

/// Selecting from the largest answer takes milliseconds; only a malicious path takes longer.
const SELECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks for what is there now; its points are stamped with `until`.
pub async fn http(client: &Client, query: &HttpQuery, until: f64) -> SourceAnswer {
    fetch_points(client, query, until).await.into()
}

async fn fetch_points(
    client: &Client,
    query: &HttpQuery,
    until: f64,
) -> Result<AnswerPoints, QueryFailure> {
    let path =
        JsonPath::parse(&query.path).map_err(|_| "the JSONPath cannot be read".to_owned())?;
    let request = build_request(query)?;
    let source = SourceClient::new(
        client,
        request.url(),
        query
            .headers
            .iter()
            .map(|(_, value)| value)
            .chain(&query.body),
    );
    // The body of an unknown service's error response may not be text.
    let answer = source.fetch_json(request, |_| None).await?;
    let values = select_numbers(path, answer)
        .await
        .map_err(|kind| source.message(&format!("{} {kind}", query.path)))?;
    let notes = if values.is_empty() {
        vec![source.message(&format!("{} selects nothing in the answer", query.path))]
    } else {
        Vec::new()
    };
    Ok(AnswerPoints {
        points: values
            .into_iter()
            .flatten()
            .map(|value| Point { at: until, value })
            .collect(),
        notes,
    }
    .normalize())
}

/// The nodes that the path selects, on a blocking thread: a slow path must not delay signals.
async fn select_numbers(path: JsonPath, answer: Value) -> Result<Vec<Option<f64>>, String> {
    let select = move || {
        path.query(&answer)
            .all()
            .into_iter()
            .map(to_number)
            .collect::<Result<Vec<_>, _>>()
    };
    let selected = tokio::time::timeout(SELECT_TIMEOUT, tokio::task::spawn_blocking(select)).await;
    let selected = selected.map_err(|_| {
        format!(
            "costs more than {} s on this answer",
            SELECT_TIMEOUT.as_secs()
        )
    })?;
    selected
        .map_err(|_| "cannot be evaluated".to_owned())?
        .map_err(|kind| format!("is {kind}, not a number"))
}

fn build_request(query: &HttpQuery) -> Result<Request, String> {
    let url = parse_base_url(&query.url)?;
    let method = if query.body.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    let mut request = Request::new(method, url);
    if let Some(body) = &query.body {
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.expose().to_owned().into());
    }
    for (name, value) in &query.headers {
        set_header(&mut request, name, value)?;
    }
    Ok(request)
}

/// The number, none for null, or what it is instead.
fn to_number(node: &Value) -> Result<Option<f64>, &'static str> {
    match node {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| "a text"),
        Value::Bool(_) => Err("true or false"),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("an object"),
    }
}
