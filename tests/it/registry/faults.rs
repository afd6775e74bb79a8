//! What registries do on bad days: each fault is injected between the client and the real registry.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ecs_bluegreen::registry::{Progress, PushError, Source};

use super::bench::{Bench, Layout, pushed, target};
use super::between::{Between, Fate, Head, Rule};

const SIZE: usize = 2 * 1024 * 1024;

/// A registry, an image to push, and somebody between.
async fn stage(
    rule: impl Fn(&Head, usize) -> Fate + Send + Sync + 'static,
) -> (Bench, Source, Between) {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    layout.index(&[("v1", layout.image("amd64", &[&vec![3; SIZE]]))]);
    let source = bench.find("oci:out").await.unwrap();
    let rule: Rule = Box::new(rule);
    let between = Between::new(bench.port, rule);
    (bench, source, between)
}

fn answer(top: &str, body: &str) -> Fate {
    Fate::Answer(top.to_owned(), body.to_owned())
}

fn said(code: &str, message: &str) -> String {
    format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#)
}

async fn refusal(rule: impl Fn(&Head, usize) -> Fate + Send + Sync + 'static) -> PushError {
    let (_bench, source, between) = stage(rule).await;
    pushed(&source, &target(between.port), &["v1"])
        .await
        .0
        .unwrap_err()
}

#[tokio::test]
async fn a_connection_that_drops_in_the_middle_of_a_blob_is_no_failure() {
    let cut = AtomicBool::new(false);
    let (bench, source, between) = stage(move |head, _| {
        let is_layer =
            head.is("PUT", "/blobs/") && head.header("content-length") == Some(&SIZE.to_string());
        if is_layer && !cut.swap(true, Ordering::Relaxed) {
            Fate::Cut(SIZE / 2)
        } else {
            Fate::Pass
        }
    })
    .await;
    let (result, progress) = pushed(&source, &target(between.port), &["v1"]).await;
    assert_eq!(
        bench.digest_at("team/api:v1"),
        result.unwrap().digest.to_string()
    );
    assert!(
        progress
            .iter()
            .any(|progress| matches!(progress, Progress::Waiting { .. }))
    );
}

#[tokio::test]
async fn a_registry_that_is_busy_is_asked_again_when_it_says() {
    let (_bench, source, between) = stage(|head, before| match before {
        0 if head.is("PUT", "/manifests/") => answer(
            "429 Too Many Requests\r\nretry-after: 1",
            &said("TOOMANYREQUESTS", "slow down"),
        ),
        0 if head.is("POST", "/blobs/") => answer("503 Service Unavailable", ""),
        _ => Fate::Pass,
    })
    .await;
    let (result, progress) = pushed(&source, &target(between.port), &["v1"]).await;
    result.unwrap();
    let named = |progress: &Progress| matches!(progress, Progress::Waiting { pause, reason } if *pause >= Duration::from_secs(1) && reason.ends_with("slow down"));
    assert!(progress.iter().any(named), "{progress:?}");
}

#[tokio::test]
async fn a_blob_goes_in_one_put_and_never_in_pieces() {
    let (_bench, source, between) = stage(|_, _| Fate::Pass).await;
    pushed(&source, &target(between.port), &["v1"])
        .await
        .0
        .unwrap();
    assert_eq!(
        (
            between.count("POST", "/blobs/"),
            between.count("PUT", "/blobs/"),
            between.count("PATCH", "")
        ),
        (2, 2, 0)
    );
    let lengths: Vec<_> = between
        .seen()
        .iter()
        .filter(|head| head.is("PUT", "/blobs/"))
        .map(|head| head.header("content-length").map(str::to_owned))
        .collect();
    assert!(lengths.contains(&Some(SIZE.to_string())), "{lengths:?}");
    assert!(
        between
            .seen()
            .iter()
            .all(|head| head.header("transfer-encoding").is_none())
    );
}

#[tokio::test]
async fn an_image_that_is_there_costs_one_question() {
    let (bench, source, between) = stage(|_, _| Fate::Pass).await;
    pushed(&source, &bench.target(), &["v1"]).await.0.unwrap();
    pushed(&source, &target(between.port), &["v1"])
        .await
        .0
        .unwrap();
    assert_eq!(between.seen().len(), 1);
}

#[tokio::test]
async fn a_missing_repository_and_a_denial_are_errors_of_their_own() {
    let missing = refusal(|head, _| {
        if head.method == "POST" {
            answer("404 Not Found", &said("NAME_UNKNOWN", "no such repository"))
        } else {
            Fate::Pass
        }
    })
    .await;
    assert!(
        matches!(&missing, PushError::RepositoryMissing { repository, .. } if repository == "team/api"),
        "{missing}"
    );
    let denied = refusal(|head, _| {
        if head.method == "POST" {
            answer(
                "403 Forbidden",
                &said(
                    "DENIED",
                    "not authorized to perform: ecr:InitiateLayerUpload",
                ),
            )
        } else {
            Fate::Pass
        }
    })
    .await;
    assert!(matches!(denied, PushError::Denied { .. }));
    assert!(
        denied.to_string().ends_with("does not allow to begin an upload in `team/api`: not authorized to perform: ecr:InitiateLayerUpload"),
        "{denied}"
    );
}

