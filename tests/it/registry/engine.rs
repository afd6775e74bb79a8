//! Images of the local Docker engine, pulled back, compared and run; and what other engines would
//! export, replayed.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use ecs_bluegreen::registry::{Digest, Progress, Pushed, SourceError, find};
use serde_json::json;

use super::bench::{Bench, Layout, OCI_INDEX, output, pushed, target};
use super::replay::{Replay, packed};

/// Whether an engine answers. Where tests must be whole (CI), one has to.
pub(super) fn engine() -> bool {
    let there = UnixStream::connect("/var/run/docker.sock").is_ok();
    assert!(
        there || std::env::var_os("CI").is_none(),
        "CI needs a Docker engine"
    );
    there
}

/// Builds an image from nothing that runs: a config, a program, twice the same layer, and what is
/// asked for.
pub(super) fn build(bench: &Bench, name: &str, more: &str) -> String {
    let context = bench.path("context");
    fs::create_dir_all(&context).unwrap();
    fs::copy("/usr/bin/tini-static", context.join("init")).expect("docker.io brings tini-static");
    fs::write(context.join("small"), "same").unwrap();
    let lines = format!(
        "FROM scratch\nCOPY init /init\nCOPY small /a\nCOPY small /a\n{more}ENTRYPOINT [\"/init\", \"--version\"]\n"
    );
    fs::write(context.join("Dockerfile"), lines).unwrap();
    // The same files make the same layers, whenever they are built and whatever an engine has in
    // its cache.
    for file in fs::read_dir(&context).unwrap() {
        let file = fs::File::options()
            .write(true)
            .open(file.unwrap().path())
            .unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
            .unwrap();
    }
    output(
        Command::new("docker")
            .env("DOCKER_BUILDKIT", "0")
            .args(["build", "--quiet", "--no-cache", "--tag", name])
            .arg(&context),
    );
    id(name)
}

pub(super) fn id(name: &str) -> String {
    let id = output(Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", name]));
    String::from_utf8(id).unwrap().trim().to_owned()
}

pub(super) fn remove(names: &[&str]) {
    output(
        Command::new("docker")
            .args(["image", "rm", "--force"])
            .args(names),
    );
}

/// Pulls an image that the engine does not have any more, runs it, and tells its id.
pub(super) fn pulled_and_run(bench: &Bench, reference: &str) -> String {
    let there = format!("127.0.0.1:{}/{reference}", bench.port);
    output(Command::new("docker").args(["pull", "--quiet", &there]));
    let said = output(Command::new("docker").args(["run", "--rm", "--network", "none", &there]));
    assert!(String::from_utf8(said).unwrap().contains("tini"));
    let id = id(&there);
    remove(&[&there]);
    id
}

fn was_read(progress: &[Progress]) -> bool {
    progress
        .iter()
        .any(|progress| matches!(progress, Progress::Reading { .. }))
}

fn counts(pushed: &Pushed) -> (usize, usize) {
    (pushed.uploaded, pushed.existing)
}

#[tokio::test]
async fn an_image_of_the_engine_arrives_as_the_engine_has_it() {
    if !engine() {
        return;
    }
    let bench = Bench::new();
    let name = format!("registry-test:{}", bench.port);
    let id_before = build(&bench, &name, "");
    let source = bench.find(&format!("docker-daemon:{name}")).await.unwrap();
    assert_eq!(
        source.facts(&|_| {}).await.unwrap().images[0].platform.os,
        "linux"
    );

    let (result, progress) = pushed(&source, &bench.target(), &["v1", "latest"]).await;
    let result = result.unwrap();
    assert_eq!(
        counts(&result),
        (3, 0),
        "a config and two layers, one of them used twice"
    );
    assert!(was_read(&progress));
    assert_eq!(
        bench.digest_at("team/api:latest"),
        result.digest.to_string()
    );

    remove(&[&name]);
    assert_eq!(pulled_and_run(&bench, "team/api:v1"), id_before);
    assert!(
        fs::read_dir(bench.dir.path()).unwrap().count() <= 3,
        "nothing is left in the temporary directory"
    );
}

#[tokio::test]
async fn an_image_that_is_there_is_not_exported_and_of_a_changed_one_only_what_is_new_is_sent() {
    if !engine() {
        return;
    }
    let bench = Bench::new();
    let (old, new) = (
        format!("registry-old:{}", bench.port),
        format!("registry-new:{}", bench.port),
    );
    build(&bench, &old, "");
    let source = bench.find(&old).await.unwrap();
    let first = pushed(&source, &bench.target(), &["v1"]).await.0.unwrap();

    let (again, progress) = pushed(&source, &bench.target(), &["v1"]).await;
    let again = again.unwrap();
    assert_eq!(
        (counts(&again), again.bytes_moved, &again.digest),
        ((0, 3), 0, &first.digest)
    );
    assert!(!was_read(&progress), "nothing is exported");

    fs::write(bench.path("context/more"), "more").unwrap();
    let id_before = build(&bench, &new, "COPY more /more\n");
    let changed = pushed(&bench.find(&new).await.unwrap(), &bench.target(), &["v1"])
        .await
        .0
        .unwrap();
    assert_eq!(
        counts(&changed),
        (2, 2),
        "the layer and the config that are new"
    );
    remove(&[&old, &new]);
    assert_eq!(pulled_and_run(&bench, "team/api:v1"), id_before);
}

#[tokio::test]
async fn what_is_sent_is_gzip_to_everybody() {
    if !engine() {
        return;
    }
    let bench = Bench::new();
    let name = format!("registry-gzip:{}", bench.port);
    build(&bench, &name, "");
    pushed(&bench.find(&name).await.unwrap(), &bench.target(), &["v1"])
        .await
        .0
        .unwrap();
    remove(&[&name]);

    let from = format!("docker://127.0.0.1:{}/team/api:v1", bench.port);
    // skopeo unpacks every layer to compare it with the config, and packs it again.
    let to = format!("oci:{}:copy", bench.path("copy").display());
    output(Command::new("skopeo").args([
        "copy",
        "--src-tls-verify=false",
        "--dest-oci-accept-uncompressed-layers",
        "--dest-compress-level=9",
        &from,
        &to,
    ]));
    let dir = format!("dir:{}", bench.path("dir").display());
    output(Command::new("skopeo").args(["copy", "--src-tls-verify=false", &from, &dir]));
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(bench.path("dir/manifest.json")).unwrap()).unwrap();
    for layer in manifest["layers"].as_array().unwrap() {
        let file = bench.path("dir").join(
            layer["digest"]
                .as_str()
                .unwrap()
                .trim_start_matches("sha256:"),
        );
        let plain = output(
            Command::new("gzip")
                .arg("--decompress")
                .arg("--stdout")
                .stdin(fs::File::open(file).unwrap()),
        );
        assert!(plain.len().is_multiple_of(512) && !plain.is_empty());
    }
}

