//! Images for pushes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::digest::Digest;
use crate::source::{Source, Sources, find};

/// An OCI layout that is written for a test.
pub(super) struct Layout(TempDir);

impl Layout {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn write_blob(&self, media_type: &str, content: &str) -> Value {
        let digest = Digest::compute(content.as_bytes());
        let dir = self.0.path().join("blobs/sha256");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(digest.hex()), content).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": content.len()})
    }

    pub(super) fn write_image(&self, architecture: &str) -> Value {
        let config = json!({"os": "linux", "architecture": architecture}).to_string();
        let config = self.write_blob("application/vnd.oci.image.config.v1+json", &config);
        let layer = self.write_blob("application/vnd.oci.image.layer.v1.tar+gzip", "layer");
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
        self.write_blob(
            "application/vnd.oci.image.manifest.v1+json",
            &manifest.to_string(),
        )
    }

    pub(super) async fn find(&self, root: Value) -> Source {
        let dir = self.0.path();
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::write(
            dir.join("index.json"),
            json!({"schemaVersion": 2, "manifests": [root]}).to_string(),
        )
        .unwrap();
        let sources = Sources {
            engine_socket: Path::new("/nowhere").to_owned(),
            workspace: dir.to_owned(),
            temporary: dir.to_owned(),
            registry: None,
        };
        let reference = "oci:.".parse().unwrap();
        find(&reference, &sources, &|_| {}).await.unwrap()
    }
}
