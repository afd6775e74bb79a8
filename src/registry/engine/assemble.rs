//! Making an image of what an engine exported.
//!
//! An image that the engine keeps compressed (containerd store) is pushed as it is, manifest and all, so its digest stays
//! what the engine shows. Otherwise the manifest is written here, after every layer was checked against the config.

use serde::Deserialize;

use super::export::{Member, Parts};
use crate::registry::blob::{Blob, BlobError};
use crate::registry::digest::Digest;
use crate::registry::error::SourceError;
use crate::registry::graph::{Facts, Image, SMALL, gather, read_config};
use crate::registry::layout::Index;
use crate::registry::media::{Compression, Descriptor, Manifest, Part, PointsAt, write_manifest};

/// An entry of `manifest.json`: names of files in the export.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    layers: Vec<String>,
}

/// The image with this id, out of an export that should hold only it.
pub(super) fn assemble(parts: &Parts, id: &Digest) -> Result<Image, SourceError> {
    let roots = document::<Index>(parts, "index.json")?.map_or(Vec::new(), |index| index.manifests);
    if let Some(image) = roots.iter().find(|root| root.digest == *id).and_then(|root| as_it_is(parts, root).ok()) {
        return Ok(image);
    }
    let saved = document::<Vec<Saved>>(parts, "manifest.json")?.unwrap_or_default();
    let [saved] = saved.as_slice() else {
        return Err(unusable(format!("its manifest.json names {} images instead of one", saved.len())));
    };
    let config = parts.verbatim(&saved.config).ok_or_else(|| missing(&saved.config))?;
    if config.digest != *id && !roots.iter().any(|root| root.digest == *id) {
        return Err(unusable(format!("it holds the image {} instead of {id}", config.digest)));
    }
    match of_platform(parts, &roots, &config.digest) {
        Some(image) => Ok(image),
        None => build(parts, saved, config),
    }
}

/// Everything that a manifest needs, when the export holds it in the form that the manifest names.
fn as_it_is(parts: &Parts, root: &Descriptor) -> Result<Image, SourceError> {
    gather(root, &|descriptor| locate(parts, descriptor))
}

fn locate(parts: &Parts, descriptor: &Descriptor) -> Result<Blob, BlobError> {
    let digest = descriptor.digest.clone();
    let Some(blob) = parts.verbatim(&format!("blobs/sha256/{}", digest.hex())) else {
        return Err(BlobError::Unreadable { digest, source: std::io::ErrorKind::NotFound.into() });
    };
    if blob.digest != digest {
        return Err(BlobError::Garbled { digest, found: blob.digest.clone() });
    }
    if blob.size != descriptor.size {
        return Err(BlobError::Size { digest, announced: descriptor.size, found: blob.size });
    }
    Ok(blob.clone())
}

/// Of a multi-platform image an engine often holds one platform only: that one is pushed, with its own manifest.
fn of_platform(parts: &Parts, roots: &[Descriptor], config: &Digest) -> Option<Image> {
    let children = roots.iter().filter_map(|root| children(parts, root)).flatten();
    let whole = roots.iter().cloned().chain(children).filter_map(|manifest| as_it_is(parts, &manifest).ok());
    whole.into_iter().find(|image| image.manifests.last().is_some_and(|root| is_of(root, config)))
}

fn children(parts: &Parts, root: &Descriptor) -> Option<Vec<Descriptor>> {
    let bytes = locate(parts, root).ok()?.read_whole(SMALL).ok()?;
    match Manifest::read(bytes, &root.media_type).ok()?.points_at {
        PointsAt::Index { manifests } => Some(manifests),
        PointsAt::Image { .. } => None,
    }
}

fn is_of(manifest: &Manifest, wanted: &Digest) -> bool {
    match &manifest.points_at {
        PointsAt::Image { config, .. } => config.digest == *wanted,
        PointsAt::Index { .. } => false,
    }
}

