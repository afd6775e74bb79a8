//! The images that are moved: layers of noise, as an OCI layout and as an archive that an engine
//! loads.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What the images are called in the engine that has loaded them.
pub(super) const IN_ENGINE: &str = "docker-daemon:bench:one";
pub(super) const CHANGED_IN_ENGINE: &str = "docker-daemon:bench:changed";

/// Two images: one, and the same with a small layer more.
pub(super) struct Images {
    folder: PathBuf,
}

/// A file and what it is called by.
#[derive(Clone)]
struct Content {
    digest: String,
    size: u64,
    path: PathBuf,
}

impl Images {
    pub(super) fn write(folder: &Path, layers: &[u64], more: u64) -> io::Result<Self> {
        let images = Self {
            folder: folder.join("images"),
        };
        fs::create_dir_all(images.folder.join("contents"))?;
        let mut noise = File::open("/dev/urandom")?;
        let mut written = layers
            .iter()
            .map(|size| images.write_layer(&mut noise, *size))
            .collect::<io::Result<Vec<_>>>()?;
        images.write_image("one", &written)?;
        written.push(images.write_layer(&mut noise, more)?);
        images.write_image("changed", &written)?;
        Ok(images)
    }

    pub(super) fn layout(&self) -> String {
        format!("oci:{}:v1", self.folder.join("one").display())
    }

    pub(super) fn changed_layout(&self) -> String {
        format!("oci:{}:v1", self.folder.join("changed").display())
    }

    pub(super) fn archive(&self) -> PathBuf {
        self.folder.join("one.tar")
    }

    pub(super) fn changed_archive(&self) -> PathBuf {
        self.folder.join("changed.tar")
    }

    /// The layers, for peers that send files and know nothing of images.
    pub(super) fn layers(&self) -> io::Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.folder.join("one/blobs/sha256"))?
            .map(|entry| entry.map(|entry| entry.path()));
        let files = files.collect::<io::Result<Vec<_>>>()?;
        Ok(files
            .into_iter()
            .filter(|path| fs::metadata(path).is_ok_and(|file| file.len() > 1024 * 1024))
            .collect())
    }

    /// An archive of one file of noise, as a layer is.
    fn write_layer(&self, noise: &mut File, size: u64) -> io::Result<Content> {
        let path = self.folder.join("contents/new");
        let mut archive =
            tar::Builder::new(BufWriter::with_capacity(1 << 20, File::create(&path)?));
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_path("noise")?;
        header.set_cksum();
        archive.append(&header, noise.take(size))?;
        archive.into_inner()?.flush()?;
        self.store_content(&path)
    }

    fn write_document(&self, value: &Value) -> io::Result<Content> {
        let path = self.folder.join("contents/new");
        fs::write(&path, value.to_string())?;
        self.store_content(&path)
    }

    fn store_content(&self, path: &Path) -> io::Result<Content> {
        let mut hasher = Sha256::new();
        let size = io::copy(&mut File::open(path)?, &mut hasher)?;
        let hex = format!("{:x}", hasher.finalize());
        let named = self.folder.join("contents").join(&hex);
        fs::rename(path, &named)?;
        Ok(Content {
            digest: format!("sha256:{hex}"),
            size,
            path: named,
        })
    }

    fn write_image(&self, name: &str, layers: &[Content]) -> io::Result<()> {
        let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
        let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = self.write_document(&config)?;
        self.write_layout(name, &config, layers)?;
        self.write_archive(name, &config, layers)
    }

    fn write_layout(&self, name: &str, config: &Content, layers: &[Content]) -> io::Result<()> {
        let dir = self.folder.join(name);
        fs::create_dir_all(dir.join("blobs/sha256"))?;
        let described = |content: &Content, kind: &str| json!({"mediaType": kind, "digest": content.digest, "size": content.size});
        let listed: Vec<Value> = layers.iter().map(|layer| described(layer, LAYER)).collect();
        let manifest =
            self.write_document(&json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": described(config, CONFIG), "layers": listed}))?;
        for content in layers.iter().chain([config, &manifest]) {
            fs::hard_link(
                &content.path,
                dir.join("blobs").join(content.digest.replace(':', "/")),
            )?;
        }
        let mut root = described(&manifest, MANIFEST);
        root["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
        fs::write(
            dir.join("index.json"),
            json!({"schemaVersion": 2, "manifests": [root]}).to_string(),
        )?;
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
    }

    fn write_archive(&self, name: &str, config: &Content, layers: &[Content]) -> io::Result<()> {
        let mut archive = tar::Builder::new(BufWriter::with_capacity(
            1 << 20,
            File::create(self.folder.join(name).with_extension("tar"))?,
        ));
        let file = |content: &Content, suffix: &str| {
            format!("{}{suffix}", content.digest.replace("sha256:", ""))
        };
        for layer in layers {
            archive.append_path_with_name(&layer.path, file(layer, ".tar"))?;
        }
        archive.append_path_with_name(&config.path, file(config, ".json"))?;
        let names: Vec<String> = layers.iter().map(|layer| file(layer, ".tar")).collect();
        let saved = json!([{"Config": file(config, ".json"), "RepoTags": [format!("bench:{name}")], "Layers": names}]).to_string();
        let mut header = tar::Header::new_gnu();
        header.set_size(saved.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, "manifest.json", saved.as_bytes())?;
        archive.into_inner()?.flush()
    }
}
