//! Bad days: what passes is waited for, what was sent is not sent twice, and what does not pass is
//! said.

use std::time::Duration;

use ecs_bluegreen::registry::Progress;
use ecs_bluegreen_sim::world::registry::{Mounts, RegistryFault, RegistryRules, TagMutability};

use super::stage::{Kind, LARGE, Stage, chain, digest_of, pass};

/// An image whose large layer is recognized by its path.
pub(super) async fn one(stage: &Stage) -> (ecs_bluegreen::registry::Source, String) {
    let large = vec![3; LARGE];
    (
        stage.image(&[&large]).await,
        digest_of(&large).replace("sha256:", "sha256%3A"),
    )
}

#[tokio::test]
async fn an_upload_that_is_cut_again_and_again_arrives_whole() {
    let stage = Stage::ecr().await;
    let (source, large) = one(&stage).await;
    stage
        .registry
        .inject(RegistryFault::on_first_request("PUT", &large, Kind::CutsUpload(300_000)).times(3));
    let pushed = stage.push(&source, &["v1"]).await.unwrap();
    assert_eq!(
        (stage.tagged("v1"), pushed.bytes_moved > LARGE as u64),
        (Some(pushed.digest.to_string()), true)
    );
    assert_eq!((stage.waited().len(), stage.count("PUT", &large)), (3, 4));
}

#[tokio::test]
async fn what_arrived_although_its_answer_was_lost_is_not_sent_again() {
    let stage = Stage::new(RegistryRules {
        tags: TagMutability::all_immutable(),
        ..RegistryRules::ecr()
    })
    .await;
    let (source, large) = one(&stage).await;
    stage.fault("PUT", &large, Kind::LandsThenCuts);
    stage.fault("PUT", "/manifests/v1", Kind::LandsThenCuts);
    let pushed = stage.push(&source, &["v1"]).await.unwrap();
    assert_eq!(
        (stage.tagged("v1"), stage.count("PUT", &large)),
        (Some(pushed.digest.to_string()), 1)
    );
    assert_eq!(stage.waited().len(), 2, "{:?}", stage.waited());
}

#[tokio::test]
async fn a_registry_that_fails_everywhere_once_is_no_failure() {
    for status in [500, 502, 503, 408] {
        let stage = Stage::ecr().await;
        let source = stage.index().await;
        for (method, path) in [
            ("GET", "/manifests/"),
            ("HEAD", "/manifests/"),
            ("HEAD", "/blobs/"),
            ("POST", "/blobs/"),
            ("PUT", "/blobs/"),
            ("PUT", "/manifests/"),
        ] {
            stage.fault(method, path, Kind::refuse_with_status(status));
        }
        let pushed = stage.push(&source, &["v1"]).await.unwrap();
        assert_eq!(
            (stage.tagged("v1"), stage.waited().len()),
            (Some(pushed.digest.to_string()), 6),
            "{status}: {:?}",
            stage.waited()
        );
    }
}

#[tokio::test]
async fn a_registry_that_never_recovers_is_given_up_with_its_words() {
    let stage = Stage::ecr().await;
    stage.always(
        "POST",
        "/blobs/",
        Kind::refuse_with(503, "UNAVAILABLE", "come back tomorrow"),
    );
    let error = stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("refused to begin an upload (503): come back tomorrow"),
        "{error}"
    );
    assert_eq!(stage.tagged("v1"), None);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let stage = Stage::ecr().await;
    stage.fault("PUT", "/manifests/", Kind::throttle(Some(9)));
    stage.fault("PUT", "/blobs/", Kind::throttle(None));
    stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap();
    let pauses: Vec<Duration> = stage
        .progress()
        .iter()
        .filter_map(|progress| {
            if let Progress::Waiting { pause, .. } = progress {
                Some(*pause)
            } else {
                None
            }
        })
        .collect();
    assert!(
        pauses.len() == 2
            && pauses[0] < Duration::from_secs(1)
            && pauses[1] >= Duration::from_secs(9),
        "{pauses:?}"
    );
}

#[tokio::test]
async fn a_slow_registry_is_waited_for_and_progress_is_told() {
    let stage = Stage::ecr().await;
    let (source, large) = one(&stage).await;
    stage.fault("PUT", &large, Kind::TakesSlowly(LARGE as u64 * 2 / 3));
    stage.push(&source, &["v1"]).await.unwrap();
    assert!(
        stage
            .progress()
            .iter()
            .any(|progress| matches!(progress, Progress::Uploading { .. }))
    );
    assert!(stage.waited().is_empty());
}

