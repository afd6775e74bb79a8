use super::*;
use crate::archive::{ImageLayers, build_archive};
use crate::descriptor::{DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use crate::engine::export::ExportReader;
use crate::engine::selection::ExportSelection;
use crate::inventory::KnownContents;
use serde_json::{Value, json};

/// The files of an export, and what is needed to ask for the image.
#[derive(Default)]
struct Exported {
    files: Vec<(String, Vec<u8>)>,
}

impl Exported {
    fn add_file(&mut self, name: &str, content: impl AsRef<[u8]>) -> String {
        if self.files.iter().all(|(other, _)| other != name) {
            self.files
                .push((name.to_owned(), content.as_ref().to_vec()));
        }
        name.to_owned()
    }

    fn add_blob(&mut self, media_type: &str, content: impl AsRef<[u8]>) -> Value {
        let digest = Digest::compute(content.as_ref());
        self.add_file(&format!("blobs/sha256/{}", digest.hex()), content.as_ref());
        json!({"mediaType": media_type, "digest": digest, "size": content.as_ref().len()})
    }

    fn add_saved_manifest(&mut self, config: &str, layers: &[&str]) {
        self.add_file(
            "manifest.json",
            json!([{"Config": config, "RepoTags": null, "Layers": layers}]).to_string(),
        );
    }

    fn add_index(&mut self, root: &Value) {
        self.add_file(
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
        let (blob_sender, _taken) = tokio::sync::mpsc::channel(99);
        let selection = ExportSelection::new(
            &[Digest::compute(&build_layer())],
            ImageLayers::new(&KnownContents::default()),
        );
        let reader =
            ExportReader::new(&std::env::temp_dir(), selection, blob_sender.clone()).unwrap();
        assemble(
            &reader
                .read_all(&mut build_archive(&files).as_slice())
                .unwrap(),
            id,
            &blob_sender,
        )
    }
}

fn build_layer() -> Vec<u8> {
    build_archive(&[("file", b"content")])
}

fn config_json(architecture: &str) -> String {
    json!({"os": "linux", "architecture": architecture, "rootfs": {"diff_ids": [Digest::compute(&build_layer())]}}).to_string()
}

fn legacy_export(config: &str, layer: &[u8]) -> Exported {
    let mut exported = Exported::default();
    let name = exported.add_file(
        &format!("{}.json", Digest::compute(config.as_bytes()).hex()),
        config,
    );
    let layer = exported.add_file("1/layer.tar", layer);
    exported.add_saved_manifest(&name, &[&layer]);
    exported
}

/// The form of the containerd store; `arm64` is in the index, and its contents perhaps not.
fn containerd_export(arm64_is_there: bool) -> (Exported, Value, Value) {
    let mut exported = Exported::default();
    let mut image = |architecture: &str, there: bool| {
        let mut elsewhere = Exported::default();
        let to = if there { &mut exported } else { &mut elsewhere };
        let config = to.add_blob(
            "application/vnd.oci.image.config.v1+json",
            config_json(architecture),
        );
        let layer = to.add_blob(
            "application/vnd.oci.image.layer.v1.tar+gzip",
            b"\x1f\x8bcompressed",
        );
        to.add_blob(
            OCI_MANIFEST,
            json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
        )
    };
    let children = [image("amd64", true), image("arm64", arm64_is_there)];
    let root = exported.add_blob(
        OCI_INDEX,
        json!({"schemaVersion": 2, "manifests": children}).to_string(),
    );
    exported.add_index(&root);
    let name = format!(
        "blobs/sha256/{}",
        Digest::compute(config_json("amd64").as_bytes()).hex()
    );
    let layer = format!(
        "blobs/sha256/{}",
        Digest::compute(b"\x1f\x8bcompressed").hex()
    );
    exported.add_saved_manifest(&name, &[&layer]);
    let [amd64, _] = children;
    (exported, root, amd64)
}

fn digest_of(descriptor: &Value) -> Digest {
    descriptor["digest"].as_str().unwrap().parse().unwrap()
}

#[test]
fn dockers_own_form_gets_a_manifest_of_compressed_layers() {
    let text = config_json("amd64");
    let image = legacy_export(&text, &build_layer())
        .assemble(&Digest::compute(text.as_bytes()))
        .unwrap();
    assert_eq!(
        (image.manifests[0].media_type.as_str(), image.blobs.len()),
        (DOCKER_MANIFEST, 2)
    );
    assert_eq!(image.facts.images[0].platform.to_string(), "linux/amd64");
}

#[test]
fn a_layout_of_uncompressed_layers_is_the_same_image_as_dockers_own_form() {
    let text = config_json("amd64");
    let mut exported = Exported::default();
    let config = exported.add_blob("application/vnd.oci.image.config.v1+json", &text);
    let layer = exported.add_blob("application/vnd.oci.image.layer.v1.tar", build_layer());
    let root = exported.add_blob(
        OCI_MANIFEST,
        json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string(),
    );
    exported.add_index(&root);
    let name = |descriptor: &Value| format!("blobs/sha256/{}", digest_of(descriptor).hex());
    exported.add_saved_manifest(&name(&config), &[&name(&layer)]);
    let id = Digest::compute(text.as_bytes());
    let both = [
        exported.assemble(&id).unwrap(),
        legacy_export(&text, &super::tests::build_layer())
            .assemble(&id)
            .unwrap(),
    ];
    assert_eq!(both[0].manifests[0].digest, both[1].manifests[0].digest);
}

#[test]
fn a_manifest_that_leaves_its_layers_out_is_not_believed() {
    let text = config_json("amd64");
    let mut exported = Exported::default();
    let config = exported.add_blob("application/vnd.oci.image.config.v1+json", &text);
    let layer = exported.add_blob("application/vnd.oci.image.layer.v1.tar", build_layer());
    let root = exported.add_blob(
        OCI_MANIFEST,
        json!({"schemaVersion": 2, "config": config, "layers": []}).to_string(),
    );
    exported.add_index(&root);
    let name = |descriptor: &Value| format!("blobs/sha256/{}", digest_of(descriptor).hex());
    exported.add_saved_manifest(&name(&config), &[&name(&layer)]);
    let image = exported
        .assemble(&Digest::compute(text.as_bytes()))
        .unwrap();
    assert_eq!(
        (image.manifests[0].media_type.as_str(), image.blobs.len()),
        (DOCKER_MANIFEST, 2)
    );
}

#[test]
fn an_image_that_the_engine_keeps_compressed_keeps_its_digest() {
    let (exported, root, _) = containerd_export(true);
    let image = exported.assemble(&digest_of(&root)).unwrap();
    assert_eq!(
        (image.manifests.len(), &image.manifests[2].digest),
        (3, &digest_of(&root))
    );
}

#[test]
fn when_other_platforms_are_not_there_the_one_that_is_keeps_its_digest() {
    let (exported, root, amd64) = containerd_export(false);
    let image = exported.assemble(&digest_of(&root)).unwrap();
    assert_eq!(
        (image.manifests.len(), &image.manifests[0].digest),
        (1, &digest_of(&amd64))
    );
}

#[test]
fn what_is_not_what_it_says_is_refused() {
    let (text, other) = (config_json("amd64"), config_json("arm64"));
    let id = Digest::compute(text.as_bytes());
    let refusal = |exported: Exported| exported.assemble(&id).unwrap_err().to_string();
    assert!(
        refusal(legacy_export(&text, &build_archive(&[("file", b"other")])))
            .contains("has the content")
    );
    assert!(refusal(legacy_export(&other, &build_layer())).contains("instead of"));
    assert!(refusal(Exported::default()).contains("names 0 images"));
    let mut renamed = legacy_export(&other, &build_layer());
    renamed.files[0].0 = format!("{}.json", id.hex());
    renamed.files.truncate(2);
    renamed.add_saved_manifest(&format!("{}.json", id.hex()), &["1/layer.tar"]);
    assert!(refusal(renamed).contains("instead of"));
    let mut lacking = legacy_export(&text, &build_layer());
    lacking.files.remove(1);
    assert!(refusal(lacking).contains("does not hold it"));
}