/// A config and its layers as archives, and the engine's id of it.
fn image(layers: &[&[u8]]) -> (String, Digest) {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::compute(layer)).collect();
    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string();
    let id = Digest::compute(config.as_bytes());
    (config, id)
}

/// What Docker exports from its own store from 25 on: a layout whose manifest leaves out the
/// layers, and `manifest.json`.
pub(super) fn export_of_docker_25(layers: &[&[u8]]) -> (Vec<u8>, Digest) {
    let (config, id) = image(layers);
    let blob = |content: &[u8]| format!("blobs/sha256/{}", Digest::compute(content).hex());
    let described = |media_type: &str, content: &[u8]| json!({"mediaType": media_type, "digest": Digest::compute(content), "size": content.len()});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": super::bench::OCI_MANIFEST,
        "config": described("application/vnd.oci.image.config.v1+json", config.as_bytes()), "layers": [],
    })
    .to_string();
    let index = json!({"schemaVersion": 2, "manifests": [described(super::bench::OCI_MANIFEST, manifest.as_bytes())]}).to_string();
    let names: Vec<String> = layers.iter().map(|layer| blob(layer)).collect();
    let saved =
        json!([{"Config": blob(config.as_bytes()), "RepoTags": ["api:1"], "Layers": names}])
            .to_string();
    let mut files: Vec<(String, &[u8])> =
        layers.iter().map(|layer| (blob(layer), *layer)).collect();
    files.extend([
        (blob(config.as_bytes()), config.as_bytes()),
        (blob(manifest.as_bytes()), manifest.as_bytes()),
    ]);
    files.sort();
    files.dedup();
    files.extend([
        ("index.json".to_owned(), index.as_bytes()),
        ("manifest.json".to_owned(), saved.as_bytes()),
    ]);
    files.push((
        "oci-layout".to_owned(),
        br#"{"imageLayoutVersion":"1.0.0"}"#,
    ));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), *content))
        .collect();
    (packed(&files), id)
}

