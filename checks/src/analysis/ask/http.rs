//! Any endpoint that answers JSON: a JSONPath selects the numbers. A text that is a number counts as one, null as no data.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::wire::{Obstacle, Wire, base, set_header};
use super::{Found, Told};
use crate::analysis::question::{HttpQuery, Point};

/// Asks for what is there now; its points are stamped with `until`.
pub async fn http(client: &Client, query: &HttpQuery, until: f64) -> Told {
    asked(client, query, until).await.into()
}

async fn asked(client: &Client, query: &HttpQuery, until: f64) -> Result<Found, Obstacle> {
    let path = JsonPath::parse(&query.path).map_err(|_| "the JSONPath cannot be read".to_owned())?;
    let request = request(query)?;
    let wire = Wire::new(client, request.url(), query.headers.iter().map(|(_, value)| value).chain(&query.body));
    // What an unknown service writes beside an error status is not known to be words.
    let answer = wire.ask(request, |_| None).await?;
    let nodes = path.query(&answer).all();
    let values: Result<Vec<Option<f64>>, &str> = nodes.iter().map(|node| value(node)).collect();
    let values = values.map_err(|kind| wire.said(&format!("{} is {kind}, not a number", query.path)))?;
    let notes = if nodes.is_empty() { vec![wire.said(&format!("{} selects nothing in the answer", query.path))] } else { Vec::new() };
    Ok(Found { points: values.into_iter().flatten().map(|value| Point { at: until, value }).collect(), notes }.tidy())
}

fn request(query: &HttpQuery) -> Result<Request, String> {
    let url = base(&query.url)?;
    let method = if query.body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::new(method, url);
    if let Some(body) = &query.body {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.expose().to_owned().into());
    }
    for (name, value) in &query.headers {
        set_header(&mut request, name, value)?;
    }
    Ok(request)
}

/// The number, none for null, or what it is instead.
fn value(node: &Value) -> Result<Option<f64>, &'static str> {
    match node {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| "a text"),
        Value::Bool(_) => Err("true or false"),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("an object"),
    }
}
