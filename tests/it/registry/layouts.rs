//! OCI layouts: whole, verbatim, verified, and moved only where something is missing.

use std::error::Error;
use std::fs;
use std::process::Command;

use ecs_bluegreen::registry::{Digest, ManifestReference, Progress, SourceError, resolve};
use serde_json::json;

use super::bench::{Bench, Layout, OCI_INDEX, output, pushed, tags};

#[tokio::test]
async fn an_index_arrives_whole_and_verbatim_under_every_tag() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    let large = vec![5; 3 * 1024 * 1024 + 1];
    let children = [
        layout.image("amd64", &[b"shared", &large]),
        layout.image("arm64", &[b"shared", b""]),
    ];
    let index =
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).to_string();
    layout.index(&[("v1", layout.put(OCI_INDEX, index.as_bytes()))]);

    let source = bench.find("oci:out:v1").await.unwrap();
    assert_eq!(source.digest(), Some(&Digest::compute(index.as_bytes())));
    let (result, progress) = pushed(&source, &bench.target(), &["v1", "latest"]).await;
    let result = result.unwrap();

    assert_eq!((result.uploaded, result.existing), (5, 0));
    assert_eq!(
        result
            .facts
            .platforms()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["linux/amd64", "linux/arm64"]
    );
    assert_eq!(bench.skopeo(&["--raw"], "team/api:v1"), index.as_bytes());
    assert_eq!(
        bench.digest_at("team/api:latest"),
        result.digest.to_string()
    );
    for child in &children {
        let digest = child["digest"].as_str().unwrap();
        assert_eq!(bench.digest_at(&format!("team/api@{digest}")), digest);
    }
    assert_eq!(
        progress.last(),
        Some(&Progress::Tagged {
            tag: tags(&["latest"]).remove(0)
        }),
        "tags move last"
    );
}

#[tokio::test]
async fn what_is_there_is_not_moved_again() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    layout.index(&[("v1", layout.image("amd64", &[b"one"]))]);
    pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();

    let (again, _) = pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1", "v2"],
    )
    .await;
    let again = again.unwrap();
    assert_eq!(
        (again.uploaded, again.existing, again.bytes_moved),
        (0, 2, 0)
    );
    assert_eq!(bench.digest_at("team/api:v2"), again.digest.to_string());

    layout.index(&[("v1", layout.image("amd64", &[b"one", b"two!"]))]);
    let (more, _) = pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await;
    let more = more.unwrap();
    assert_eq!((more.uploaded, more.existing, more.bytes_moved), (1, 2, 4));
}

#[tokio::test]
async fn without_tags_the_image_is_there_by_digest() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    layout.index(&[("v1", layout.image("amd64", &[b"one"]))]);
    let (result, _) = pushed(&bench.find("oci:out").await.unwrap(), &bench.target(), &[]).await;
    let digest = result.unwrap().digest;
    assert!(bench.has(&format!("team/api@{digest}")));
}

#[tokio::test]
async fn a_layout_that_skopeo_wrote_keeps_its_digest() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    layout.index(&[("v1", layout.image("amd64", &[b"one"]))]);
    pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    let from = format!("docker://127.0.0.1:{}/team/api:v1", bench.port);
    let to = format!("oci:{}:copy", bench.path("copied").display());
    output(Command::new("skopeo").args([
        "copy",
        "--preserve-digests",
        "--src-tls-verify=false",
        &from,
        &to,
    ]));

    let (result, _) = pushed(
        &bench.find("oci:copied:copy").await.unwrap(),
        &bench.target(),
        &["copy"],
    )
    .await;
    assert_eq!(
        result.unwrap().digest.to_string(),
        bench.digest_at("team/api:v1")
    );
}

#[tokio::test]
async fn a_garbled_layer_never_becomes_an_image() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    let layer = vec![1; 1024 * 1024];
    layout.index(&[("v1", layout.image("amd64", &[&layer]))]);
    let mut garbled = layer.clone();
    garbled[700_000] = 2;
    fs::write(layout.blob(&layer), garbled).unwrap();

    let (result, progress) = pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await;
    let error = result.unwrap_err();
    let (source, blob) = (
        error.source().unwrap(),
        error.source().unwrap().source().unwrap(),
    );
    assert_eq!(
        (error.to_string(), source.to_string()),
        (
            "the image cannot be read".into(),
            "a part of the image is missing or damaged".into()
        )
    );
    assert!(blob.to_string().contains("is garbled"), "{blob}");
    assert!(
        !progress
            .iter()
            .any(|progress| matches!(progress, Progress::Waiting { .. })),
        "it would be as garbled again"
    );
    assert!(!bench.has("team/api:v1"));
}

#[tokio::test]
async fn a_missing_child_is_found_before_anything_is_written() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    let child = layout.image("amd64", &[b"one"]);
    let index =
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}).to_string();
    layout.index(&[("v1", layout.put(OCI_INDEX, index.as_bytes()))]);
    let hex = child["digest"]
        .as_str()
        .unwrap()
        .trim_start_matches("sha256:");
    fs::remove_file(bench.path("out/blobs/sha256").join(hex)).unwrap();
    assert!(matches!(
        bench.find("oci:out").await,
        Err(SourceError::Blob(_))
    ));
}

#[tokio::test]
async fn names_resolve_to_digests_or_to_nothing() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    layout.index(&[("v1", layout.image("amd64", &[b"one"]))]);
    let (result, _) = pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await;
    let digest = result.unwrap().digest;
    let (v1, v2, target) = (
        tags(&["v1"]).remove(0),
        tags(&["v2"]).remove(0),
        bench.target(),
    );
    assert_eq!(
        resolve(&target, ManifestReference::Tag(&v1), &|_| ())
            .await
            .unwrap(),
        Some(digest.clone())
    );
    assert_eq!(
        resolve(&target, ManifestReference::Digest(&digest), &|_| ())
            .await
            .unwrap(),
        Some(digest)
    );
    assert_eq!(
        resolve(&target, ManifestReference::Tag(&v2), &|_| ())
            .await
            .unwrap(),
        None
    );
}
