use super::*;
use crate::descriptor::{OCI_INDEX, OCI_MANIFEST};
use crate::digest::Digest;
use serde_json::{Value, json};

/// A layout with one image of one layer, which tests then damage.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(bench.path("blobs/sha256")).unwrap();
        fs::write(
            bench.path("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write_blob(&self, media_type: &str, content: &str) -> Value {
        let digest = Digest::compute(content.as_bytes());
        fs::write(self.path("blobs/sha256").join(digest.hex()), content).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": content.len()})
    }

    fn write_image(&self, architecture: &str) -> Value {
        let text = format!(
            r#"{{"os":"linux","architecture":"{architecture}","config":{{"Labels":{{"a":"b"}}}}}}"#
        );
        let config = self.write_blob("application/vnd.oci.image.config.v1+json", &text);
        let layer = self.write_blob("application/vnd.oci.image.layer.v1.tar+gzip", "layer");
        self.write_blob(
            OCI_MANIFEST,
            &json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
        )
    }

    fn write_index(&self, images: &[(Value, &str)]) {
        let named = |(image, name): &(Value, &str)| {
            let mut image = image.clone();
            image["annotations"] = json!({"org.opencontainers.image.ref.name": name});
            image
        };
        let manifests: Vec<Value> = images.iter().map(named).collect();
        fs::write(
            self.path("index.json"),
            json!({"schemaVersion": 2, "manifests": manifests}).to_string(),
        )
        .unwrap();
    }

    fn read(&self, tag: Option<&str>) -> Result<Image, SourceError> {
        read_layout(self.dir.path(), tag)
    }

    fn refusal_message(&self) -> String {
        let error = self.read(None).unwrap_err();
        std::error::Error::source(&error)
            .map_or(error.to_string(), |source| format!("{error}: {source}"))
    }

    fn blob_path(&self, content: &str) -> PathBuf {
        self.path("blobs/sha256")
            .join(Digest::compute(content.as_bytes()).hex())
    }
}

#[test]
fn one_image_is_read_with_config_and_layer() {
    let bench = Bench::new();
    bench.write_index(&[(bench.write_image("amd64"), "v1")]);
    let image = bench.read(None).unwrap();
    assert_eq!((image.manifests.len(), image.blobs.len()), (1, 2));
    assert_eq!(image.facts.images[0].platform.to_string(), "linux/amd64");
}

#[test]
fn an_index_comes_whole_children_first_and_shared_blobs_once() {
    let bench = Bench::new();
    let children = json!({"schemaVersion": 2, "manifests": [bench.write_image("amd64"), bench.write_image("arm64")]});
    bench.write_index(&[(bench.write_blob(OCI_INDEX, &children.to_string()), "v1")]);
    let image = bench.read(Some("v1")).unwrap();
    assert_eq!((image.manifests.len(), image.blobs.len()), (3, 3));
    assert_eq!(image.manifests[2].media_type.as_str(), OCI_INDEX);
    assert_eq!(image.facts.images.len(), 2);
}

#[test]
fn the_tag_chooses_and_without_one_there_must_be_one_image() {
    let bench = Bench::new();
    bench.write_index(&[
        (bench.write_image("amd64"), "v1"),
        (bench.write_image("arm64"), "v2"),
    ]);
    assert_eq!(
        bench.read(Some("v2")).unwrap().facts.images[0]
            .platform
            .architecture,
        "arm64"
    );
    assert!(
        bench
            .read(Some("v3"))
            .unwrap_err()
            .to_string()
            .ends_with("has no image `v3`; there are: v1, v2")
    );
    assert!(
        bench
            .refusal_message()
            .ends_with("holds several images: v1, v2")
    );
    let (api, worker) = (bench.write_image("amd64"), bench.write_image("arm64"));
    for images in [
        [(&api, "v1"), (&api, "latest"), (&worker, "worker")],
        [(&worker, "worker"), (&api, "v1"), (&api, "latest")],
    ] {
        bench.write_index(&images.map(|(image, name)| (image.clone(), name)));
        assert!(
            bench.refusal_message().contains("holds several images"),
            "{}",
            bench.refusal_message()
        );
        assert_eq!(
            bench.read(Some("latest")).unwrap().facts.images[0]
                .platform
                .architecture,
            "amd64"
        );
    }
    bench.write_index(&[(api.clone(), "v1"), (api.clone(), "latest"), (api, "other")]);
    assert!(bench.read(None).is_ok());
    fs::write(
        bench.path("index.json"),
        r#"{"schemaVersion":2,"annotations":null,"manifests":null}"#,
    )
    .unwrap();
    assert!(
        bench.refusal_message().ends_with("holds no image"),
        "{}",
        bench.refusal_message()
    );
    bench.write_index(&[]);
    assert!(bench.refusal_message().ends_with("holds no image"));
}

