//! `/_stage/`: reads and changes the stage over HTTP, for shell scripts and for tests of the
//! container image.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::Fault;
use crate::github::GithubOptions;
use crate::metrics::Metric;
use crate::options::{AlarmState, ServiceOptions};
use crate::sources::SourcesOptions;

/// What a page answers.
enum Page {
    Shown(Value),
    Done,
    Invalid(String),
    Missing,
}

/// Answers a request below `/_stage/`.
pub(crate) async fn answer(
    cloud: &Arc<Cloud>,
    page: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let method = request.method().clone();
    let body = request
        .into_body()
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let answered = match method {
        Method::GET => show_page(cloud, page),
        Method::POST | Method::PUT => apply_change(cloud, page, &body).await,
        Method::DELETE if page == "faults" => {
            cloud.faults.clear();
            Page::Done
        }
        _ => Page::Missing,
    };
    let (status, body) = match answered {
        Page::Shown(value) => (StatusCode::OK, value),
        Page::Done => (StatusCode::OK, json!({ "done": page })),
        Page::Invalid(why) => (StatusCode::BAD_REQUEST, json!({ "wrong": why })),
        Page::Missing => (StatusCode::NOT_FOUND, json!({ "pages": PAGES })),
    };
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static("application/json"),
    );
    response
}

/// What there is, for somebody who asks for something else.
const PAGES: [&str; 22] = [
    "GET addresses",
    "GET ledger",
    "GET reads",
    "GET unknown",
    "GET timeline",
    "GET weights",
    "GET deployments",
    "GET service-deployments",
    "GET services/NAME",
    "GET scaling/SERVICE",
    "GET limits",
    "GET github",
    "GET sources (the requests that sources of metrics got)",
    "POST faults (a Fault), DELETE faults",
    "POST alarm/NAME (\"OK\", \"ALARM\", \"INSUFFICIENT_DATA\"; or {\"state\", \"reason\"})",
    "POST metric ({\"namespace\", \"name\", \"dimensions\", \"at_ms\", \"value\"})",
    "POST weights/LISTENER ({\"TARGET GROUP\": weight, …}, as somebody changes them by hand)",
    "POST services (a ServiceOptions)",
    "POST denied (a list of IAM actions)",
    "POST allowed (a list of IAM actions; an empty one allows all)",
    "POST github (a GithubOptions)",
    "POST sources (a SourcesOptions)",
];

fn show_page(cloud: &Cloud, page: &str) -> Page {
    let shown = match page {
        "addresses" => cloud.addresses(),
        "ledger" => json!(cloud.ledger.entries()),
        "reads" => json!(cloud.ledger.read_counts()),
        "unknown" => json!(cloud.ledger.unknown_operations()),
        "timeline" => json!(cloud.ledger.timeline()),
        "weights" => weights(cloud),
        "deployments" => deployments(cloud),
        "limits" => limits(cloud),
        "github" => json!(cloud.github()),
        "sources" => json!(cloud.sources.requests()),
        "service-deployments" => json!(cloud.service_deployments()),
        other => match service_page(cloud, other) {
            Some(view) => view,
            None => return Page::Missing,
        },
    };
    Page::Shown(shown)
}

fn service_page(cloud: &Cloud, page: &str) -> Option<Value> {
    match page.split_once('/')? {
        ("services", name) => cloud.service_view(name).map(|view| json!(view)),
        ("scaling", name) => cloud.scaling_view(name).map(|view| json!(view)),
        _ => None,
    }
}

fn weights(cloud: &Cloud) -> Value {
    let listener = |name: &str, forward: &[(String, u32)]| {
        let weights: Map<String, Value> = forward
            .iter()
            .map(|(group, weight)| (group.clone(), json!(weight)))
            .collect();
        (name.to_owned(), Value::Object(weights))
    };
    cloud.read(|account| {
        Value::Object(
            account
                .balancer
                .listeners
                .iter()
                .map(|own| listener(&own.name, &own.forward))
                .collect(),
        )
    })
}

