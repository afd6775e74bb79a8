//! Whole archives in files: what is taken of them, and the sentence with which others are refused.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use flate2::Compression as Effort;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::blob::Blob;
use crate::descriptor::{
    DOCKER_MANIFEST, MediaType, OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST,
};
use crate::digest::Digest;
use crate::error::SourceError;
use crate::image::{Image, MAX_DOCUMENT_BYTES};
use crate::inventory::KnownContents;
use crate::manifest::Manifest;
use crate::progress::Progress;

/// An archive in a file, made of these files.
type Files = Vec<(String, Vec<u8>)>;

fn written(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

fn archived(files: &Files) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    build_archive(&files)
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Effort::best());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

fn docker(content: &[u8], name: Option<&str>) -> Result<DockerImage, SourceError> {
    read_docker(written(content).path(), name, &std::env::temp_dir())
}

fn sentence(error: &SourceError) -> String {
    std::error::Error::source(error).map_or(error.to_string(), ToString::to_string)
}

fn layer(content: &str) -> Vec<u8> {
    build_archive(&[("file", content.as_bytes())])
}

fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::compute(layer)).collect();
    json!({"os": "linux", "architecture": "arm64", "rootfs": {"diff_ids": diff_ids}})
        .to_string()
        .into_bytes()
}

fn blob_name(content: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::compute(content).hex())
}

fn described(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::compute(content), "size": content.len()})
}

/// An archive of one image, with these layers of these names in it.
fn saved(config: &[u8], layers: &[(&str, &[u8])]) -> Files {
    let names: Vec<&str> = layers.iter().map(|(name, _)| *name).collect();
    let manifest =
        json!([{"Config": "config.json", "RepoTags": ["api:1"], "Layers": names}]).to_string();
    let mut files = vec![
        ("manifest.json".to_owned(), manifest.into_bytes()),
        ("config.json".to_owned(), config.to_vec()),
    ];
    files.extend(
        layers
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.to_vec())),
    );
    files
}

/// The image, the blobs that were sent meanwhile, and the progress that was reported.
async fn opened(
    image: DockerImage,
    known: &KnownContents,
) -> Result<(Image, Vec<Blob>, Vec<Progress>), SourceError> {
    let DockerImage::Parts(image) = image else {
        panic!("it has its manifest");
    };
    assert_eq!(
        image
            .facts()
            .platforms()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["linux/arm64"]
    );
    let (blob_sender, mut handed) = mpsc::channel(99);
    let reported = Mutex::new(Vec::new());
    let opened = image
        .open(known, blob_sender, &|progress| {
            reported.lock().unwrap().push(progress);
        })
        .await?;
    let mut blobs = Vec::new();
    while let Ok(blob) = handed.try_recv() {
        blobs.push(blob);
    }
    Ok((opened, blobs, reported.into_inner().unwrap()))
}

#[tokio::test]
async fn layers_are_taken_plain_gzipped_and_as_zstd_under_their_digest() {
    let (plain, packed) = (layer("plain"), layer("packed"));
    let (gzip, zstd) = (gzipped(&packed), b"\x28\xb5\x2f\xfdzstd".to_vec());
    let config = config(&[&plain, &packed, &zstd]);
    let name = blob_name(&zstd);
    let layers: [(&str, &[u8]); 3] = [
        ("1/layer.tar", &plain),
        ("2/layer.tar.gz", &gzip),
        (&name, &zstd),
    ];
    let image = docker(&archived(&saved(&config, &layers)), None).unwrap();
    let (image, handed, reported) = opened(image, &KnownContents::default()).await.unwrap();
    let digests: Vec<&Digest> = handed.iter().map(|blob| &blob.digest).collect();
    assert_eq!(
        digests[1..],
        [&gzip, &zstd, &config]
            .map(|content| Digest::compute(content))
            .iter()
            .collect::<Vec<_>>()
    );
    for blob in &handed {
        let content = blob.read_all(MAX_DOCUMENT_BYTES).unwrap();
        assert_eq!(Digest::compute(&content), blob.digest);
    }
    assert_eq!((image.manifests.len(), image.blobs.len()), (1, 4));
    let sizes = layers.map(|(_, content)| content.len() as u64);
    let of = sizes.iter().sum::<u64>() + config.len() as u64;
    let read = |bytes: u64| Progress::Reading { bytes, of };
    assert_eq!(
        reported[..3],
        [
            read(sizes[0]),
            read(sizes[0] + sizes[1]),
            read(sizes[0] + sizes[1] + sizes[2])
        ]
    );
}

