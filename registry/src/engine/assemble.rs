//! Making an image of what an engine exported.
//!
//! An image that the engine keeps compressed (containerd store) is pushed as it is, manifest and
//! all, so its digest stays what the engine shows. Otherwise the manifest is written here, after
//! every layer was checked against the config.

use serde::Deserialize;

use super::export::{ExportParts, Member};
use crate::archive::{Packed, Saved, plain, promised};
use crate::blob::{Blob, BlobError, Place};
use crate::digest::Digest;
use crate::error::SourceError;
use crate::graph::{Image, SMALL, gather, read_config};
use crate::layout::Index;
use crate::media::{Descriptor, Manifest, PointsAt};
use crate::source::Intake;

/// The image with this id, out of an export that should hold only it. What was not handed over yet
/// is now.
pub(super) fn assemble(
    parts: &ExportParts,
    id: &Digest,
    intake: &Intake,
) -> Result<Image, SourceError> {
    let image = found(parts, id)?;
    let packed = |blob: &&Blob| {
        parts
            .layers
            .packed()
            .any(|packed| packed.digest == blob.digest)
    };
    // Whoever does not take it any more has a reason of its own.
    image
        .blobs
        .iter()
        .filter(|blob| !packed(blob))
        .for_each(|blob| drop(intake.blocking_send(blob.clone())));
    Ok(image)
}

fn found(parts: &ExportParts, id: &Digest) -> Result<Image, SourceError> {
    let roots = document::<Index>(parts, "index.json")?.map_or(Vec::new(), |index| index.manifests);
    if let Some(image) = roots
        .iter()
        .find(|root| root.digest == *id)
        .and_then(|root| as_it_is(parts, root).ok())
    {
        return Ok(image);
    }
    let saved = document::<Vec<Saved>>(parts, "manifest.json")?.unwrap_or_default();
    let [saved] = saved.as_slice() else {
        return Err(unusable(format!(
            "its manifest.json names {} images instead of one",
            saved.len()
        )));
    };
    let config = get(parts, &saved.config)
        .and_then(verbatim)
        .ok_or_else(|| missing(&saved.config))?;
    if config.digest != *id && !roots.iter().any(|root| root.digest == *id) {
        return Err(unusable(format!(
            "it holds the image {} instead of {id}",
            config.digest
        )));
    }
    match of_platform(parts, &roots, &config.digest) {
        Some(image) => Ok(image),
        None => build(parts, saved, config),
    }
}

/// Everything that a manifest needs, when the export holds it in the form that the manifest names,
/// or the registry does.
fn as_it_is(parts: &ExportParts, root: &Descriptor) -> Result<Image, SourceError> {
    let mut image = gather(root, &|descriptor| locate(parts, descriptor))?;
    let (present, blobs) = image
        .blobs
        .into_iter()
        .partition(|blob| matches!(at(parts, &blob.digest), Some(Member::Present { .. })));
    let present: Vec<Blob> = present;
    let is_present =
        |descriptor: &&Descriptor| present.iter().any(|blob| blob.digest == descriptor.digest);
    image.present = image
        .manifests
        .iter()
        .flat_map(Manifest::targets)
        .filter(is_present)
        .cloned()
        .collect();
    image.blobs = blobs;
    Ok(image)
}

fn at<'a>(parts: &'a ExportParts, digest: &Digest) -> Option<&'a Member> {
    parts.get(&format!("blobs/sha256/{}", digest.hex()))
}

fn locate(parts: &ExportParts, descriptor: &Descriptor) -> Result<Blob, BlobError> {
    let digest = descriptor.digest.clone();
    let blob = match at(parts, &digest) {
        Some(Member::Verbatim { blob, .. }) => blob.clone(),
        // It is told apart by `as_it_is` and never read: there is nothing to read.
        Some(Member::Present { digest, size }) => Blob {
            digest: digest.clone(),
            size: *size,
            place: Place::File("".into()),
        },
        Some(Member::Layer(_) | Member::Known) | None => {
            return Err(BlobError::Unreadable {
                digest,
                source: std::io::ErrorKind::NotFound.into(),
            });
        }
    };
    if blob.digest != digest {
        return Err(BlobError::Garbled {
            digest,
            found: blob.digest,
        });
    }
    if blob.size != descriptor.size {
        return Err(BlobError::Size {
            digest,
            announced: descriptor.size,
            found: blob.size,
        });
    }
    Ok(blob)
}

/// Of a multi-platform image an engine often holds one platform only: that one is pushed, with its
/// own manifest.
fn of_platform(parts: &ExportParts, roots: &[Descriptor], config: &Digest) -> Option<Image> {
    let children = roots
        .iter()
        .filter_map(|root| children(parts, root))
        .flatten();
    let whole = roots
        .iter()
        .cloned()
        .chain(children)
        .filter_map(|manifest| as_it_is(parts, &manifest).ok());
    whole.into_iter().find(|image| {
        image
            .manifests
            .last()
            .is_some_and(|root| root.config().is_some_and(|its| its.digest == *config))
    })
}