/// The buckets as they are now, and the requests that came since the stage began.
fn limits(cloud: &Cloud) -> Value {
    let counts = cloud.ledger.request_counts();
    json!({ "buckets": cloud.buckets.view(now_ms()), "operations": counts.operations, "total": counts.total,
        "requests_per_minute": counts.per_minute(), "busiest_minute": counts.busiest_minute() })
}

fn deployments(cloud: &Cloud) -> Value {
    cloud.read(|account| {
        let shown = |(id, status): (&String, &str)| json!({ "id": id, "status": status });
        account
            .deployments
            .iter()
            .map(|own| shown((&own.id, own.status.as_str())))
            .collect()
    })
}

async fn apply_change(cloud: &Arc<Cloud>, page: &str, body: &Bytes) -> Page {
    match page {
        "faults" => parse_and_apply(body, |fault: Fault| cloud.faults.add(fault)),
        "metric" => parse_and_apply(body, |value: MetricValue| value.apply(cloud)),
        "sources" => parse_and_apply(body, |sources: SourcesOptions| {
            cloud.sources.replace(sources);
        }),
        "github" => parse_and_apply(body, |github: GithubOptions| cloud.set_github(github)),
        "denied" => parse_and_apply(body, |actions: Vec<String>| cloud.set_denied(actions)),
        "allowed" => parse_and_apply(body, |actions: Vec<String>| cloud.set_allowed(actions)),
        "services" => match serde_json::from_slice::<ServiceOptions>(body) {
            Ok(options) => cloud
                .add_service(options)
                .await
                .map_or_else(|error| Page::Invalid(error.to_string()), |()| Page::Done),
            Err(error) => Page::Invalid(error.to_string()),
        },
        other => match other.split_once('/') {
            Some(("alarm", name)) => {
                parse_and_apply(body, |change: AlarmChange| change.apply(cloud, name))
            }
            Some(("weights", listener)) => {
                parse_and_apply(body, |weights: BTreeMap<String, u32>| {
                    cloud.set_listener_weights(
                        "by hand",
                        listener,
                        &weights.into_iter().collect::<Vec<_>>(),
                    );
                })
            }
            _ => Page::Missing,
        },
    }
}

/// An alarm's new state, with a reason or without.
#[derive(Deserialize)]
#[serde(untagged)]
enum AlarmChange {
    State(AlarmState),
    WithReason { state: AlarmState, reason: String },
}

impl AlarmChange {
    fn apply(self, cloud: &Cloud, name: &str) {
        match self {
            Self::State(state) => cloud.set_alarm(name, state, None),
            Self::WithReason { state, reason } => cloud.set_alarm(name, state, Some(&reason)),
        }
    }
}

/// A value of a metric; now, unless it says when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricValue {
    namespace: String,
    name: String,
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    at_ms: Option<i64>,
    value: f64,
}

impl MetricValue {
    fn apply(self, cloud: &Cloud) {
        let metric = Metric {
            namespace: self.namespace,
            name: self.name,
            dimensions: self.dimensions,
        };
        cloud
            .put_metrics
            .put(metric, self.at_ms.unwrap_or_else(now_ms), self.value);
    }
}

fn parse_and_apply<T: DeserializeOwned>(body: &Bytes, then: impl FnOnce(T)) -> Page {
    match serde_json::from_slice(body) {
        Ok(value) => {
            then(value);
            Page::Done
        }
        Err(error) => Page::Invalid(error.to_string()),
    }
}

impl Cloud {
    /// Where the registry and the listeners are reached.
    pub(crate) fn addresses(&self) -> Value {
        let host = self.public_host();
        let listeners: Map<String, Value> = self.read(|account| {
            let url = |port: u16| json!(format!("http://{host}:{port}"));
            account
                .balancer
                .listeners
                .iter()
                .map(|own| (own.name.clone(), url(own.address.port())))
                .collect()
        });
        json!({ "registry": self.registry_endpoint(), "listeners": listeners })
    }
}
