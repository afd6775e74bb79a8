//! What only a stage could show: silent refusals, silent registries, and bytes that are not those
//! that were announced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ecs_bluegreen::registry::{Credentials, PushError, Renewal, Target};
use ecs_bluegreen::secret::Secret;
use ecs_bluegreen_sim::world::registry::{MissingRepository, RegistryRules};

use super::interrupted::{a_silent_minute, one, reading};
use super::stage::{Kind, Stage, chain};

#[tokio::test]
async fn a_config_that_does_not_come_is_asked_for_again_after_a_minute() {
    for kind in [Kind::Stalls, Kind::StallsAfter(1)] {
        let stage = reading().await;
        let (image, _) = one(&stage).await;
        stage.push(&image, &["v1"]).await.unwrap();
        stage.fault("GET", "/storage/", kind.clone());
        let source = stage.remote(":v1").await.unwrap();
        let report = stage.report();
        let facts = tokio::select! {
            facts = source.facts(&report) => facts.unwrap_or_else(|error| panic!("{kind:?}: {}", chain(&error))),
            () = a_silent_minute(&stage, "GET", "/storage/") => panic!("it waits for ever: {kind:?}"),
        };
        assert_eq!(facts.platforms().count(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_missing_repository_that_cuts_uploads_is_named() {
    let stage = Stage::empty(RegistryRules {
        missing_repository: MissingRepository::CutOff,
        ..RegistryRules::ecr()
    })
    .await;
    let error = stage
        .push(&stage.image(&[b"one"]).await, &["v1"])
        .await
        .unwrap_err();
    assert!(
        matches!(error, PushError::RepositoryMissing { .. }),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn a_manifest_by_tag_whose_bytes_are_not_those_that_were_announced_is_read_again() {
    let stage = Stage::ecr().await;
    let there = stage.push(&stage.index().await, &["v1"]).await.unwrap();
    stage.fault("GET", "/manifests/v1", Kind::WrongBytes);
    let source = stage
        .remote(":v1")
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(source.digest(), Some(&there.digest));
}

#[tokio::test]
async fn a_token_that_expires_at_any_request_is_renewed() {
    // Credentials that are gone after less than what is asked at once would be none.
    for last in 4..=12 {
        let stage = Arc::new(
            Stage::new(RegistryRules {
                credentials_last: Some(last),
                ..RegistryRules::ecr()
            })
            .await,
        );
        let (registry, renewed) = (Arc::clone(&stage), Arc::new(AtomicUsize::new(0)));
        let renewal = Renewal::new(move || {
            let number = renewed.fetch_add(1, Ordering::Relaxed);
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
        let source = stage.image(&[b"one"]).await;
        let pushed = stage
            .push_to(&to, &source, &["v1"])
            .await
            .unwrap_or_else(|error| panic!("after {last} requests: {}", chain(&error)));
        assert_eq!(
            stage.tagged("v1"),
            Some(pushed.digest.to_string()),
            "after {last} requests"
        );
    }
}
