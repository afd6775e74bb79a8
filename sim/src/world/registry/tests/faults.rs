//! Each fault, as a client meets it.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use RegistryFaultKind as Kind;

/// A registry with a blob of so many bytes, and the blob's path.
async fn stage(size: usize, kind: Kind) -> (Fixture, String) {
    let registry = Fixture::start(None).await;
    let path = format!("/v2/a/blobs/{}", registry.push("a", &vec![7; size]).await);
    registry
        .server
        .inject(RegistryFault::on_first_request("GET", "/blobs/", kind));
    (registry, path)
}

async fn get(registry: &Fixture, path: &str) -> Result<Reply, String> {
    registry.send("GET", path, &[], b"").await
}

#[tokio::test]
async fn an_upload_is_cut_after_so_many_bytes_and_the_next_is_not() {
    let registry = Fixture::start(None).await;
    registry.server.inject(RegistryFault::on_first_request(
        "PUT",
        "/blobs/uploads/",
        Kind::CutsUpload(100_000),
    ));
    let (bytes, digest) = (vec![1; 8_000_000], Digest::compute(&vec![1; 8_000_000]));
    for expected in [false, true] {
        let (_, session) = registry
            .ask(Method::POST, "/v2/a/blobs/uploads/", "", b"")
            .await;
        assert_eq!(
            registry
                .send("PUT", &format!("{session}?digest={digest}"), &[], &bytes)
                .await
                .is_ok(),
            expected
        );
    }
    let puts: Vec<_> = registry
        .server
        .requests()
        .into_iter()
        .filter(|request| request.method == "PUT")
        .collect();
    assert_eq!(
        (puts[0].status, puts[1].status, puts[1].received),
        (None, Some(201), 8_000_000)
    );
    assert!(
        (100_000..8_000_000).contains(&puts[0].received),
        "{}",
        puts[0].received
    );
}

#[tokio::test]
async fn a_download_is_cut_stalled_or_too_short_or_too_long() {
    for kind in [Kind::CutsAnswer(50_000), Kind::WrongLength(10)] {
        let (registry, path) = stage(200_000, kind.clone()).await;
        get(&registry, &path).await.expect_err("broken off");
        assert_eq!(
            get(&registry, &path).await.expect("answered").body.len(),
            200_000,
            "{kind:?}"
        );
    }
    let (registry, path) = stage(200_000, Kind::WrongLength(-10)).await;
    assert_eq!(
        get(&registry, &path).await.expect("answered").body.len(),
        199_990
    );
    let (registry, path) = stage(200_000, Kind::StallsAfter(1000)).await;
    tokio::time::timeout(Duration::from_millis(300), get(&registry, &path))
        .await
        .expect_err("stalled");
    assert_eq!(registry.server.requests().last().expect("asked").sent, 1000);
}

#[tokio::test]
async fn a_refusal_says_what_it_was_told_to() {
    let (registry, path) = stage(1, Kind::throttle(Some(7))).await;
    let refused = get(&registry, &path).await.expect("answered");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("7"))
    );
    assert!(refused.text().contains("TOOMANYREQUESTS"));
    registry.server.inject(RegistryFault::on_first_request(
        "GET",
        "",
        Kind::refuse_with_status(503),
    ));
    let refused = get(&registry, &path).await.expect("answered");
    assert_eq!((refused.status, refused.text().as_str()), (503, ""));
}

#[tokio::test]
async fn an_effect_can_outlive_its_answer() {
    let registry = Fixture::start(None).await;
    registry.push("a", b"{}").await;
    registry.server.inject(RegistryFault::on_first_request(
        "POST",
        "digest=",
        Kind::LandsThenCuts,
    ));
    let digest = Digest::compute(b"layer");
    registry
        .send(
            "POST",
            &format!("/v2/a/blobs/uploads/?digest={digest}"),
            &[],
            b"layer",
        )
        .await
        .expect_err("cut");
    assert!(registry.server.has_blob("a", &digest.to_string()));
}

#[tokio::test]
async fn slow_is_so_many_bytes_a_second_in_both_directions() {
    let (registry, path) = stage(20_000, Kind::GivesSlowly(100_000)).await;
    let started = Instant::now();
    assert_eq!(
        get(&registry, &path).await.expect("answered").body.len(),
        20_000
    );
    assert!(
        started.elapsed() >= Duration::from_millis(150),
        "{:?}",
        started.elapsed()
    );
    registry.server.inject(RegistryFault::on_first_request(
        "POST",
        "digest=",
        Kind::TakesSlowly(100_000),
    ));
    let started = Instant::now();
    registry.push("a", &vec![8; 20_000]).await;
    assert!(
        started.elapsed() >= Duration::from_millis(150),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_request_can_stay_without_an_answer() {
    let (registry, path) = stage(1, Kind::Stalls).await;
    tokio::time::timeout(Duration::from_millis(200), get(&registry, &path))
        .await
        .expect_err("stalled");
    assert_eq!(
        registry.server.requests().last().expect("asked").status,
        None
    );
}

#[tokio::test]
async fn answers_lie() {
    let (registry, path) = stage(1000, Kind::WrongDigest).await;
    assert!(
        get(&registry, &path)
            .await
            .expect("answered")
            .header("docker-content-digest")
            .expect("told")
            .ends_with("0000")
    );
    let (registry, path) = stage(1000, Kind::WrongBytes).await;
    let body = get(&registry, &path).await.expect("answered").body;
    assert_eq!((body.len(), body[998], body[999]), (1000, 7, 6));
}

#[tokio::test]
async fn redirects_lead_to_themselves_or_elsewhere() {
    let (registry, path) = stage(1, Kind::RedirectsToItself).await;
    let answer = get(&registry, &path).await.expect("answered");
    assert_eq!(
        (answer.status, answer.header("location")),
        (307, Some(path.as_str()))
    );
    registry.server.inject(RegistryFault::on_first_request(
        "GET",
        "",
        Kind::RedirectsTo("http://elsewhere/x".into()),
    ));
    assert_eq!(
        get(&registry, &path)
            .await
            .expect("answered")
            .header("location"),
        Some("http://elsewhere/x")
    );
}

#[tokio::test]
async fn an_answer_can_be_without_an_end() {
    let (registry, path) = stage(1, Kind::Endless).await;
    tokio::time::timeout(Duration::from_millis(300), get(&registry, &path))
        .await
        .expect_err("endless");
    assert!(registry.server.requests().last().expect("asked").sent > 1_000_000);
}
