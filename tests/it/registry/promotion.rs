//! From registry to registry: what was tested is what runs, byte for byte, and nothing is moved
//! that is there.

use ecs_bluegreen::registry::{PushOptions, Pushed, Source, Target, find, push};
use serde_json::json;

use super::bench::{Bench, Layout, OCI_INDEX, pushed, tags, target};
use super::between::{Between, Fate};

/// A staging repository with an index of two platforms and an attestation, under the tag `v1`.
async fn staging() -> (Bench, String) {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    let mut attestation = layout.image("unknown", &[b"in-toto"]);
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let children = [
        layout.image("amd64", &[b"shared", b"one"]),
        layout.image("arm64", &[b"shared", b"two"]),
        attestation,
    ];
    let index = json!({"schemaVersion": 2, "x-new": true, "manifests": children});
    layout.index(&[(
        "v1",
        layout.put(OCI_INDEX, format!("{index:#}\n").as_bytes()),
    )]);
    let there = pushed(
        &bench.find("oci:out").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    (bench, there.digest.to_string())
}

/// The image of a repository, seen through a port.
async fn source(bench: &Bench, port: u16, name: &str) -> Source {
    let mut sources = bench.sources(std::path::Path::new("/nowhere"));
    sources.registry = Some(target(port));
    find(
        &format!("docker://127.0.0.1:{port}/team/{name}")
            .parse()
            .unwrap(),
        &sources,
        &|_| {},
    )
    .await
    .unwrap()
}

fn production(port: u16) -> Target {
    Target {
        repository: "prod/api".to_owned(),
        ..target(port)
    }
}

async fn promote(source: &Source, to: &Target, names: &[&str]) -> Pushed {
    let names = tags(names);
    push(
        source,
        to,
        PushOptions {
            tags: &names,
            ..PushOptions::default()
        },
        &|_| {},
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn an_image_goes_from_one_registry_to_another_verbatim_with_all_platforms_and_attestations() {
    let (bench, digest) = staging().await;
    let other = Bench::new();
    let source = source(&bench, bench.port, "api:v1").await;
    let platforms = source.facts(&|_| {}).await.unwrap();
    assert_eq!(
        platforms
            .platforms()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["linux/amd64", "linux/arm64"]
    );
    let pushed = promote(&source, &other.target(), &["v1", "latest"]).await;
    assert_eq!(
        (pushed.uploaded, pushed.mounted, pushed.existing),
        (7, 0, 0)
    );
    assert_eq!(other.digest_at("team/api:latest"), digest);
    assert_eq!(
        other.skopeo(&["--raw"], "team/api:v1"),
        bench.skopeo(&["--raw"], "team/api:v1")
    );
}

#[tokio::test]
async fn within_one_registry_blobs_are_mounted_and_none_is_read_or_sent() {
    let (bench, digest) = staging().await;
    let between = Between::new(bench.port, Box::new(|_, _| Fate::Pass));
    let source = source(&bench, between.port, "api:v1").await;
    let pushed = promote(&source, &production(between.port), &["v1"]).await;
    assert_eq!(
        (pushed.uploaded, pushed.mounted, pushed.bytes_moved),
        (0, 7, 0)
    );
    assert_eq!(
        (
            between.count("PUT", "/blobs/"),
            between.count("GET", "/blobs/")
        ),
        (0, 0)
    );
    assert_eq!(bench.digest_at("prod/api:v1"), digest);
}

#[tokio::test]
async fn where_the_registry_does_not_mount_the_upload_that_it_began_is_used() {
    let (bench, digest) = staging().await;
    // Without the question the registry just begins an upload, as ECR does where mounting is off.
    let between = Between::new(
        bench.port,
        Box::new(|head, _| match head.path.split_once("?mount=") {
            Some((path, _)) => Fate::PassAs(path.to_owned()),
            None => Fate::Pass,
        }),
    );
    let source = source(&bench, between.port, "api:v1").await;
    let pushed = promote(&source, &production(between.port), &["v1"]).await;
    assert_eq!(
        (pushed.uploaded, pushed.mounted, pushed.mount_refused),
        (7, 0, 7)
    );
    assert_eq!(
        between.count("POST", "/blobs/"),
        7,
        "no upload is begun twice"
    );
    assert_eq!(bench.digest_at("prod/api:v1"), digest);
}

#[tokio::test]
async fn a_new_tag_costs_one_get_and_one_put() {
    let (bench, digest) = staging().await;
    let between = Between::new(bench.port, Box::new(|_, _| Fate::Pass));
    let source = source(&bench, between.port, &format!("api@{digest}")).await;
    promote(&source, &target(between.port), &["stable"]).await;
    let seen: Vec<String> = between
        .seen()
        .iter()
        .map(|head| head.method.clone())
        .collect();
    assert_eq!(seen, ["GET", "PUT"]);
    assert_eq!(bench.digest_at("team/api:stable"), digest);
}

#[tokio::test]
async fn a_source_that_breaks_off_or_lies_is_read_again_and_never_believed() {
    let (bench, digest) = staging().await;
    let cut = std::sync::atomic::AtomicBool::new(false);
    let between = Between::new(
        bench.port,
        Box::new(move |head, _| {
            if head.is("GET", "/blobs/") && !cut.swap(true, std::sync::atomic::Ordering::Relaxed) {
                Fate::Cut(0)
            } else {
                Fate::Pass
            }
        }),
    );
    let other = Bench::new();
    let source = source(&bench, between.port, "api:v1").await;
    assert_eq!(
        promote(&source, &other.target(), &["v1"])
            .await
            .digest
            .to_string(),
        digest
    );
    assert_eq!(other.digest_at("team/api:v1"), digest);
}
