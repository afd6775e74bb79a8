//! Writes an image layout: one layer with the binary, the same for all versions, and one with the
//! version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::SampleFault;
use crate::world::digest::{Digest, Hasher};
use crate::world::image::manifest::local_architecture;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What the image is made of.
#[derive(Debug, Clone)]
pub struct SampleImage {
    /// The static binary.
    pub binary: PathBuf,
    /// `APP_VERSION`, and the layout's tag.
    pub version: String,
    /// `APP_FAULT`.
    pub fault: SampleFault,
}

/// A file of an image beside the binary.
#[derive(Debug, Clone)]
pub struct ImageFile {
    /// Its path, from the root, without the first slash.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Where commands of an image with files of its own run.
const WORKING_DIRECTORY: &str = "/srv";

/// Where a blob is, and what its bytes were before they were compressed.
struct Layer {
    descriptor: Value,
    diff_id: String,
}

/// Writes the layout into a folder, which may hold one already: then it is replaced. Returns the
/// manifest's digest, `sha256:…`.
pub fn write_layout(image: &SampleImage, folder: &Path) -> io::Result<String> {
    write_layout_with(image, &[], folder)
}

/// The same with files beside the binary. A command replaces the binary then: `/srv` is the folder
/// in which it runs, and programs are found in `/usr/local/bin`.
pub fn write_layout_with(
    image: &SampleImage,
    files: &[ImageFile],
    folder: &Path,
) -> io::Result<String> {
    let blobs = folder.join("blobs/sha256");
    if blobs.exists() {
        fs::remove_dir_all(&blobs)?;
    }
    fs::create_dir_all(&blobs)?;
    let mut layers = vec![
        write_layer(&blobs, "sample-app", 0o755, &fs::read(&image.binary)?)?,
        write_layer(
            &blobs,
            "version",
            0o644,
            format!("{}\n", image.version).as_bytes(),
        )?,
    ];
    for file in files {
        layers.push(write_layer(&blobs, &file.path, file.mode, &file.content)?);
    }
    let mut config = image_config(image, &layers);
    if !files.is_empty() {
        config["config"]["Cmd"] = config["config"]["Entrypoint"].take();
        config["config"]["WorkingDir"] = WORKING_DIRECTORY.into();
    }
    let config = write_json(&blobs, CONFIG, &config)?;
    let layers: Vec<Value> = layers.into_iter().map(|layer| layer.descriptor).collect();
    let mut manifest = write_json(
        &blobs,
        MANIFEST,
        &json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers }),
    )?;
    let digest = manifest
        .get("digest")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if let Some(descriptor) = manifest.as_object_mut() {
        descriptor.insert(
            "platform".to_owned(),
            json!({ "architecture": local_architecture(), "os": "linux" }),
        );
        descriptor.insert(
            "annotations".to_owned(),
            json!({ "org.opencontainers.image.ref.name": image.version }),
        );
    }
    fs::write(
        folder.join("index.json"),
        json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string(),
    )?;
    fs::write(
        folder.join("oci-layout"),
        json!({ "imageLayoutVersion": "1.0.0" }).to_string(),
    )?;
    Ok(digest)
}

/// What `examples/app/Dockerfile` says, in OCI's words.
fn image_config(image: &SampleImage, layers: &[Layer]) -> Value {
    let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": local_architecture(),
        "os": "linux",
        "config": {
            "Env": [format!("APP_VERSION={}", image.version), format!("APP_FAULT={}", image.fault.as_str())],
            "Entrypoint": ["/sample-app"],
            "ExposedPorts": { "8080/tcp": {} },
            "Labels": { "org.opencontainers.image.version": image.version },
        },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": layers.iter().map(|_| json!({ "created": "1970-01-01T00:00:00Z", "created_by": "ecs-bluegreen-sim" })).collect::<Vec<_>>(),
    })
}

/// A gzipped tar of one file, without anything that changes from build to build.
fn write_layer(blobs: &Path, name: &str, mode: u32, content: &[u8]) -> io::Result<Layer> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::fast());
    let mut tar = tar::Builder::new(Hasher::new(gzip));
    tar.append_data(&mut header, name, content)?;
    let (diff_id, _, gzip) = tar.into_inner()?.finish();
    let descriptor = write_blob(blobs, LAYER, &gzip.finish()?)?;
    Ok(Layer {
        descriptor,
        diff_id: diff_id.to_string(),
    })
}

fn write_json(blobs: &Path, media_type: &str, value: &Value) -> io::Result<Value> {
    write_blob(blobs, media_type, value.to_string().as_bytes())
}

fn write_blob(blobs: &Path, media_type: &str, bytes: &[u8]) -> io::Result<Value> {
    let digest = Digest::compute(bytes);
    fs::write(blobs.join(digest.hex()), bytes)?;
    Ok(json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, version: &str) -> (String, Value) {
        let binary = folder.join("binary");
        fs::write(&binary, "not really a binary").expect("a file");
        let image = SampleImage {
            binary,
            version: version.to_owned(),
            fault: SampleFault::None,
        };
        let layout = folder.join(version);
        let digest = write_layout(&image, &layout).expect("a layout");
        let manifest = fs::read(
            layout
                .join("blobs/sha256")
                .join(digest.trim_start_matches("sha256:")),
        )
        .expect("a manifest");
        (digest, serde_json::from_slice(&manifest).expect("JSON"))
    }

    #[test]
    fn the_same_input_gives_the_same_image() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(write(folder.path(), "1.0.0"), write(folder.path(), "1.0.0"));
    }

    #[test]
    fn versions_share_the_binary_and_differ_in_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let ((_, one), (_, other)) = (write(folder.path(), "1.0.0"), write(folder.path(), "1.1.0"));
        assert_eq!(one["layers"][0], other["layers"][0]);
        assert_ne!(one["layers"][1], other["layers"][1]);
        assert_ne!(one["config"], other["config"]);
    }
}