#[tokio::test]
async fn an_image_that_the_registry_has_is_neither_read_nor_sent() {
    let (there, foreign) = (layer("there"), layer("foreign"));
    let config = config(&[b"anything"]);
    let mut elsewhere = described(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        &foreign,
    );
    elsewhere["urls"] = json!(["https://elsewhere.example/"]);
    let text = json!({
        "config": described("application/vnd.docker.container.image.v1+json", &config),
        "layers": [
            described(OCI_LAYER_GZIP, &there),
            described(OCI_LAYER_GZIP, &there),
            elsewhere,
        ],
    });
    let manifest = Manifest::parse(
        text.to_string().into_bytes(),
        &MediaType::from_static(DOCKER_MANIFEST),
    )
    .unwrap();
    let mut known = KnownContents::default();
    known.add(manifest.clone());
    let image = docker(&archived(&saved(&config, &[("a", b"no layer")])), None).unwrap();
    let (image, handed, _) = opened(image, &known).await.unwrap();
    assert_eq!((handed.len(), image.blobs.len()), (0, 0));
    assert_eq!(image.manifests[0].digest, manifest.digest);
    let present: Vec<&Digest> = image
        .existing
        .iter()
        .map(|content| &content.digest)
        .collect();
    assert_eq!(
        present,
        [&config, &there]
            .map(|content| Digest::compute(content))
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(image.facts.images.len(), 1);
}

#[tokio::test]
async fn a_layer_that_is_not_the_one_of_the_config_is_refused() {
    let (promised, other) = (layer("promised"), layer("other"));
    let zstd = b"\x28\xb5\x2f\xfdzstd".to_vec();
    let config = config(&[&promised]);
    let table = [
        (other.clone(), "`a` is garbled: its content has the digest "),
        (
            gzipped(&other),
            "`a` is garbled: its content has the digest ",
        ),
        (
            zstd,
            "the layer `a` is compressed with zstd, and nothing says which digest it must have",
        ),
        (
            b"{}".to_vec(),
            "the layer `a` is neither an archive nor a compressed one",
        ),
    ];
    for (content, expected) in table {
        let image = docker(&archived(&saved(&config, &[("a", &content)])), None).unwrap();
        let error = opened(image, &KnownContents::default()).await.unwrap_err();
        assert!(
            sentence(&error).starts_with(expected),
            "{}",
            sentence(&error)
        );
    }
}

#[test]
fn a_name_chooses_and_without_one_there_must_be_one_image() {
    let (one, other) = (config(&[]), config(&[&layer("other")]));
    let images = json!([
        {"Config": "one.json", "RepoTags": ["api:1", "api:latest"]},
        {"Config": "one.json", "RepoTags": ["api:2"]},
        {"Config": "other.json", "Layers": ["a"]},
    ]);
    let files = vec![
        ("manifest.json".to_owned(), images.to_string().into_bytes()),
        ("one.json".to_owned(), one.clone()),
        ("other.json".to_owned(), other),
        ("a".to_owned(), layer("other")),
    ];
    let found = |name| docker(&archived(&files), name);
    for name in ["api:1", "api", "docker.io/library/api:2"] {
        let Ok(DockerImage::Parts(image)) = found(Some(name)) else {
            panic!("{name}");
        };
        assert_eq!(*image.config_digest(), Digest::compute(&one), "{name}");
    }
    for (name, expected) in [
        (None, " holds several images: api:1, api:2, other.json"),
        (Some("api:3"), "; there are: api:1, api:2, other.json"),
    ] {
        let error = found(name).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    let twice = json!([{"Config": "one.json"}, {"Config": "one.json"}]);
    let same = vec![
        ("manifest.json".to_owned(), twice.to_string().into_bytes()),
        ("one.json".to_owned(), one),
    ];
    assert!(docker(&archived(&same), None).is_ok());
}

#[test]
fn what_contradicts_itself_is_refused_each_with_its_sentence() {
    let config = config(&[&layer("one")]);
    let hex = Digest::compute(&config).hex().to_owned();
    let garbled = format!("{}.json", Digest::compute(b"another").hex());
    let named = |name: &str| {
        vec![
            (
                "manifest.json".to_owned(),
                json!([{"Config": name, "Layers": ["a"]}])
                    .to_string()
                    .into_bytes(),
            ),
            (name.to_owned(), config.clone()),
            ("a".to_owned(), layer("one")),
        ]
    };
    assert!(docker(&archived(&named(&format!("{hex}.json"))), None).is_ok());
    let blank = |bytes: u64| {
        let mut text = b"[]".to_vec();
        text.resize(usize::try_from(bytes).unwrap(), b' ');
        text
    };
    let wide = |bytes: u64| {
        let mut files = named("config.json");
        files[1].1.resize(usize::try_from(bytes).unwrap(), b' ');
        files
    };
    let manifest = |content: Vec<u8>| vec![("manifest.json".to_owned(), content)];
    assert!(docker(&archived(&wide(MAX_DOCUMENT_BYTES)), None).is_ok());
    let table = [
        (
            named(&garbled),
            format!("`{garbled}` is garbled: its content has the digest sha256:{hex} instead of"),
        ),
        (
            saved(&config, &[]),
            "its `manifest.json` cannot be used: it has 0 layers and the image's config 1"
                .to_owned(),
        ),
        (
            named("config.json")[..2].to_vec(),
            "it does not hold `a`".to_owned(),
        ),
        (Vec::new(), "it does not hold `manifest.json`".to_owned()),
        (
            manifest(b"[".to_vec()),
            "its `manifest.json` cannot be used: EOF".to_owned(),
        ),
        (
            manifest(blank(MAX_DOCUMENT_BYTES + 1)),
            "its `manifest.json` cannot be used: it has 4194305 bytes, too many".to_owned(),
        ),
        (
            wide(MAX_DOCUMENT_BYTES + 1),
            "its `config.json` cannot be used: it has 4194305 bytes, too many".to_owned(),
        ),
    ];
    for (files, expected) in table {
        let error = docker(&archived(&files), None).unwrap_err();
        assert!(
            sentence(&error).starts_with(&expected),
            "{}",
            sentence(&error)
        );
    }
    let none = docker(&archived(&manifest(blank(MAX_DOCUMENT_BYTES))), None).unwrap_err();
    assert!(matches!(none, SourceError::NotInArchive { .. }), "{none}");
}

/// A layout in an archive with an image of this layer, and `manifest.json` beside it; in an index
/// of its own where that is wanted.
fn complete(config: &[u8], media_type: &str, layer: &[u8], nested: bool) -> Files {
    let manifest = json!({
        "schemaVersion": 2,
        "config": described(OCI_CONFIG, config),
        "layers": [described(media_type, layer)],
    })
    .to_string()
    .into_bytes();
    let mut roots = json!([described(OCI_MANIFEST, &manifest)]);
    let mut files = saved(config, &[("a", layer)]);
    for content in [config, layer, &manifest] {
        files.push((blob_name(content), content.to_vec()));
    }
    if nested {
        // Another platform, of which nothing was saved.
        let lost = described(OCI_MANIFEST, b"lost");
        let index = json!({"schemaVersion": 2, "manifests": [lost, roots[0]]})
            .to_string()
            .into_bytes();
        roots = json!([described(OCI_INDEX, &index)]);
        files.push((blob_name(&index), index));
    }
    let index = json!({"manifests": roots}).to_string().into_bytes();
    files.push(("index.json".to_owned(), index));
    files.push((
        "oci-layout".to_owned(),
        br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
    ));
    files
}

#[test]
fn an_image_with_its_manifest_and_compressed_layers_is_taken_as_it_is() {
    let layer = layer("one");
    let (config, gzip) = (config(&[&layer]), gzipped(&layer));
    let plain = "application/vnd.oci.image.layer.v1.tar";
    for (files, expected) in [
        (complete(&config, OCI_LAYER_GZIP, &gzip, false), true),
        (complete(&config, OCI_LAYER_GZIP, &gzip, true), true),
        (complete(&config, plain, &layer, false), false),
    ] {
        let image = docker(&archived(&files), None).unwrap();
        let DockerImage::Complete(image) = image else {
            assert!(!expected);
            continue;
        };
        assert!(expected);
        assert_eq!((image.manifests.len(), image.blobs.len()), (1, 2));
    }
    let mut of_another = complete(&config, OCI_LAYER_GZIP, &gzip, false);
    of_another[1].1.push(b' ');
    assert!(matches!(
        docker(&archived(&of_another), None).unwrap(),
        DockerImage::Parts(_)
    ));
}

#[test]
fn a_layout_in_an_archive_is_pushed_as_it_is() {
    let layer = layer("one");
    let (config, gzip) = (config(&[&layer]), gzipped(&layer));
    let files = complete(&config, OCI_LAYER_GZIP, &gzip, false);
    let read = |files: &Files, tag: Option<&str>| {
        read_oci(written(&archived(files)).path(), tag, &std::env::temp_dir())
    };
    let image = read(&files, None).unwrap();
    assert_eq!((image.manifests.len(), image.blobs.len()), (1, 2));
    assert!(matches!(
        read(&files, Some("v1")),
        Err(SourceError::NotInArchive { .. })
    ));
    let changed = |name: &str, content: &[u8]| {
        let mut files = files.clone();
        files.retain(|(other, _)| other != name);
        files.push((name.to_owned(), content.to_vec()));
        sentence(&read(&files, None).unwrap_err())
    };
    assert_eq!(
        changed("oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#),
        "its `oci-layout` cannot be used: its version is 2.0.0, and 1.0.0 is what is known"
    );
    let short = changed(&blob_name(&gzip), b"1");
    assert!(
        short.contains(&format!("has 1 bytes where {} were announced", gzip.len())),
        "{short}"
    );
}

#[test]
fn names_with_a_dot_and_links_lead_to_their_file_and_circles_are_refused() {
    let config = config(&[]);
    let dotted = vec![
        (
            "manifest.json".to_owned(),
            br#"[{"Config":"./c.json"}]"#.to_vec(),
        ),
        ("c.json".to_owned(), config),
    ];
    assert!(docker(&archived(&dotted), None).is_ok());
    let mut builder = tar::Builder::new(Vec::new());
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "a", "a").unwrap();
    let circle = docker(&builder.into_inner().unwrap(), None).unwrap_err();
    assert_eq!(
        sentence(&circle),
        "the link `a` leads in a circle, or through more than 8 other links"
    );
}

#[test]
fn what_is_no_archive_is_refused_each_with_its_sentence() {
    let good = build_archive(&[("manifest.json", b"[]")]);
    let packed = gzipped(&good);
    let mut damaged = packed.clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    let padded = |start: &[u8]| [start, &[7; 600]].concat();
    // What is repeated is a mebibyte of zeros in a kilobyte.
    let bomb = gzipped(&vec![0; 1 << 20]).repeat(96);
    let limit = bomb.len() * 200 + 64 * 1024 * 1024;
    let no_archive = "it is no tar archive, and no gzip of one".to_owned();
    let table = [
        (good.clone(), String::new()),
        (packed.clone(), String::new()),
        (vec![0; 1024], "it does not hold `manifest.json`".to_owned()),
        (
            padded(b"\x28\xb5\x2f\xfd"),
            "it is compressed with zstd, and only gzip is read".to_owned(),
        ),
        (
            padded(b"\xfd7zXZ\0"),
            "it is compressed with xz, and only gzip is read".to_owned(),
        ),
        (
            padded(b"BZh"),
            "it is compressed with bzip2, and only gzip is read".to_owned(),
        ),
        (padded(b"text"), no_archive.clone()),
        (vec![0; 511], no_archive.clone()),
        (good[..511].to_vec(), no_archive.clone()),
        (Vec::new(), no_archive),
        (
            packed[..packed.len() - 9].to_vec(),
            "it breaks off: its end is missing".to_owned(),
        ),
        (damaged, "its gzip is damaged".to_owned()),
        (
            bomb.clone(),
            format!(
                "it unpacks to more than {limit} bytes, {} times its size: that is no image",
                limit / bomb.len()
            ),
        ),
    ];
    for (content, expected) in table {
        let error = docker(&content, None).unwrap_err();
        let found = match error {
            SourceError::NotInArchive { .. } => String::new(),
            other => sentence(&other),
        };
        assert_eq!(found, expected);
    }
    let refused = |path: &Path| sentence(&read_docker(path, None, path).unwrap_err());
    assert_eq!(refused(&std::env::temp_dir()), "it is not a file");
}

#[test]
fn a_hint_says_what_to_write_instead() {
    let missing = |name: &str| ArchiveError::Missing {
        name: name.to_owned(),
    };
    let table = [
        (missing("oci-layout"), Some("docker-archive:FILE")),
        (missing("manifest.json"), Some("oci-archive:FILE")),
        (missing("a"), None),
        (ArchiveError::Truncated, Some("write the archive again")),
        (ArchiveError::NotAFile, Some("oci:DIR")),
        (
            ArchiveError::Compressed("xz"),
            Some("uncompressed or with gzip"),
        ),
        (ArchiveError::NotAnArchive, None),
    ];
    for (error, expected) in table {
        let hint = error.hint();
        assert_eq!(hint.is_some(), expected.is_some(), "{error}");
        assert!(
            hint.unwrap_or_default()
                .contains(expected.unwrap_or_default()),
            "{error}: {hint:?}"
        );
    }
    let other = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert!(matches!(
        ArchiveError::from_io_error(other),
        ArchiveError::Unreadable(_)
    ));
}