/// Lets a minute and a half pass, second by second, as soon as a request of a kind was begun; then
/// there are seconds to continue.
pub(super) async fn a_silent_minute(stage: &Stage, method: &str, path: &str) {
    while stage.count(method, path) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What is about to be sent into the socket's buffers goes there in real time.
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..90 {
        pass(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_upload_that_stalls_is_begun_anew_after_a_minute() {
    let stage = Stage::ecr().await;
    let (source, large) = one(&stage).await;
    stage.fault("PUT", &large, Kind::Stalls);
    let pushed = tokio::select! {
        pushed = stage.push(&source, &["v1"]) => pushed.unwrap(),
        () = a_silent_minute(&stage, "PUT", &large) => panic!("it waits for ever"),
    };
    assert_eq!(stage.tagged("v1"), Some(pushed.digest.to_string()));
    assert!(
        stage
            .waited()
            .iter()
            .any(|reason| reason.contains("was silent for 60 seconds when asked to send a layer")),
        "{:?}",
        stage.waited()
    );
}

#[tokio::test]
async fn a_question_that_is_never_answered_is_asked_again_after_a_minute() {
    for (method, path) in [
        ("GET", "/manifests/"),
        ("HEAD", "/blobs/"),
        ("POST", "/blobs/"),
        ("PUT", "/manifests/"),
    ] {
        let stage = Stage::ecr().await;
        let source = stage.image(&[b"one"]).await;
        stage.fault(method, path, Kind::Stalls);
        let pushed = tokio::select! {
            pushed = stage.push(&source, &["v1"]) => pushed.unwrap(),
            () = a_silent_minute(&stage, method, path) => panic!("it waits for ever: {method} {path}"),
        };
        assert_eq!(
            stage.tagged("v1"),
            Some(pushed.digest.to_string()),
            "{method} {path}"
        );
        assert_eq!(
            stage.waited().len(),
            1,
            "{method} {path}: {:?}",
            stage.waited()
        );
    }
}

/// A stage whose blobs cannot be mounted, so that a promotion reads them.
pub(super) async fn reading() -> Stage {
    Stage::new(RegistryRules {
        mounts: Mounts::Never,
        ..RegistryRules::ecr()
    })
    .await
}

#[tokio::test]
async fn a_source_that_breaks_off_garbles_or_miscounts_is_read_again() {
    for kind in [
        Kind::CutsAnswer(500_000),
        Kind::CutsAnswer(0),
        Kind::WrongBytes,
        Kind::WrongLength(-7),
        Kind::WrongLength(7),
        Kind::refuse_with_status(503),
        Kind::LandsThenCuts,
    ] {
        let stage = reading().await;
        let (image, _) = one(&stage).await;
        let there = stage.push(&image, &["v1"]).await.unwrap();
        let large = digest_of(&vec![3; LARGE]);
        stage.fault(
            "GET",
            &format!("/storage/{}", large.trim_start_matches("sha256:")),
            kind.clone(),
        );
        let source = stage.remote(":v1").await.unwrap();
        let promoted = stage
            .push_to(&stage.beside(), &source, &["v1"])
            .await
            .unwrap_or_else(|error| panic!("{kind:?}: {}", chain(&error)));
        assert_eq!(promoted.digest, there.digest, "{kind:?}");
        assert_eq!(
            stage.registry.tag_digest("prod/api", "v1"),
            Some(there.digest.to_string()),
            "{kind:?}"
        );
        assert_eq!(stage.waited().len(), 1, "{kind:?}: {:?}", stage.waited());
    }
}

#[tokio::test]
async fn a_source_that_stalls_is_read_again_after_a_minute() {
    for kind in [Kind::Stalls, Kind::StallsAfter(500_000)] {
        let stage = reading().await;
        let (image, _) = one(&stage).await;
        let there = stage.push(&image, &["v1"]).await.unwrap();
        let path = format!(
            "/storage/{}",
            digest_of(&vec![3; LARGE]).trim_start_matches("sha256:")
        );
        stage.fault("GET", &path, kind.clone());
        let (source, to) = (stage.remote(":v1").await.unwrap(), stage.beside());
        let promoted = tokio::select! {
            promoted = stage.push_to(&to, &source, &["v1"]) => promoted.unwrap_or_else(|error| panic!("{kind:?}: {}", chain(&error))),
            () = a_silent_minute(&stage, "GET", &path) => panic!("it waits for ever: {kind:?}"),
        };
        assert_eq!(promoted.digest, there.digest, "{kind:?}");
    }
}
