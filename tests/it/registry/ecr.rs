//! A registry with ECR's ways: what others stumble over is nothing to stumble over here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ecs_bluegreen::registry::{
    Credentials, Progress, PushError, PushOptions, Renewal, Target, push,
};
use ecs_bluegreen::secret::Secret;
use ecs_bluegreen_sim::world::registry::{
    ManifestAnswer, MissingRepository, Mounts, RegistryRules, SignIn, TagMutability,
};

use super::bench::tags;
use super::stage::{Kind, LARGE, REPOSITORY, Stage, chain, digest_of};

fn ecr(change: impl FnOnce(&mut RegistryRules)) -> RegistryRules {
    let mut rules = RegistryRules::ecr();
    change(&mut rules);
    rules
}

#[tokio::test]
async fn an_index_with_attestations_arrives_whole_in_one_put_a_blob() {
    let stage = Stage::ecr().await;
    let source = stage.index().await;
    let pushed = stage.push(&source, &["v1", "latest"]).await.unwrap();
    assert_eq!(
        (stage.tagged("v1"), stage.tagged("latest")),
        (
            Some(pushed.digest.to_string()),
            Some(pushed.digest.to_string())
        )
    );
    assert_eq!(
        (
            pushed.uploaded,
            stage.count("POST", "/blobs/"),
            stage.count("PUT", "/blobs/"),
            stage.count("PATCH", "")
        ),
        (7, 7, 7, 0)
    );
    assert!(stage.waited().is_empty(), "{:?}", stage.waited());
    assert!(
        stage
            .registry
            .requests()
            .iter()
            .all(|request| request.authorization.as_deref() == Some("Basic"))
    );
}