/// Writes the manifest that the export does not have.
fn build(parts: &Parts, saved: &Saved, config: &Blob) -> Result<Image, SourceError> {
    named_right(&saved.config, &config.digest)?;
    let read = read_config(config)?;
    let wanted = &read.rootfs.diff_ids;
    if wanted.len() != saved.layers.len() {
        return Err(unusable(format!("it has {} layers and its config {}", saved.layers.len(), wanted.len())));
    }
    let layers = saved.layers.iter().zip(wanted).map(|(name, diff_id)| layer(parts, name, diff_id)).collect::<Result<Vec<_>, _>>()?;
    let (layer_parts, mut blobs): (Vec<Part>, Vec<Blob>) = layers.into_iter().unzip();
    blobs.push(config.clone());
    blobs.sort_by(|one, other| one.digest.cmp(&other.digest));
    blobs.dedup_by(|one, other| one.digest == other.digest);
    let manifest = write_manifest((config.digest.clone(), config.size), &layer_parts)?;
    let mut facts = Facts::default();
    facts.add(read.platform, Some(manifest.digest.clone()));
    Ok(Image { manifests: vec![manifest], blobs, facts, ..Image::default() })
}

fn layer(parts: &Parts, name: &str, diff_id: &Digest) -> Result<(Part, Blob), SourceError> {
    match parts.get(name).ok_or_else(|| missing(name))? {
        Member::Compressed { blob, plain } if plain == diff_id => Ok((part(blob, Compression::Gzip), blob.clone())),
        Member::Compressed { plain, .. } => Err(unusable(format!("the layer {diff_id} has the content {plain}"))),
        Member::Verbatim { blob, compression: Some(compression) } => {
            named_right(name, &blob.digest)?;
            Ok((part(blob, *compression), blob.clone()))
        }
        Member::Verbatim { compression: None, .. } => Err(unusable(format!("the layer {diff_id} is no archive"))),
    }
}

fn part(blob: &Blob, compression: Compression) -> Part {
    Part { digest: blob.digest.clone(), size: blob.size, compression }
}

