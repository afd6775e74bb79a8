//! Registries that lie: nothing is believed that can be checked, credentials stay at home, and
//! memory and patience have an end.

use ecs_bluegreen::registry::PushError;
use ecs_bluegreen_sim::world::registry::{Mounts, RegistryOptions, RegistryRules, RegistryServer};

use super::stage::{Kind, REPOSITORY, Stage, chain, digest_of};

/// As much as anybody reads of a manifest.
const MANIFEST: u64 = 4 * 1024 * 1024;

#[tokio::test]
async fn a_registry_that_says_it_holds_something_else_is_not_believed() {
    for path in ["/manifests/", "/blobs/"] {
        let stage = Stage::ecr().await;
        stage.always("PUT", path, Kind::WrongDigest);
        let error = stage
            .push(&stage.image(&[b"one"]).await, &["v1"])
            .await
            .unwrap_err();
        assert!(
            matches!(error, PushError::DigestMismatch { .. }),
            "{path}: {}",
            chain(&error)
        );
    }
}

#[tokio::test]
async fn a_manifest_that_is_not_what_was_asked_for_is_never_promoted() {
    let stage = Stage::ecr().await;
    let there = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    stage.fault("GET", "/manifests/sha256", Kind::WrongBytes);
    let source = stage.remote(&format!("@{}", there.digest)).await.unwrap();
    assert_eq!(
        (source.digest(), stage.waited().len()),
        (Some(&there.digest), 1)
    );
    stage.always("GET", "/manifests/sha256", Kind::WrongBytes);
    let error = stage
        .remote(&format!("@{}", there.digest))
        .await
        .unwrap_err();
    assert!(
        chain(&error).contains(&format!("where {} was", there.digest))
            || chain(&error).contains(&there.digest.to_string()),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn layers_that_are_always_wrong_never_become_an_image() {
    let stage = Stage::new(RegistryRules {
        mounts: Mounts::Never,
        ..RegistryRules::ecr()
    })
    .await;
    stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap();
    let source = stage.remote(":v1").await.unwrap();
    stage.always(
        "GET",
        &format!(
            "/storage/{}",
            digest_of(b"one").trim_start_matches("sha256:")
        ),
        Kind::WrongBytes,
    );
    let error = stage
        .push_to(&stage.beside(), &source, &["v1"])
        .await
        .unwrap_err();
    assert!(chain(&error).contains("is garbled"), "{}", chain(&error));
    assert_eq!(stage.registry.tag_digest("prod/api", "v1"), None);
    assert!(!stage.registry.has_blob("prod/api", &digest_of(b"one")));
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    for (method, path) in [
        ("GET", "/manifests/v1"),
        ("HEAD", "/blobs/"),
        ("GET", "/blobs/"),
    ] {
        let stage = Stage::new(RegistryRules {
            mounts: Mounts::Never,
            ..RegistryRules::ecr()
        })
        .await;
        stage
            .push(&stage.image(&[b"one"]).await, &["v1"])
            .await
            .unwrap();
        let source = stage.remote(":v1").await.unwrap();
        stage.registry.clear_requests();
        stage.always(method, path, Kind::RedirectsToItself);
        let error = match path {
            "/manifests/v1" => chain(&stage.remote(":v1").await.unwrap_err()),
            _ => chain(
                &stage
                    .push_to(&stage.beside(), &source, &["v1"])
                    .await
                    .unwrap_err(),
            ),
        };
        assert!(
            error.contains("redirects in a circle"),
            "{method} {path}: {error}"
        );
        assert!(
            stage.count(method, path) <= 2 * 7,
            "{method} {path}: {}",
            stage.count(method, path)
        );
    }
}

#[tokio::test]
async fn credentials_are_shown_to_nobody_else_wherever_the_registry_leads() {
    let elsewhere = RegistryServer::start(RegistryOptions::default())
        .await
        .unwrap();
    elsewhere.set_repository(REPOSITORY, None);
    for (method, path) in [
        ("GET", "/manifests/"),
        ("HEAD", "/blobs/"),
        ("POST", "/blobs/"),
        ("PUT", "/blobs/"),
        ("PUT", "/manifests/"),
    ] {
        let stage = Stage::ecr().await;
        stage.always(
            method,
            path,
            Kind::RedirectsTo(format!(
                "http://{}/v2/{REPOSITORY}/elsewhere",
                elsewhere.address()
            )),
        );
        // What comes of it is the registry's fault; where it leads is asked without credentials, if
        // at all.
        let _ = stage.push(&stage.image(&[b"one"]).await, &["v1"]).await;
    }
    let requests = elsewhere.requests();
    assert!(
        !requests.is_empty()
            && requests
                .iter()
                .all(|request| request.authorization.is_none()),
        "{requests:#?}"
    );
}

#[tokio::test]
async fn a_manifest_without_an_end_is_refused_soon() {
    let stage = Stage::ecr().await;
    stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap();
    stage.registry.clear_requests();
    stage.always("GET", "/manifests/v1", Kind::Endless);
    let error = chain(&stage.remote(":v1").await.unwrap_err());
    assert!(error.contains("too large"), "{error}");
    // What was sent and never read is in the buffers of the two sockets and of the stage.
    let limit = MANIFEST + socket_buffers() + 1024 * 1024;
    for request in stage.registry.requests() {
        assert!(request.sent < limit, "{} of {limit}", request.sent);
    }
    assert!(stage.registry.requests().len() < 10);
}

/// The bytes that the kernel takes from a sender although the receiver reads nothing, at most.
fn socket_buffers() -> u64 {
    ["tcp_rmem", "tcp_wmem"]
        .iter()
        .map(|name| {
            let sizes = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap();
            let largest = sizes.split_whitespace().last().unwrap();
            largest.parse::<u64>().unwrap()
        })
        .sum()
}

#[tokio::test]
async fn an_answer_of_no_kind_that_is_known_is_a_refusal() {
    let stage = Stage::ecr().await;
    stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap();
    stage.fault(
        "GET",
        "/manifests/v1",
        Kind::refuse_with(418, "TEAPOT", "short\nand\u{1b}[31m stout"),
    );
    let error = chain(&stage.remote(":v1").await.unwrap_err());
    assert!(error.ends_with("(418): short and [31m stout"), "{error}");
}