#[tokio::test]
async fn an_export_that_names_layers_by_their_content_is_read_only_as_far_as_it_is_new() {
    let bench = Bench::new();
    let layers: Vec<Vec<u8>> = (0..3_u8)
        .map(|n| packed(&[("file", &vec![n; 3_000_000])]))
        .collect();
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    let (export, id) = export_of_docker_25(&layers[..2]);
    let replay = Replay::new(&bench, &id, &layers[..2], export);
    let first = pushed(
        &replay.find(&bench).await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(counts(&first), (3, 0));

    let (export, id) = export_of_docker_25(&layers);
    let replay = Replay::new(&bench, &id, &layers, export);
    let second = pushed(
        &replay.find(&bench).await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(counts(&second), (2, 2));
    assert_eq!(
        replay.asked(),
        [
            "GET /v1.44/images/api:1/json",
            &format!("GET /v1.44/images/{id}/get")
        ]
    );
}

#[tokio::test]
async fn an_engine_that_keeps_images_compressed_gives_them_as_they_are() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("export"));
    let (shared, own) = (b"\x1f\x8bshared".as_slice(), b"\x1f\x8bown".as_slice());
    let children = |layer: &[u8]| {
        let attestation = layout.image(
            "unknown",
            &[br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#],
        );
        let mut attestation = attestation;
        attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        [layout.image("amd64", &[shared, layer]), attestation]
    };
    let push_index = async |layer: &[u8]| {
        let index =
            json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children(layer)})
                .to_string();
        layout.index(&[("v1", layout.put(OCI_INDEX, index.as_bytes()))]);
        let id = Digest::compute(index.as_bytes());
        let replay = Replay::new(&bench, &id, &[], Replay::archived(&bench.path("export")));
        let (result, progress) = pushed(
            &replay.find(&bench).await.unwrap(),
            &bench.target(),
            &["v1"],
        )
        .await;
        (result.unwrap(), progress, id, replay)
    };
    let (first, progress, id, _) = push_index(b"\x1f\x8bold").await;
    assert_eq!((&first.digest, counts(&first)), (&id, (5, 0)));
    assert!(was_read(&progress) || first.bytes_moved < 1024 * 1024);
    assert_eq!(first.facts.images.len(), 1, "an attestation runs nowhere");

    let (again, _, _, replay) = push_index(b"\x1f\x8bold").await;
    assert_eq!(
        (&again.digest, again.uploaded, replay.asked().len()),
        (&id, 0, 1),
        "nothing is exported"
    );

    let (second, _, id, _) = push_index(own).await;
    assert_eq!(
        (&second.digest, second.uploaded),
        (&id, 1),
        "its one new layer"
    );
    assert_eq!(bench.digest_at("team/api:v1"), id.to_string());
}

#[tokio::test]
async fn an_engine_that_does_not_know_the_version_is_asked_in_its_own() {
    let bench = Bench::new();
    let layer = packed(&[("file", b"content")]);
    let (export, id) = export_of_docker_25(&[&layer]);
    let replay = Replay::new(&bench, &id, &[&layer], export).speaking("1.41");
    let source = replay.find(&bench).await.unwrap();
    pushed(&source, &bench.target(), &["v1"]).await.0.unwrap();
    let asked = [
        "GET /v1.44/images/api:1/json".to_owned(),
        "GET /v1.41/images/api:1/json".to_owned(),
        format!("GET /v1.41/images/{id}/get"),
    ];
    assert_eq!(replay.asked(), asked);
}

#[tokio::test]
async fn a_garbled_or_truncated_export_never_becomes_an_image() {
    let bench = Bench::new();
    let layer = packed(&[("file", &vec![1; 100_000])]);
    let (export, id) = export_of_docker_25(&[&layer]);
    let mut garbled = export.clone();
    // In the middle of the layer, which is the largest thing by far.
    garbled[60_000] ^= 1;
    for (export, sentence) in [
        (garbled, "has the content"),
        (
            export[..60_000].to_vec(),
            "it breaks off: its end is missing",
        ),
    ] {
        let replay = Replay::new(&bench, &id, &[&layer], export);
        let (result, _) = pushed(
            &replay.find(&bench).await.unwrap(),
            &target(bench.port),
            &["v1"],
        )
        .await;
        let error = std::error::Error::source(&result.unwrap_err())
            .unwrap()
            .to_string();
        assert!(error.contains(sentence), "{error}");
        assert!(!bench.has("team/api:v1"));
    }
}

#[tokio::test]
async fn what_the_engine_does_not_have_is_said() {
    if !engine() {
        return;
    }
    let error = Bench::new().find("no-such-image:v0").await.unwrap_err();
    assert!(matches!(error, SourceError::NotInEngine { .. }));
    assert_eq!(
        error.to_string(),
        "the Docker engine has no image `no-such-image:v0`"
    );
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_said() {
    let bench = Bench::new();
    let error = find(
        &"api:1".parse().unwrap(),
        &bench.sources(Path::new("/nowhere/docker.sock")),
        &|_| {},
    )
    .await
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no Docker engine: nothing is at /nowhere/docker.sock"
    );
    assert!(error.hint().is_some());
}
