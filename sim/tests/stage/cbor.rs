//! A caller that speaks CloudWatch's CBOR to the stage, and one that asks for plain pages.

use ciborium::Value as Cbor;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::harness::{Answered, Play};

/// Calls an operation of CloudWatch.
pub(crate) async fn call(play: &Play, operation: &str, input: &Value) -> Answered {
    let mut body = Vec::new();
    ciborium::into_writer(&to_cbor("", input), &mut body).expect("a body");
    let url = format!(
        "{}/service/GraniteServiceVersion20100801/operation/{operation}",
        play.stage.endpoint()
    );
    let request = Request::post(url)
        .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIASTAGE")
        .header("smithy-protocol", "rpc-v2-cbor");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(
            request
                .body(Full::new(bytes::Bytes::from(body)))
                .expect("a request"),
        )
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    Answered {
        status,
        body: from_cbor(ciborium::from_reader(bytes.as_ref()).expect("CBOR")),
    }
}

/// The answer of an operation that must succeed.
pub(crate) async fn ask(play: &Play, operation: &str, input: &Value) -> Value {
    let answered = call(play, operation, input).await;
    assert_eq!(answered.status, 200, "{operation}: {}", answered.body);
    answered.body
}

/// Status and text of a page.
pub(crate) async fn get(url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let request = headers
        .iter()
        .fold(Request::get(url), |request, (name, value)| {
            request.header(*name, *value)
        });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(
            request
                .body(Full::<bytes::Bytes>::default())
                .expect("a request"),
        )
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// Moments are tagged, as a client tags them.
fn to_cbor(name: &str, value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) if name.ends_with("Time") => {
            Cbor::Tag(1, Box::new(Cbor::Float(number.as_f64().expect("a number"))))
        }
        Value::Number(number) => number.as_i64().map_or_else(
            || Cbor::Float(number.as_f64().expect("a number")),
            Cbor::from,
        ),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(entries) => {
            Cbor::Array(entries.iter().map(|entry| to_cbor("", entry)).collect())
        }
        Value::Object(members) => Cbor::Map(
            members
                .iter()
                .map(|(name, value)| (Cbor::Text(name.clone()), to_cbor(name, value)))
                .collect(),
        ),
    }
}

fn from_cbor(value: Cbor) -> Value {
    match value {
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Integer(number) => Value::from(i64::try_from(number).expect("a number")),
        Cbor::Float(number) => Value::from(number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Array(entries) => Value::Array(entries.into_iter().map(from_cbor).collect()),
        Cbor::Map(members) => members
            .into_iter()
            .map(|(name, value)| (name.into_text().expect("a name"), from_cbor(value)))
            .collect(),
        Cbor::Tag(_, inner) => from_cbor(*inner),
        _ => Value::Null,
    }
}