fn children(parts: &ExportParts, root: &Descriptor) -> Option<Vec<Descriptor>> {
    let bytes = locate(parts, root).ok()?.read_whole(SMALL).ok()?;
    match Manifest::read(bytes, &root.media_type).ok()?.points_at {
        PointsAt::Index { manifests } => Some(manifests),
        PointsAt::Image { .. } => None,
    }
}

/// Writes the manifest that the export does not have.
fn build(parts: &ExportParts, saved: &Saved, config: &Blob) -> Result<Image, SourceError> {
    named_right(&saved.config, &config.digest)?;
    let read = read_config(config)?;
    let wanted = &read.rootfs.diff_ids;
    if wanted.len() != saved.layers().len() {
        return Err(unusable(format!(
            "it has {} layers and its config {}",
            saved.layers().len(),
            wanted.len()
        )));
    }
    let mut layers = parts.layers.clone();
    for (name, diff_id) in saved
        .layers()
        .iter()
        .zip(wanted)
        .filter(|(_, diff_id)| !parts.layers.has(diff_id))
    {
        layers.add(diff_id.clone(), layer(parts, name, diff_id)?);
    }
    let diff_ids = wanted.clone();
    layers.image(&diff_ids, config, read.platform)
}

/// A layer that was kept compressed, or what is wrong with it.
fn layer(parts: &ExportParts, name: &str, diff_id: &Digest) -> Result<Packed, SourceError> {
    match get(parts, name).ok_or_else(|| missing(name))? {
        Member::Layer(plain) => Err(unusable(format!(
            "the layer {diff_id} has the content {plain}"
        ))),
        Member::Verbatim {
            blob,
            compression: Some(compression),
        } => {
            named_right(name, &blob.digest)?;
            Ok(Packed {
                blob: blob.clone(),
                compression: *compression,
            })
        }
        Member::Verbatim {
            compression: None, ..
        } => Err(unusable(format!("the layer {diff_id} is no archive"))),
        Member::Known | Member::Present { .. } => Err(missing(name)),
    }
}