#[test]
fn missing_truncated_and_garbled_contents_are_refused() {
    let bench = Bench::new();
    bench.write_index(&[(bench.write_image("amd64"), "v1")]);
    fs::write(bench.blob_path("layer"), "lay").unwrap();
    assert!(
        bench
            .refusal_message()
            .contains("has 3 bytes where 5 were announced"),
        "{}",
        bench.refusal_message()
    );
    fs::remove_file(bench.blob_path("layer")).unwrap();
    assert!(
        bench.refusal_message().contains("cannot be read"),
        "{}",
        bench.refusal_message()
    );
    bench.write_image("amd64");
    let config = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"a":"b"}}}"#;
    fs::write(bench.blob_path(config), config.replace('b', "c")).unwrap();
    assert!(
        bench.refusal_message().contains("is garbled"),
        "{}",
        bench.refusal_message()
    );
}

#[test]
fn what_leads_out_of_the_layout_is_refused() {
    let (bench, outside) = (Bench::new(), tempfile::NamedTempFile::new().unwrap());
    bench.write_index(&[(bench.write_image("amd64"), "v1")]);
    fs::write(outside.path(), "layer").unwrap();
    fs::remove_file(bench.blob_path("layer")).unwrap();
    std::os::unix::fs::symlink(outside.path(), bench.blob_path("layer")).unwrap();
    assert!(
        bench.refusal_message().contains("cannot be read"),
        "{}",
        bench.refusal_message()
    );
    let digest = "sha256:../../../../etc/passwd";
    fs::write(
        bench.path("index.json"),
        json!({"manifests": [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1}]})
            .to_string(),
    )
    .unwrap();
    assert!(
        bench.refusal_message().contains("is not a sha256 digest"),
        "{}",
        bench.refusal_message()
    );
}

#[test]
fn an_index_of_four_mebibytes_is_read_and_a_longer_one_is_not() {
    let bench = Bench::new();
    let index = |bytes: u64| {
        let mut text = br#"{"manifests":[]}"#.to_vec();
        text.resize(usize::try_from(bytes).unwrap(), b' ');
        fs::write(bench.path("index.json"), text).unwrap();
        bench.refusal_message()
    };
    let (longest, longer) = (index(MAX_DOCUMENT_BYTES), index(MAX_DOCUMENT_BYTES + 1));
    assert!(longest.ends_with("holds no image"), "{longest}");
    assert!(
        longer.ends_with("it has 4194305 bytes, too many for this file"),
        "{longer}"
    );
}

#[test]
fn what_is_no_layout_is_refused() {
    let bench = Bench::new();
    assert!(
        bench.refusal_message().contains("index.json"),
        "{}",
        bench.refusal_message()
    );
    fs::write(
        bench.path("oci-layout"),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .unwrap();
    assert!(
        bench.refusal_message().contains("its version is 2.0.0"),
        "{}",
        bench.refusal_message()
    );
    fs::write(bench.path("oci-layout"), "garbage").unwrap();
    assert!(
        bench.refusal_message().contains("oci-layout"),
        "{}",
        bench.refusal_message()
    );
    assert!(matches!(
        read_layout(&bench.path("nowhere"), None),
        Err(SourceError::LayoutMissing { .. })
    ));
}
