//! The proxy with real targets behind it.

use std::net::Ipv4Addr;

use hyper::{Request, Response, StatusCode};

use super::*;
use crate::world::http::{full_body, text_response};
use crate::world::load::{FailureTolerance, Load, LoadOptions};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A target that answers with its name, after a while, and reports what it was asked.
async fn target(name: &'static str, delay: Duration) -> Server {
    let handler = move |_, request: Request<hyper::body::Incoming>| async move {
        if request.uri().path() == "/health" {
            return text_response(StatusCode::OK, "");
        }
        tokio::time::sleep(delay).await;
        let mut response = Response::builder().header("x-app-version", name);
        for header in [
            "host",
            "x-forwarded-for",
            "x-forwarded-port",
            "x-forwarded-proto",
            "x-private",
        ] {
            response = response.header(
                format!("saw-{header}"),
                request
                    .headers()
                    .get(header)
                    .map_or("", |value| value.to_str().expect("text")),
            );
        }
        response.body(full_body(name)).expect("an answer")
    };
    Server::start(HERE, move |_| handler)
        .await
        .expect("a target")
}

async fn proxy(groups: &[(&str, SocketAddr)]) -> (Proxy, SocketAddr) {
    let proxy = Proxy::new(
        Duration::from_millis(20),
        MeasurementPeriod::default(),
        Arc::default(),
    );
    let listener = proxy.listen("production", HERE).await.expect("a listener");
    for (group, address) in groups {
        proxy.set_targets(group, &[*address]);
    }
    for (group, _) in groups {
        wait_until_healthy(&proxy, group).await;
    }
    (proxy, listener)
}