/// Files that are named by their digest, `HEX.json` and `blobs/sha256/HEX`, must have it.
fn named_right(name: &str, digest: &Digest) -> Result<(), SourceError> {
    let stem = name.trim_start_matches("blobs/sha256/").trim_end_matches(".json");
    match format!("sha256:{stem}").parse::<Digest>() {
        Ok(promised) if promised != *digest => Err(unusable(format!("{promised} is garbled: its content has the digest {digest}"))),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn document<T: for<'de> Deserialize<'de>>(parts: &Parts, name: &str) -> Result<Option<T>, SourceError> {
    let Some(blob) = parts.verbatim(name) else { return Ok(None) };
    let bytes = blob.read_whole(SMALL)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(format!("{name}: {error}")))
}

fn missing(name: &str) -> SourceError {
    unusable(format!("it names `{}` and does not hold it", name.escape_debug()))
}

fn unusable(reason: String) -> SourceError {
    SourceError::Export { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::engine::export::{archive, take_apart};
    use crate::registry::media::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
    use crate::registry::spool::Spool;
    use serde_json::{Value, json};

    /// The files of an export, and what is needed to ask for the image.
    #[derive(Default)]
    struct Exported {
        files: Vec<(String, Vec<u8>)>,
    }

    impl Exported {
        fn file(&mut self, name: &str, content: impl AsRef<[u8]>) -> String {
            self.files.push((name.to_owned(), content.as_ref().to_vec()));
            name.to_owned()
        }

        fn blob(&mut self, media_type: &str, content: impl AsRef<[u8]>) -> Value {
            let digest = Digest::of(content.as_ref());
            self.file(&format!("blobs/sha256/{}", digest.hex()), content.as_ref());
            json!({"mediaType": media_type, "digest": digest, "size": content.as_ref().len()})
        }

        fn saved(&mut self, config: &str, layers: &[&str]) {
            self.file("manifest.json", json!([{"Config": config, "RepoTags": null, "Layers": layers}]).to_string());
        }

        fn index(&mut self, root: &Value) {
            self.file("index.json", json!({"schemaVersion": 2, "manifests": [root]}).to_string());
        }

        fn assemble(&self, id: &Digest) -> Result<Image, SourceError> {
            let files: Vec<_> = self.files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
            let spool = Spool::new(&std::env::temp_dir()).unwrap();
            assemble(&take_apart(&mut archive(&files).as_slice(), spool).unwrap(), id)
        }
    }

    fn layer() -> Vec<u8> {
        archive(&[("file", b"content")])
    }

    fn config(architecture: &str) -> String {
        json!({"os": "linux", "architecture": architecture, "rootfs": {"diff_ids": [Digest::of(&layer())]}}).to_string()
    }

    fn legacy(config: &str, layer: &[u8]) -> Exported {
        let mut exported = Exported::default();
        let name = exported.file(&format!("{}.json", Digest::of(config.as_bytes()).hex()), config);
        let layer = exported.file("1/layer.tar", layer);
        exported.saved(&name, &[&layer]);
        exported
    }

    /// The form of the containerd store; `arm64` is in the index, and its contents perhaps not.
    fn containerd(arm64_is_there: bool) -> (Exported, Value, Value) {
        let mut exported = Exported::default();
        let mut image = |architecture: &str, there: bool| {
            let mut elsewhere = Exported::default();
            let to = if there { &mut exported } else { &mut elsewhere };
            let config = to.blob("application/vnd.oci.image.config.v1+json", config(architecture));
            let layer = to.blob("application/vnd.oci.image.layer.v1.tar+gzip", b"\x1f\x8bcompressed");
            to.blob(OCI_MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string())
        };
        let children = [image("amd64", true), image("arm64", arm64_is_there)];
        let root = exported.blob(OCI_INDEX, json!({"schemaVersion": 2, "manifests": children}).to_string());
        exported.index(&root);
        let name = format!("blobs/sha256/{}", Digest::of(config("amd64").as_bytes()).hex());
        let layer = format!("blobs/sha256/{}", Digest::of(b"\x1f\x8bcompressed").hex());
        exported.saved(&name, &[&layer]);
        let [amd64, _] = children;
        (exported, root, amd64)
    }

    fn digest(descriptor: &Value) -> Digest {
        descriptor["digest"].as_str().unwrap().parse().unwrap()
    }

    #[test]
    fn dockers_own_form_gets_a_manifest_of_compressed_layers() {
        let text = config("amd64");
        let image = legacy(&text, &layer()).assemble(&Digest::of(text.as_bytes())).unwrap();
        assert_eq!((image.manifests[0].media_type.as_str(), image.blobs.len()), (DOCKER_MANIFEST, 2));
        assert_eq!(image.facts.images[0].platform.to_string(), "linux/amd64");
    }

    #[test]
    fn a_layout_of_uncompressed_layers_is_the_same_image_as_dockers_own_form() {
        let text = config("amd64");
        let mut exported = Exported::default();
        let config = exported.blob("application/vnd.oci.image.config.v1+json", &text);
        let layer = exported.blob("application/vnd.oci.image.layer.v1.tar", layer());
        let root = exported.blob(OCI_MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string());
        exported.index(&root);
        let name = |descriptor: &Value| format!("blobs/sha256/{}", digest(descriptor).hex());
        exported.saved(&name(&config), &[&name(&layer)]);
        let id = Digest::of(text.as_bytes());
        let both = [exported.assemble(&id).unwrap(), legacy(&text, &super::tests::layer()).assemble(&id).unwrap()];
        assert_eq!(both[0].manifests[0].digest, both[1].manifests[0].digest);
    }

    #[test]
    fn an_image_that_the_engine_keeps_compressed_keeps_its_digest() {
        let (exported, root, _) = containerd(true);
        let image = exported.assemble(&digest(&root)).unwrap();
        assert_eq!((image.manifests.len(), &image.manifests[2].digest), (3, &digest(&root)));
    }

    #[test]
    fn when_other_platforms_are_not_there_the_one_that_is_keeps_its_digest() {
        let (exported, root, amd64) = containerd(false);
        let image = exported.assemble(&digest(&root)).unwrap();
        assert_eq!((image.manifests.len(), &image.manifests[0].digest), (1, &digest(&amd64)));
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        let (text, other) = (config("amd64"), config("arm64"));
        let id = Digest::of(text.as_bytes());
        let refusal = |exported: Exported| exported.assemble(&id).unwrap_err().to_string();
        assert!(refusal(legacy(&text, &archive(&[("file", b"other")]))).contains("has the content"));
        assert!(refusal(legacy(&other, &layer())).contains("instead of"));
        assert!(refusal(Exported::default()).contains("names 0 images"));
        let mut renamed = legacy(&other, &layer());
        renamed.files[0].0 = format!("{}.json", id.hex());
        renamed.files.truncate(2);
        renamed.saved(&format!("{}.json", id.hex()), &["1/layer.tar"]);
        assert!(refusal(renamed).contains("instead of"));
        let mut lacking = legacy(&text, &layer());
        lacking.files.remove(1);
        assert!(refusal(lacking).contains("does not hold it"));
    }
}