/// Files that are named by their digest, `HEX.json` and `blobs/sha256/HEX`, must have it.
fn named_right(name: &str, digest: &Digest) -> Result<(), SourceError> {
    match promised(name) {
        Some(promised) if promised != *digest => Err(unusable(format!(
            "{promised} is garbled: its content has the digest {digest}"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn document<T: for<'de> Deserialize<'de>>(
    parts: &ExportParts,
    name: &str,
) -> Result<Option<T>, SourceError> {
    let Some(blob) = parts.verbatim(name) else {
        return Ok(None);
    };
    let bytes = blob.read_whole(SMALL)?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| unusable(format!("{name}: {error}")))
}

/// A file by a name as documents write it.
fn get<'a>(parts: &'a ExportParts, name: &str) -> Option<&'a Member> {
    parts.get(&plain(name.as_bytes()).ok()?)
}

fn verbatim(member: &Member) -> Option<&Blob> {
    match member {
        Member::Verbatim { blob, .. } => Some(blob),
        Member::Layer(_) | Member::Present { .. } | Member::Known => None,
    }
}

fn missing(name: &str) -> SourceError {
    unusable(format!(
        "it names `{}` and does not hold it",
        name.escape_debug()
    ))
}

fn unusable(reason: String) -> SourceError {
    SourceError::Export { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Layers, archive};
    use crate::engine::export::Taking;
    use crate::engine::wanted::Wanted;
    use crate::known::Known;
    use crate::media::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
    use serde_json::{Value, json};

    /// The files of an export, and what is needed to ask for the image.
    #[derive(Default)]
    struct Exported {
        files: Vec<(String, Vec<u8>)>,
    }

    impl Exported {
        fn file(&mut self, name: &str, content: impl AsRef<[u8]>) -> String {
            if self.files.iter().all(|(other, _)| other != name) {
                self.files
                    .push((name.to_owned(), content.as_ref().to_vec()));
            }
            name.to_owned()
        }

        fn blob(&mut self, media_type: &str, content: impl AsRef<[u8]>) -> Value {
            let digest = Digest::of(content.as_ref());
            self.file(&format!("blobs/sha256/{}", digest.hex()), content.as_ref());
            json!({"mediaType": media_type, "digest": digest, "size": content.as_ref().len()})
        }

        fn saved(&mut self, config: &str, layers: &[&str]) {
            self.file(
                "manifest.json",
                json!([{"Config": config, "RepoTags": null, "Layers": layers}]).to_string(),
            );
        }

        fn index(&mut self, root: &Value) {
            self.file(
                "index.json",
                json!({"schemaVersion": 2, "manifests": [root]}).to_string(),
            );
        }

        fn assemble(&self, id: &Digest) -> Result<Image, SourceError> {
            let files: Vec<_> = self
                .files
                .iter()
                .map(|(name, content)| (name.as_str(), content.as_slice()))
                .collect();
            let (intake, _taken) = tokio::sync::mpsc::channel(99);
            let wanted = Wanted::new(&[Digest::of(&layer())], Layers::new(&Known::default()));
            let taking = Taking::new(&std::env::temp_dir(), wanted, intake.clone()).unwrap();
            assemble(
                &taking.take_apart(&mut archive(&files).as_slice()).unwrap(),
                id,
                &intake,
            )
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
        let name = exported.file(
            &format!("{}.json", Digest::of(config.as_bytes()).hex()),
            config,
        );
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
            let config = to.blob(
                "application/vnd.oci.image.config.v1+json",
                config(architecture),
            );
            let layer = to.blob(
                "application/vnd.oci.image.layer.v1.tar+gzip",
                b"\x1f\x8bcompressed",
            );
            to.blob(
                OCI_MANIFEST,
                json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
            )
        };
        let children = [image("amd64", true), image("arm64", arm64_is_there)];
        let root = exported.blob(
            OCI_INDEX,
            json!({"schemaVersion": 2, "manifests": children}).to_string(),
        );
        exported.index(&root);
        let name = format!(
            "blobs/sha256/{}",
            Digest::of(config("amd64").as_bytes()).hex()
        );
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
        let image = legacy(&text, &layer())
            .assemble(&Digest::of(text.as_bytes()))
            .unwrap();
        assert_eq!(
            (image.manifests[0].media_type.as_str(), image.blobs.len()),
            (DOCKER_MANIFEST, 2)
        );
        assert_eq!(image.facts.images[0].platform.to_string(), "linux/amd64");
    }

    #[test]
    fn a_layout_of_uncompressed_layers_is_the_same_image_as_dockers_own_form() {
        let text = config("amd64");
        let mut exported = Exported::default();
        let config = exported.blob("application/vnd.oci.image.config.v1+json", &text);
        let layer = exported.blob("application/vnd.oci.image.layer.v1.tar", layer());
        let root = exported.blob(
            OCI_MANIFEST,
            json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
        );
        exported.index(&root);
        let name = |descriptor: &Value| format!("blobs/sha256/{}", digest(descriptor).hex());
        exported.saved(&name(&config), &[&name(&layer)]);
        let id = Digest::of(text.as_bytes());
        let both = [
            exported.assemble(&id).unwrap(),
            legacy(&text, &super::tests::layer()).assemble(&id).unwrap(),
        ];
        assert_eq!(both[0].manifests[0].digest, both[1].manifests[0].digest);
    }

    #[test]
    fn a_manifest_that_leaves_its_layers_out_is_not_believed() {
        let text = config("amd64");
        let mut exported = Exported::default();
        let config = exported.blob("application/vnd.oci.image.config.v1+json", &text);
        let layer = exported.blob("application/vnd.oci.image.layer.v1.tar", layer());
        let root = exported.blob(
            OCI_MANIFEST,
            json!({"schemaVersion": 2, "config": config, "layers": []}).to_string(),
        );
        exported.index(&root);
        let name = |descriptor: &Value| format!("blobs/sha256/{}", digest(descriptor).hex());
        exported.saved(&name(&config), &[&name(&layer)]);
        let image = exported.assemble(&Digest::of(text.as_bytes())).unwrap();
        assert_eq!(
            (image.manifests[0].media_type.as_str(), image.blobs.len()),
            (DOCKER_MANIFEST, 2)
        );
    }

    #[test]
    fn an_image_that_the_engine_keeps_compressed_keeps_its_digest() {
        let (exported, root, _) = containerd(true);
        let image = exported.assemble(&digest(&root)).unwrap();
        assert_eq!(
            (image.manifests.len(), &image.manifests[2].digest),
            (3, &digest(&root))
        );
    }

    #[test]
    fn when_other_platforms_are_not_there_the_one_that_is_keeps_its_digest() {
        let (exported, root, amd64) = containerd(false);
        let image = exported.assemble(&digest(&root)).unwrap();
        assert_eq!(
            (image.manifests.len(), &image.manifests[0].digest),
            (1, &digest(&amd64))
        );
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        let (text, other) = (config("amd64"), config("arm64"));
        let id = Digest::of(text.as_bytes());
        let refusal = |exported: Exported| exported.assemble(&id).unwrap_err().to_string();
        assert!(
            refusal(legacy(&text, &archive(&[("file", b"other")]))).contains("has the content")
        );
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