#[tokio::test]
async fn who_may_write_but_not_read_manifests_can_push() {
    let (bench, source, between) = stage(|head, _| {
        if head.method != "PUT" && head.path.contains("/manifests/") {
            answer("403 Forbidden", "")
        } else {
            Fate::Pass
        }
    })
    .await;
    let (result, _) = pushed(&source, &target(between.port), &["v1"]).await;
    assert_eq!(
        bench.digest_at("team/api:v1"),
        result.unwrap().digest.to_string()
    );
}

#[tokio::test]
async fn a_registry_that_holds_something_else_than_was_sent_is_not_believed() {
    let other = format!("docker-content-digest: sha256:{}", "0".repeat(64));
    let error = refusal(move |head, _| {
        if head.is("PUT", "/manifests/") {
            Fate::PassWith(other.clone())
        } else {
            Fate::Pass
        }
    })
    .await;
    assert!(matches!(error, PushError::DigestMismatch { .. }), "{error}");
}

fn immutable(head: &Head) -> Fate {
    let words = "The image tag 'v1' already exists in the 'team/api' repository and cannot be overwritten because the tag is immutable.";
    if head.is("PUT", "/manifests/v1") {
        answer("400 Bad Request", &said("TAG_INVALID", words))
    } else {
        Fate::Pass
    }
}

#[tokio::test]
async fn an_immutable_tag_that_names_another_image_is_a_refusal_with_both_digests() {
    let (bench, source, between) = stage(|head, _| immutable(head)).await;
    let layout = Layout::new(bench.path("other"));
    layout.index(&[("v1", layout.image("arm64", &[b"other"]))]);
    let other = pushed(
        &bench.find("oci:other").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    let error = pushed(&source, &target(between.port), &["v1"])
        .await
        .0
        .unwrap_err();
    assert!(
        matches!(&error, PushError::TagTaken { there: Some(there), .. } if *there == other.digest),
        "{error}"
    );
}

#[tokio::test]
async fn an_immutable_tag_that_names_this_image_already_is_success() {
    // The first question is answered as if the tag were not there, as when another job wins the
    // race.
    let (bench, source, between) = stage(|head, before| match before {
        0 if head.is("GET", "/manifests/") => answer("404 Not Found", ""),
        _ => immutable(head),
    })
    .await;
    let there = pushed(&source, &bench.target(), &["v1"]).await.0.unwrap();
    assert_eq!(
        pushed(&source, &target(between.port), &["v1"])
            .await
            .0
            .unwrap()
            .digest,
        there.digest
    );
}

#[tokio::test]
async fn credentials_are_shown_to_the_registry_only() {
    let bench = Bench::new();
    let elsewhere = Between::new(bench.port, Box::new(|_, _| Fate::Pass));
    let port = elsewhere.port;
    let (_bench, source, between) = stage(move |head, _| match head.method.as_str() {
        "POST" => answer(
            &format!("202 Accepted\r\nlocation: http://127.0.0.1:{port}/upload?signed=1"),
            "",
        ),
        "HEAD" if head.path.contains("/blobs/") => answer(
            &format!("307 Temporary Redirect\r\nlocation: http://127.0.0.1:{port}/blob"),
            "",
        ),
        _ => Fate::Pass,
    })
    .await;
    pushed(&source, &target(between.port), &["v1"])
        .await
        .0
        .unwrap_err();
    let basic = "Basic QVdTOmNhbmFyeQ==";
    assert!(
        between
            .seen()
            .iter()
            .all(|head| head.header("authorization") == Some(basic))
    );
    assert!(
        elsewhere.count("PUT", "/upload?signed=1&digest=sha256") > 0
            && elsewhere.count("HEAD", "/blob") > 0
    );
    assert!(
        elsewhere
            .seen()
            .iter()
            .all(|head| head.header("authorization").is_none()),
        "{:?}",
        elsewhere.seen()
    );
}

#[tokio::test]
async fn a_bearer_token_is_fetched_where_the_registry_wants_one() {
    let tokens = Between::new(
        0,
        Box::new(|_, _| {
            answer(
                "200 OK\r\ncontent-type: application/json",
                r#"{"token":"t1"}"#,
            )
        }),
    );
    let port = tokens.port;
    let (bench, source, between) = stage(move |head, _| match head.header("authorization") {
        Some("Bearer t1") => Fate::Pass,
        _ => answer(&format!(r#"401 Unauthorized{}www-authenticate: Bearer realm="http://127.0.0.1:{port}/token",service="s",scope="repository:team/api:pull,push""#, "\r\n"), ""),
    })
    .await;
    let (result, _) = pushed(&source, &target(between.port), &["v1"]).await;
    assert_eq!(
        bench.digest_at("team/api:v1"),
        result.unwrap().digest.to_string()
    );
    assert_eq!(tokens.seen().len(), 1, "one token serves all");
    assert_eq!(
        tokens.seen()[0].header("authorization"),
        Some("Basic QVdTOmNhbmFyeQ==")
    );
}

#[tokio::test]
async fn no_secret_is_in_any_message() {
    let error = refusal(|head, _| {
        if head.method == "POST" {
            answer("401 Unauthorized", "")
        } else {
            Fate::Pass
        }
    })
    .await;
    assert!(!format!("{error} {error:?}").contains("canary"));
}
