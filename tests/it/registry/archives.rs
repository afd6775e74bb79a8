//! Images in tar files: of a real engine, of a real skopeo, and of nobody who means well.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use ecs_bluegreen::registry::SourceError;
use serde_json::json;

use super::bench::{Bench, Layout, OCI_INDEX, output, pushed};
use super::engine::{build, engine, export_of_docker_25, pulled_and_run, remove};
use super::replay::{Replay, packed};

/// An error with its causes, on one line.
fn sentence(error: &SourceError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

fn gzip(from: &Path, to: &Path) {
    fs::write(
        to,
        output(Command::new("gzip").arg("--fast").arg("--stdout").arg(from)),
    )
    .unwrap();
}

#[tokio::test]
async fn what_docker_saved_is_pushed_as_the_engine_would_have_it() {
    if !engine() {
        return;
    }
    let bench = Bench::new();
    let name = format!("registry-saved:{}", bench.port);
    let id = build(&bench, &name, "");
    output(
        Command::new("docker")
            .args(["save", "--output"])
            .arg(bench.path("saved.tar"))
            .arg(&name),
    );
    gzip(&bench.path("saved.tar"), &bench.path("saved.tar.gz"));
    let from_engine = pushed(
        &bench.find(&name).await.unwrap(),
        &bench.target(),
        &["engine"],
    )
    .await
    .0
    .unwrap();
    remove(&[&name]);

    let other = Bench::new();
    let archive = format!("docker-archive:{}", bench.path("saved.tar").display());
    let first = pushed(
        &other.find(&archive).await.unwrap(),
        &other.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(
        (first.uploaded, first.existing, &first.digest),
        (3, 0, &from_engine.digest)
    );
    assert_eq!(pulled_and_run(&other, "team/api:v1"), id);

    let archive = format!(
        "docker-archive:{}:{name}",
        bench.path("saved.tar.gz").display()
    );
    let again = pushed(
        &other.find(&archive).await.unwrap(),
        &other.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(
        (again.uploaded, again.existing, again.bytes_moved),
        (0, 3, 0)
    );
    let error = other
        .find(&format!(
            "docker-archive:{}:other",
            bench.path("saved.tar").display()
        ))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(&format!("has no image `other`; there are: {name}")),
        "{error}"
    );
    assert!(
        fs::read_dir(other.dir.path()).unwrap().count() <= 2,
        "nothing is left in the temporary directory"
    );
}

#[tokio::test]
async fn a_layout_in_an_archive_is_pushed_verbatim_plain_or_compressed() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    let large = vec![5; 3 * 1024 * 1024 + 1];
    let children = [
        layout.image("amd64", &[b"shared", &large]),
        layout.image("arm64", &[b"shared"]),
    ];
    let index =
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).to_string();
    layout.index(&[
        ("v1", layout.put(OCI_INDEX, index.as_bytes())),
        ("v2", children[0].clone()),
    ]);
    fs::write(bench.path("out.tar"), Replay::archived(&bench.path("out"))).unwrap();
    gzip(&bench.path("out.tar"), &bench.path("out.tar.gz"));

    let result = pushed(
        &bench.find("oci-archive:out.tar:v1").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(result.uploaded, 4);
    assert_eq!(bench.skopeo(&["--raw"], "team/api:v1"), index.as_bytes());
    let again = pushed(
        &bench.find("oci-archive:out.tar.gz:v1").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!((&again.digest, again.uploaded), (&result.digest, 0));
    let error = bench.find("oci-archive:out.tar").await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("out.tar holds several images: v1, v2"),
        "{error}"
    );
    let error = bench.find("docker-archive:out.tar").await.unwrap_err();
    assert!(
        sentence(&error).ends_with("cannot be used: it does not hold `manifest.json`"),
        "{}",
        sentence(&error)
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("an OCI archive is written oci-archive:FILE[:TAG]")
    );
}

#[tokio::test]
async fn archives_of_skopeo_are_read() {
    let bench = Bench::new();
    let layout = Layout::new(bench.path("out"));
    let layer = packed(&[("file", &vec![7; 100_000])]);
    let gzipped = {
        fs::write(bench.path("layer.tar"), &layer).unwrap();
        output(
            Command::new("gzip")
                .arg("--stdout")
                .arg(bench.path("layer.tar")),
        )
    };
    layout.index(&[("v1", layout.image_of("amd64", &[&layer], &[&gzipped]))]);
    let from = format!("oci:{}:v1", bench.path("out").display());
    for (transport, file) in [
        ("oci-archive", "skopeo-oci.tar"),
        ("docker-archive", "skopeo-docker.tar"),
    ] {
        let to = format!("{transport}:{}:api:1", bench.path(file).display());
        output(Command::new("skopeo").args(["copy", &from, &to]));
        let source = bench
            .find(&format!("{transport}:{file}:api:1"))
            .await
            .unwrap();
        pushed(&source, &bench.target(), &[transport])
            .await
            .0
            .unwrap();
        // skopeo reads every layer back and compares it with the config.
        let (from, to) = (
            format!("docker://127.0.0.1:{}/team/api:{transport}", bench.port),
            format!("dir:{}", bench.path(&format!("{file}.back")).display()),
        );
        output(Command::new("skopeo").args(["copy", "--src-tls-verify=false", &from, &to]));
    }
}

/// A docker-archive with one layer, as `docker save` of the old form has it.
fn saved(layer: &[u8], diff_id: &[u8]) -> Vec<(String, Vec<u8>)> {
    let diff_id = ecs_bluegreen::registry::Digest::compute(diff_id);
    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).to_string();
    let manifest =
        json!([{"Config": "config.json", "RepoTags": ["api:1"], "Layers": ["1/layer.tar"]}])
            .to_string();
    vec![
        ("1/layer.tar".to_owned(), layer.to_vec()),
        ("config.json".to_owned(), config.into_bytes()),
        ("manifest.json".to_owned(), manifest.into_bytes()),
    ]
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    packed(&files)
}

