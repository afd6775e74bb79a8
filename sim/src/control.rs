//! `/_stage/`: the stage looked at and steered over HTTP, for shells and for tests of the container
//! image.

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
    Wrong(String),
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
        Method::GET => look(cloud, page),
        Method::POST | Method::PUT => steer(cloud, page, &body).await,
        Method::DELETE if page == "faults" => {
            cloud.faults.clear();
            Page::Done
        }
        _ => Page::Missing,
    };
    let (status, body) = match answered {
        Page::Shown(value) => (StatusCode::OK, value),
        Page::Done => (StatusCode::OK, json!({ "done": page })),
        Page::Wrong(why) => (StatusCode::BAD_REQUEST, json!({ "wrong": why })),
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

fn look(cloud: &Cloud, page: &str) -> Page {
    let shown = match page {
        "addresses" => cloud.addresses(),
        "ledger" => json!(cloud.ledger.entries()),
        "reads" => json!(cloud.ledger.reads()),
        "unknown" => json!(cloud.ledger.unknown()),
        "timeline" => json!(cloud.ledger.timeline()),
        "weights" => weights(cloud),
        "deployments" => deployments(cloud),
        "limits" => limits(cloud),
        "github" => json!(cloud.github()),
        "sources" => json!(cloud.sources.requests()),
        "service-deployments" => json!(cloud.service_deployments()),
        other => match of_service(cloud, other) {
            Some(view) => view,
            None => return Page::Missing,
        },
    };
    Page::Shown(shown)
}

fn of_service(cloud: &Cloud, page: &str) -> Option<Value> {
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
    cloud.look(|account| {
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
    let tally = cloud.ledger.tally();
    json!({ "buckets": cloud.buckets.view(now_ms()), "operations": tally.operations, "total": tally.total,
        "requests_per_minute": tally.minutes(), "busiest_minute": tally.busiest_minute() })
}

fn deployments(cloud: &Cloud) -> Value {
    cloud.look(|account| {
        let shown = |(id, status): (&String, &str)| json!({ "id": id, "status": status });
        account
            .deployments
            .iter()
            .map(|own| shown((&own.id, own.status.as_str())))
            .collect()
    })
}

async fn steer(cloud: &Arc<Cloud>, page: &str, body: &Bytes) -> Page {
    match page {
        "faults" => with(body, |fault: Fault| cloud.faults.plan(fault)),
        "metric" => with(body, |put: Put| put.make(cloud)),
        "sources" => with(body, |sources: SourcesOptions| {
            cloud.sources.replace(sources);
        }),
        "github" => with(body, |github: GithubOptions| cloud.set_github(github)),
        "denied" => with(body, |actions: Vec<String>| cloud.deny(actions)),
        "allowed" => with(body, |actions: Vec<String>| cloud.allow(actions)),
        "services" => match serde_json::from_slice::<ServiceOptions>(body) {
            Ok(options) => cloud
                .add_service(options)
                .await
                .map_or_else(|error| Page::Wrong(error.to_string()), |()| Page::Done),
            Err(error) => Page::Wrong(error.to_string()),
        },
        other => match other.split_once('/') {
            Some(("alarm", name)) => with(body, |turn: AlarmTurn| turn.make(cloud, name)),
            Some(("weights", listener)) => with(body, |weights: BTreeMap<String, u32>| {
                cloud.route(
                    "by hand",
                    listener,
                    &weights.into_iter().collect::<Vec<_>>(),
                );
            }),
            _ => Page::Missing,
        },
    }
}

/// An alarm's new state, with a reason or without.
#[derive(Deserialize)]
#[serde(untagged)]
enum AlarmTurn {
    State(AlarmState),
    Because { state: AlarmState, reason: String },
}

impl AlarmTurn {
    fn make(self, cloud: &Cloud, name: &str) {
        match self {
            Self::State(state) => cloud.set_alarm(name, state, None),
            Self::Because { state, reason } => cloud.set_alarm(name, state, Some(&reason)),
        }
    }
}

/// A value of a metric; now, unless it says when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    namespace: String,
    name: String,
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    at_ms: Option<i64>,
    value: f64,
}

impl Put {
    fn make(self, cloud: &Cloud) {
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

fn with<T: DeserializeOwned>(body: &Bytes, then: impl FnOnce(T)) -> Page {
    match serde_json::from_slice(body) {
        Ok(value) => {
            then(value);
            Page::Done
        }
        Err(error) => Page::Wrong(error.to_string()),
    }
}

impl Cloud {
    /// Where the registry and the listeners are reached.
    pub(crate) fn addresses(&self) -> Value {
        let host = self.public_host();
        let listeners: Map<String, Value> = self.look(|account| {
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