#[tokio::test]
async fn answers_to_manifests_without_location_and_digest_are_answers() {
    for answer in [
        ManifestAnswer::Bare,
        ManifestAnswer::LateDigest,
        ManifestAnswer::DigestAndLocation,
    ] {
        let stage = Stage::new(ecr(|rules| rules.manifest_answer = answer)).await;
        let source = stage.index().await;
        let pushed = stage.push(&source, &["v1"]).await.unwrap();
        assert_eq!(
            stage.tagged("v1"),
            Some(pushed.digest.to_string()),
            "{answer:?}"
        );
        assert_eq!(
            stage.push(&source, &["v1"]).await.unwrap().digest,
            pushed.digest,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn promoted_by_tag_an_index_is_not_converted() {
    let stage = Stage::ecr().await;
    let there = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    let source = stage.remote(":v1").await.unwrap();
    assert_eq!(source.digest(), Some(&there.digest));
    let promoted = stage
        .push_to(&stage.beside(), &source, &["v1"])
        .await
        .unwrap();
    assert_eq!(
        stage.registry.tag_digest("prod/api", "v1"),
        Some(there.digest.to_string())
    );
    assert_eq!(
        (promoted.mounted, promoted.uploaded, promoted.bytes_moved),
        (7, 0, 0)
    );
}

#[tokio::test]
async fn where_mounting_is_off_downloads_come_from_the_other_host_without_credentials() {
    let stage = Stage::new(ecr(|rules| rules.mounts = Mounts::Never)).await;
    let there = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    stage.registry.clear_requests();
    let source = stage.remote(":v1").await.unwrap();
    let promoted = stage
        .push_to(&stage.beside(), &source, &["v1"])
        .await
        .unwrap();
    assert_eq!(
        stage.registry.tag_digest("prod/api", "v1"),
        Some(there.digest.to_string())
    );
    assert_eq!(
        (promoted.mounted, promoted.uploaded, promoted.mount_refused),
        (0, 7, 7)
    );
    assert_eq!(
        stage.count("POST", "/blobs/"),
        7,
        "the upload that a refused mount began is used"
    );
    let downloads = stage.downloads();
    assert!(
        downloads.len() >= 7
            && downloads
                .iter()
                .all(|request| request.authorization.is_none() && request.status == Some(200)),
        "{downloads:#?}"
    );
}

#[tokio::test]
async fn a_new_tag_is_one_get_and_one_put() {
    let stage = Stage::ecr().await;
    let there = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    stage.registry.clear_requests();
    let source = stage.remote(&format!("@{}", there.digest)).await.unwrap();
    stage.push(&source, &["stable"]).await.unwrap();
    let asked: Vec<String> = stage
        .registry
        .requests()
        .into_iter()
        .map(|request| request.method)
        .collect();
    assert_eq!(
        (asked, stage.tagged("stable")),
        (
            vec!["GET".to_owned(), "PUT".to_owned()],
            Some(there.digest.to_string())
        )
    );
}

#[tokio::test]
async fn an_image_that_is_there_is_one_question_and_the_same_digest_under_an_immutable_tag_is_success()
 {
    let stage = Stage::new(ecr(|rules| rules.tags = TagMutability::all_immutable())).await;
    let source = stage.index().await;
    let first = stage.push(&source, &["v1"]).await.unwrap();
    stage.registry.clear_requests();
    let again = stage.push(&source, &["v1"]).await.unwrap();
    assert_eq!(
        (
            again.digest,
            again.uploaded,
            stage.registry.requests().len()
        ),
        (first.digest, 0, 1)
    );
}

#[tokio::test]
async fn an_immutable_tag_that_somebody_gave_to_this_image_meanwhile_is_success() {
    let stage = Stage::new(ecr(|rules| rules.tags = TagMutability::all_immutable())).await;
    let source = stage.index().await;
    let first = stage.push(&source, &["v1"]).await.unwrap();
    // The first look does not see the tag yet.
    stage.fault(
        "GET",
        "/manifests/v1",
        Kind::refuse_with(404, "MANIFEST_UNKNOWN", "Requested image not found"),
    );
    assert_eq!(
        stage.push(&source, &["v1"]).await.unwrap().digest,
        first.digest
    );
    assert_eq!(stage.count("PUT", "/manifests/v1"), 2);
}

#[tokio::test]
async fn an_immutable_tag_of_another_image_is_refused_with_both_digests_before_any_upload() {
    let stage = Stage::new(ecr(|rules| {
        rules.tags = TagMutability::ImmutableExcept(vec!["dev-*".to_owned()]);
    }))
    .await;
    let first = stage
        .push(&stage.image(&[b"one"]).await, &["v1", "dev-1"])
        .await
        .unwrap();
    let other = stage.image(&[b"another"]).await;
    stage.registry.clear_requests();
    let (names, report) = (tags(&["v1"]), stage.report());
    let known = push(
        &other,
        &stage.target(),
        PushOptions {
            tags: &names,
            immutable: &names,
            ..PushOptions::default()
        },
        &report,
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&known, PushError::TagTaken { there: Some(there), ours, .. } if *there == first.digest && Some(ours) == other.digest()),
        "{known}"
    );
    assert_eq!(
        (stage.count("POST", ""), stage.count("PUT", "")),
        (0, 0),
        "{:#?}",
        stage.registry.requests()
    );
    let unknown = stage.push(&other, &["v1"]).await.unwrap_err();
    assert!(
        matches!(&unknown, PushError::TagTaken { there: Some(there), .. } if *there == first.digest),
        "{unknown}"
    );
    assert!(
        unknown
            .to_string()
            .contains("cannot be overwritten because the tag is immutable"),
        "{unknown}"
    );
    let moved = stage.push(&other, &["dev-1"]).await.unwrap();
    assert_eq!(
        (stage.tagged("v1"), stage.tagged("dev-1")),
        (
            Some(first.digest.to_string()),
            Some(moved.digest.to_string())
        )
    );
}

#[tokio::test]
async fn a_missing_repository_is_refused_before_any_byte() {
    let stage = Stage::empty(RegistryRules::ecr()).await;
    let error = stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap_err();
    assert!(
        matches!(&error, PushError::RepositoryMissing { repository, .. } if repository == REPOSITORY),
        "{error}"
    );
    assert_eq!(
        (
            stage.count("PUT", ""),
            stage
                .registry
                .requests()
                .iter()
                .map(|request| request.received)
                .sum::<u64>()
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn a_repository_that_is_created_on_push_is_pushed_to() {
    let stage = Stage::empty(ecr(|rules| {
        rules.missing_repository = MissingRepository::Created;
    }))
    .await;
    let pushed = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    assert_eq!(stage.tagged("v1"), Some(pushed.digest.to_string()));
}

#[tokio::test]
async fn more_manifests_than_ecr_takes_in_a_second_only_take_longer() {
    let stage = Stage::new(ecr(|rules| rules.manifests_per_second = Some(2))).await;
    let (source, names, waited) = (
        stage.index().await,
        tags(&["v1", "v2", "v3"]),
        Mutex::new(Vec::new()),
    );
    // The registry's seconds are real ones, so nothing puts the clock forward here.
    let report = |progress| {
        if let Progress::Waiting { reason, .. } = progress {
            waited.lock().unwrap().push(reason);
        }
    };
    let pushed = push(
        &source,
        &stage.target(),
        PushOptions {
            tags: &names,
            ..PushOptions::default()
        },
        &report,
    )
    .await
    .unwrap();
    assert_eq!(
        ["v1", "v2", "v3"].map(|tag| stage.tagged(tag)),
        [1, 2, 3].map(|_| Some(pushed.digest.to_string()))
    );
    let waited = waited.into_inner().unwrap();
    assert!(
        !waited.is_empty()
            && waited
                .iter()
                .all(|reason| reason.ends_with("(429): Rate exceeded")),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_token_that_expires_on_the_way_is_renewed_once_and_nothing_is_lost() {
    let stage = Arc::new(Stage::new(ecr(|rules| rules.credentials_last = Some(9))).await);
    let renewed = Arc::new(AtomicUsize::new(0));
    let (registry, count) = (Arc::clone(&stage), Arc::clone(&renewed));
    let renewal = Renewal::new(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        registry.registry.set_password(&format!("canary-{number}"));
        Box::pin(async move {
            Ok(Credentials {
                user: "AWS".to_owned(),
                password: Secret::new(format!("canary-{number}")),
            })
        })
    });
    let to = Target {
        renewal: Some(renewal),
        ..stage.target()
    };
    let source = stage.index().await;
    let pushed = stage.push_to(&to, &source, &["v1"]).await.unwrap();
    assert_eq!(stage.tagged("v1"), Some(pushed.digest.to_string()));
    let requests = stage.registry.requests();
    let refused = requests
        .iter()
        .filter(|request| request.status == Some(403))
        .count();
    let renewals = renewed.load(Ordering::Relaxed);
    assert!(
        renewals >= 2 && renewals <= requests.len() / 9 + 1 && refused >= renewals,
        "{renewals} renewals, {refused} of {} refused",
        requests.len()
    );
    assert!(stage.waited().is_empty(), "{:?}", stage.waited());
}

#[tokio::test]
async fn a_token_that_expires_for_good_is_a_denial() {
    let stage = Stage::new(ecr(|rules| rules.credentials_last = Some(3))).await;
    let error = stage.push(&stage.index().await, &["v1"]).await.unwrap_err();
    assert!(matches!(error, PushError::Denied { .. }), "{error}");
    assert!(!chain(&error).contains("canary") && !format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn an_archived_layer_has_its_own_sentence_when_built_on_and_when_promoted() {
    let stage = Stage::new(ecr(|rules| rules.mounts = Mounts::Never)).await;
    stage
        .push(&stage.image(&[b"base", b"one"]).await, &["v1"])
        .await
        .unwrap();
    stage.registry.archive_blob(REPOSITORY, &digest_of(b"base"));
    let error = stage
        .push(&stage.image(&[b"base", b"two"]).await, &["v2"])
        .await
        .unwrap_err();
    assert!(matches!(error, PushError::Archived { .. }), "{error}");
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("update-image-storage-class"))
    );
    let source = stage.remote(":v1").await.unwrap();
    let error = stage
        .push_to(&stage.beside(), &source, &["v1"])
        .await
        .unwrap_err();
    assert!(chain(&error).contains("is archived"), "{}", chain(&error));
    assert_eq!(
        (
            stage.tagged("v2"),
            stage.registry.tag_digest("prod/api", "v1")
        ),
        (None, None)
    );
}

#[tokio::test]
async fn too_many_layers_have_their_own_sentence() {
    let stage = Stage::new(ecr(|rules| rules.layers_at_most = Some(2))).await;
    let error = stage
        .push(&stage.image(&[b"1", b"2", b"3"]).await, &["v1"])
        .await
        .unwrap_err();
    assert!(matches!(error, PushError::TooManyLayers { .. }), "{error}");
    assert!(stage.waited().is_empty());
}

#[tokio::test]
async fn blobs_that_an_image_of_an_index_lost_are_brought_again() {
    let stage = Stage::ecr().await;
    let source = stage.index().await;
    stage.push(&source, &["v1"]).await.unwrap();
    stage
        .registry
        .delete_blob(REPOSITORY, &digest_of(&vec![1; LARGE]));
    // The tag is gone as well, or nobody would look.
    stage.registry.clear_requests();
    stage.fault(
        "GET",
        "/manifests/v1",
        Kind::refuse_with(404, "MANIFEST_UNKNOWN", "Requested image not found"),
    );
    stage.fault(
        "HEAD",
        "/manifests/",
        Kind::refuse_with(404, "MANIFEST_UNKNOWN", "Requested image not found"),
    );
    let pushed = stage.push(&source, &["v1"]).await.unwrap();
    assert_eq!(
        (
            stage.tagged("v1"),
            stage
                .registry
                .has_blob(REPOSITORY, &digest_of(&vec![1; LARGE]))
        ),
        (Some(pushed.digest.to_string()), true)
    );
}

#[tokio::test]
async fn contents_that_a_tagged_image_promised_and_lost_are_brought_again() {
    let stage = Stage::ecr().await;
    stage
        .push(&stage.image(&[b"base", b"one"]).await, &["v1"])
        .await
        .unwrap();
    stage.registry.delete_blob(REPOSITORY, &digest_of(b"base"));
    let pushed = stage
        .push(&stage.image(&[b"base", b"two"]).await, &["v1"])
        .await
        .unwrap();
    assert_eq!(stage.tagged("v1"), Some(pushed.digest.to_string()));
    assert!(
        stage
            .progress()
            .iter()
            .any(|progress| matches!(progress, Progress::Retrying { .. })),
        "{:?}",
        stage.progress()
    );
    assert!(stage.registry.has_blob(REPOSITORY, &digest_of(b"base")));
}

#[tokio::test]
async fn a_registry_that_wants_bearer_tokens_gets_them_of_the_right_scopes() {
    let stage = Stage::new(RegistryRules {
        sign_in: SignIn::Bearer,
        ..RegistryRules::default()
    })
    .await;
    let there = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    assert_eq!(stage.tagged("v1"), Some(there.digest.to_string()));
    let source = stage.remote(":v1").await.unwrap();
    stage
        .push_to(&stage.beside(), &source, &["v1"])
        .await
        .unwrap();
    assert_eq!(
        stage.registry.tag_digest("prod/api", "v1"),
        Some(there.digest.to_string())
    );
    let basic: Vec<_> = stage
        .registry
        .requests()
        .into_iter()
        .filter(|request| request.matches("GET", "/token"))
        .collect();
    assert!((2..=5).contains(&basic.len()), "{basic:#?}");
}

#[tokio::test]
async fn a_token_service_that_never_stops_is_left() {
    let stage = Stage::new(RegistryRules {
        sign_in: SignIn::Bearer,
        ..RegistryRules::default()
    })
    .await;
    stage.always("GET", "/token", Kind::Endless);
    let source = stage.image(&[b"layer"]).await;
    let asked = tokio::time::timeout(
        std::time::Duration::from_secs(20),
        stage.push(&source, &["v1"]),
    )
    .await
    .expect("an answer");
    let error = asked.expect_err("no token").to_string();
    assert!(
        error.contains("its token service: the answer is longer than 64 KiB"),
        "{error}"
    );
}