fn gzipped(bench: &Bench, content: &[u8]) -> Vec<u8> {
    fs::write(bench.path("plain"), content).unwrap();
    output(
        Command::new("gzip")
            .arg("--stdout")
            .arg(bench.path("plain")),
    )
}

#[tokio::test]
async fn a_manifest_that_leaves_its_layers_out_is_not_believed() {
    let bench = Bench::new();
    let layer = packed(&[("file", &vec![7; 100_000])]);
    let (export, _) = export_of_docker_25(&[&layer]);
    fs::write(bench.path("saved.tar"), export).unwrap();
    let result = pushed(
        &bench.find("docker-archive:saved.tar:api:1").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(result.uploaded, 2);
    let words = sentence(&bench.find("oci-archive:saved.tar").await.unwrap_err());
    assert!(
        words.ends_with("cannot be used: it has 0 layers and its config 1"),
        "{words}"
    );
}

#[tokio::test]
async fn compressed_layers_in_a_docker_archive_are_sent_as_they_are_after_they_were_checked() {
    let bench = Bench::new();
    let layer = packed(&[("file", &vec![7; 100_000])]);
    let packed_layer = gzipped(&bench, &layer);
    fs::write(
        bench.path("good.tar"),
        archive(&saved(&packed_layer, &layer)),
    )
    .unwrap();
    let good = pushed(
        &bench.find("docker-archive:good.tar").await.unwrap(),
        &bench.target(),
        &["v1"],
    )
    .await
    .0
    .unwrap();
    assert_eq!(good.uploaded, 2);
    let raw: serde_json::Value =
        serde_json::from_slice(&bench.skopeo(&["--raw"], "team/api:v1")).unwrap();
    assert_eq!(
        raw["layers"][0]["digest"],
        json!(ecs_bluegreen::registry::Digest::compute(&packed_layer))
    );
}

#[tokio::test]
async fn layers_that_are_not_what_the_config_says_are_refused() {
    let bench = Bench::new();
    let (layer, other) = (packed(&[("file", b"one")]), packed(&[("file", b"two")]));
    let zstd = [b"\x28\xb5\x2f\xfd".as_slice(), &[0; 600]].concat();
    let mut broken = gzipped(&bench, &layer);
    let middle = broken.len() / 2;
    broken[middle] ^= 0xff;
    let table = [
        (
            other.clone(),
            "`1/layer.tar` is garbled: its content has the digest",
        ),
        (
            gzipped(&bench, &other),
            "`1/layer.tar` is garbled: its content has the digest",
        ),
        (
            zstd,
            "the layer `1/layer.tar` is compressed with zstd, and nothing says which digest it must have",
        ),
        (
            b"{}".to_vec(),
            "the layer `1/layer.tar` is neither an archive nor a compressed one",
        ),
        (broken, "cannot be used"),
    ];
    for (content, expected) in table {
        fs::write(bench.path("bad.tar"), archive(&saved(&content, &layer))).unwrap();
        let (result, _) = pushed(
            &bench.find("docker-archive:bad.tar").await.unwrap(),
            &bench.target(),
            &["bad"],
        )
        .await;
        let error = result.unwrap_err();
        let words = sentence(error.source().unwrap().downcast_ref().unwrap());
        assert!(words.contains(expected), "{words}");
        assert!(!bench.has("team/api:bad"));
    }
}

#[tokio::test]
async fn archives_that_mean_no_good_are_refused_before_anything_is_sent() {
    let bench = Bench::new();
    let link = |name: &str, to: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, to).unwrap();
        builder.into_inner().unwrap()
    };
    let bomb = {
        let mut plain = fs::File::create(bench.path("plain")).unwrap();
        plain.write_all(&packed(&[("a", b"a")])[..1024]).unwrap();
        plain.set_len(300 * 1024 * 1024).unwrap();
        output(
            Command::new("gzip")
                .arg("--best")
                .arg("--stdout")
                .arg(bench.path("plain")),
        )
    };
    let good = archive(&saved(&packed(&[("file", b"one")]), b""));
    let zstd = b"\x28\xb5\x2f\xfd....".to_vec();
    let mut cut = gzipped(&bench, &good);
    cut.truncate(cut.len() / 2);
    let table = [
        (
            link("a", "../../etc/passwd"),
            "the link `a` leads out of it, to `../../etc/passwd`",
        ),
        (link("a", "a"), "the link `a` leads in a circle"),
        (
            archive(&[("a".into(), vec![]), ("./a".into(), vec![])]),
            "it holds `a` twice",
        ),
        (good[..700].to_vec(), "it breaks off: its end is missing"),
        (cut, "it breaks off: its end is missing"),
        (bomb, "times its size: that is no image"),
        (zstd, "it is compressed with zstd, and only gzip is read"),
        (b"text".to_vec(), "it is no tar archive, and no gzip of one"),
        (
            archive(&[("manifest.json".into(), b"[{}]".to_vec())]),
            "its `manifest.json` cannot be used",
        ),
        (
            archive(&[("manifest.json".into(), b"[]".to_vec())]),
            "holds no image",
        ),
        (
            archive(&saved(b"", b"")[1..]),
            "it does not hold `1/layer.tar`",
        ),
    ];
    for (content, expected) in table {
        fs::write(bench.path("bad.tar"), content).unwrap();
        let words = sentence(&bench.find("docker-archive:bad.tar").await.unwrap_err());
        assert!(words.contains(expected), "{words}");
    }
    assert!(
        sentence(&bench.find("docker-archive:.").await.unwrap_err()).ends_with("it is not a file")
    );
    assert!(
        sentence(&bench.find("oci-archive:nowhere.tar").await.unwrap_err())
            .contains("there is no image archive at")
    );
}