async fn wait_until_healthy(proxy: &Proxy, group: &str) {
    while !proxy
        .health(group)
        .iter()
        .all(|(_, health)| *health == Health::Healthy)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn weights(weights: &[(&str, u32)]) -> Vec<(String, u32)> {
    weights
        .iter()
        .map(|(name, weight)| ((*name).to_owned(), *weight))
        .collect()
}

async fn get(client: &Client, listener: SocketAddr) -> Response<hyper::body::Incoming> {
    let request = Request::get(format!("http://{listener}/path?query"))
        .header("connection", "x-private")
        .header("x-private", "1");
    client
        .request(
            request
                .header("x-forwarded-for", "10.0.0.1")
                .body(full_body(""))
                .expect("a request"),
        )
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_hundred_requests_are_split_exactly_by_weight() {
    let (blue, green) = (
        target("blue", Duration::ZERO).await,
        target("green", Duration::ZERO).await,
    );
    let (proxy, listener) = proxy(&[("blue", blue.address()), ("green", green.address())]).await;
    proxy.set_weights("production", &weights(&[("blue", 90), ("green", 10)]));
    let client = new_client();
    for _ in 0..100 {
        assert_eq!(get(&client, listener).await.status(), 200);
    }
    let traffic = proxy.traffic();
    assert_eq!(
        (
            traffic.target_groups["blue"].requests,
            traffic.target_groups["green"].requests
        ),
        (90, 10)
    );
    assert_eq!(
        (traffic.total, traffic.listeners["production"]),
        (
            Counts {
                requests: 100,
                failures: 0
            },
            traffic.total
        )
    );
}

#[tokio::test]
async fn headers_are_those_of_a_load_balancer() {
    let blue = target("blue", Duration::ZERO).await;
    let (proxy, listener) = proxy(&[("blue", blue.address())]).await;
    proxy.set_weights("production", &weights(&[("blue", 1)]));
    let response = get(&new_client(), listener).await;
    let saw = |name: &str| {
        response.headers()[format!("saw-{name}")]
            .to_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(saw("host"), listener.to_string());
    assert_eq!(saw("x-forwarded-for"), "10.0.0.1, 127.0.0.1");
    assert_eq!(saw("x-forwarded-port"), listener.port().to_string());
    assert_eq!(saw("x-forwarded-proto"), "http");
    assert_eq!(
        saw("x-private"),
        "",
        "a header that Connection names is for the proxy alone"
    );
}

#[tokio::test]
async fn nowhere_to_go_is_503_and_a_broken_target_is_502() {
    let (proxy, listener) = proxy(&[]).await;
    let client = new_client();
    assert_eq!(get(&client, listener).await.status(), 503, "no weights");
    proxy.set_weights("production", &weights(&[("blue", 1)]));
    assert_eq!(get(&client, listener).await.status(), 503, "no targets");
    let dead = tokio::net::TcpListener::bind((HERE, 0))
        .await
        .expect("a port")
        .local_addr()
        .expect("bound");
    proxy.set_targets("blue", &[dead]);
    while proxy.health("blue") != [(dead, Health::Unhealthy)] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(get(&client, listener).await.status(), 502, "nobody there");
    assert_eq!(
        proxy.traffic().total,
        Counts {
            requests: 3,
            failures: 3
        }
    );
    assert_eq!(
        proxy.traffic().target_groups["blue"],
        Counts {
            requests: 2,
            failures: 2
        }
    );
}

#[tokio::test]
async fn a_removed_target_finishes_what_it_began() {
    let blue = target("blue", Duration::from_millis(300)).await;
    let (proxy, listener) = proxy(&[("blue", blue.address())]).await;
    proxy.set_weights("production", &weights(&[("blue", 1)]));
    let asked = tokio::spawn(async move { get(&new_client(), listener).await.status() });
    while proxy.in_flight(blue.address()) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.set_targets("blue", &[]);
    assert_eq!(
        get(&new_client(), listener).await.status(),
        503,
        "it gets nothing new"
    );
    assert_eq!(asked.await.expect("answered"), 200);
    assert_eq!(proxy.in_flight(blue.address()), 0);
}

#[tokio::test]
async fn shifting_replacing_and_draining_under_load_fails_nobody() {
    let delay = Duration::from_millis(3);
    let (blue, green, second) = (
        target("blue", delay).await,
        target("green", delay).await,
        target("blue", delay).await,
    );
    let (proxy, listener) = proxy(&[("blue", blue.address()), ("green", green.address())]).await;
    proxy.set_weights("production", &weights(&[("blue", 100), ("green", 0)]));
    let load = Load::start(LoadOptions {
        pause: Duration::ZERO,
        ..LoadOptions::for_target(listener)
    });
    for (to_blue, to_green) in [(90, 10), (50, 50), (0, 100), (100, 0)] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.set_weights(
            "production",
            &weights(&[("blue", to_blue), ("green", to_green)]),
        );
    }
    proxy.set_targets("blue", &[blue.address(), second.address()]);
    wait_until_healthy(&proxy, "blue").await;
    proxy.set_targets("blue", &[second.address()]);
    while proxy.in_flight(blue.address()) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(blue);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stats = load.stop().await;
    assert_eq!(
        (stats.failures, &stats.failures_by_kind),
        (0, &std::collections::BTreeMap::new())
    );
    assert!(
        stats.requests > 200 && stats.versions.len() == 2,
        "{stats:?}"
    );
    assert_eq!(
        proxy.traffic().total,
        Counts {
            requests: stats.requests,
            failures: 0
        }
    );
    assert!(
        stats.p50_milliseconds >= 3.0 && stats.p99_milliseconds >= stats.p50_milliseconds,
        "{stats:?}"
    );
}

#[tokio::test]
async fn a_load_counts_what_fails() {
    let (proxy, listener) = proxy(&[]).await;
    let load = Load::start(LoadOptions {
        connections: 1,
        ..LoadOptions::for_target(listener)
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    proxy.close();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stats = load.stop().await;
    assert_eq!(stats.requests, stats.failures);
    assert!(
        stats.failures_by_kind.contains_key("status 503")
            && stats.failures_by_kind.contains_key("no connection"),
        "{stats:?}"
    );
}

#[tokio::test]
async fn a_load_keeps_its_rate_and_tells_what_was_not_tolerated() {
    let (proxy, listener) = proxy(&[]).await;
    let load = Load::start(LoadOptions {
        connections: 2,
        rate: Some(40.0),
        tolerated: FailureTolerance::Any,
        ..LoadOptions::for_target(listener)
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let stats = load.stop().await;
    assert!((10..=24).contains(&stats.requests), "{stats:?}");
    assert_eq!((stats.failures, stats.unexpected), (stats.requests, 0));
    drop(proxy);
}

#[tokio::test]
async fn what_targets_answered_is_measured_by_group() {
    let blue = target("blue", Duration::from_millis(20)).await;
    let (proxy, listener) = proxy(&[("blue", blue.address())]).await;
    proxy.set_weights("production", &weights(&[("blue", 1)]));
    for _ in 0..3 {
        get(&new_client(), listener).await;
    }
    proxy.set_targets("blue", &[]);
    get(&new_client(), listener).await;
    let grains = proxy.measurements("blue", 0, i64::MAX);
    let mut measured = RequestStats::default();
    for grain in &grains {
        measured.merge(&grain.on_time);
    }
    assert_eq!(
        (measured.requests, measured.classes, measured.proxy_errors),
        (3, [3, 0, 0, 0], 1)
    );
    assert!(
        measured
            .seconds
            .statistic(crate::metrics::Statistic::Minimum)
            .expect("some")
            >= 0.02
    );
}
