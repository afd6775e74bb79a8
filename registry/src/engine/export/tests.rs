use super::*;
use crate::archive::build_archive;
use crate::descriptor::{DOCKER_MANIFEST, MediaType};
use crate::image_config::ImageConfig;
use crate::inventory::KnownContents;
use crate::manifest::Manifest;
use serde_json::json;
use tokio::sync::mpsc;

/// A registry that has an image of these layers, each under the digest of `packed NUMBER`.
fn known_layers(layers: &[&[u8]]) -> KnownContents {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::compute(layer)).collect();
    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string();
    let described = |media_type: &str, digest: Digest| json!({"mediaType": media_type, "size": 1, "digest": digest});
    let packed = |number| {
        described(
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            Digest::compute(format!("packed {number}").as_bytes()),
        )
    };
    let manifest = json!({
        "config": described("application/vnd.docker.container.image.v1+json", Digest::compute(config.as_bytes())),
        "layers": (0..layers.len()).map(packed).collect::<Vec<_>>(),
    });
    let manifest = Manifest::parse(
        manifest.to_string().into_bytes(),
        &MediaType::from_static(DOCKER_MANIFEST),
    )
    .unwrap();
    let mut known = KnownContents::default();
    known.map_layers(
        &manifest,
        &ImageConfig::parse(config.as_bytes(), &Digest::compute(config.as_bytes())).unwrap(),
    );
    known.add(manifest);
    known
}

/// What becomes of an export of an image of these layers: its files by name, and what was passed
/// on.
fn read_export(
    export: &[u8],
    layers: &[&[u8]],
    known: &KnownContents,
) -> Result<(ExportParts, Vec<Blob>), SourceError> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::compute(layer)).collect();
    let (blob_sender, mut handed) = mpsc::channel(99);
    let reader = ExportReader::new(
        &std::env::temp_dir(),
        ExportSelection::new(&diff_ids, ImageLayers::new(known)),
        blob_sender,
    )?;
    let parts = reader.read_all(&mut &*export)?;
    let mut blobs = Vec::new();
    while let Ok(blob) = handed.try_recv() {
        blobs.push(blob);
    }
    Ok((parts, blobs))
}

fn build_layer(content: &str) -> Vec<u8> {
    build_archive(&[("file", content.as_bytes())])
}

#[test]
fn layers_are_packed_the_same_way_every_time_and_the_rest_is_kept() {
    let one = build_layer("one");
    let export = build_archive(&[
        ("a/layer.tar", &one),
        ("b.json", b"{}"),
        ("c", b"\x1f\x8bgz"),
    ]);
    let [(parts, handed), (_, again)] =
        [0, 1].map(|_| read_export(&export, &[&one], &KnownContents::default()).unwrap());
    assert_eq!((handed.len(), &handed[0].digest), (1, &again[0].digest));
    assert!(
        matches!(parts.get("a/layer.tar"), Some(Member::Layer(plain)) if *plain == Digest::compute(&one))
    );
    assert_eq!(
        parts.find_verbatim("b.json").unwrap().read_all(9).unwrap(),
        b"{}"
    );
    assert!(matches!(
        parts.get("c"),
        Some(Member::Verbatim {
            compression: Some(Compression::Gzip),
            ..
        })
    ));
}

#[test]
fn what_is_no_layer_of_the_image_is_never_handed_over() {
    let (one, other) = (build_layer("one"), build_layer("other"));
    let (parts, handed) = read_export(
        &build_archive(&[("a/layer.tar", &other)]),
        &[&one],
        &KnownContents::default(),
    )
    .unwrap();
    assert!(handed.is_empty());
    assert!(
        matches!(parts.get("a/layer.tar"), Some(Member::Layer(plain)) if *plain == Digest::compute(&other))
    );
}

#[test]
fn layers_that_the_registry_has_are_passed_over_by_name_in_both_forms() {
    let layers = [build_layer("one"), build_layer("two"), build_layer("three")];
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    let known = known_layers(&layers[..2]);
    let blob = |layer: &[u8]| format!("blobs/sha256/{}", Digest::compute(layer).hex());
    // That the content is not looked at is seen by its being wrong.
    let export = build_archive(&[
        (&blob(layers[0]), b"anything"),
        (&blob(layers[2]), layers[2]),
    ]);
    let (parts, handed) = read_export(&export, &layers, &known).unwrap();
    assert!(matches!(
        parts.get(&blob(layers[0])),
        Some(Member::PresentLayer)
    ));
    assert_eq!(handed.len(), 1);

    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::compute(layer)).collect();
    let directories = super::super::legacy::layer_directories(&diff_ids);
    let first = directories
        .iter()
        .find(|(_, diff_id)| **diff_id == diff_ids[0])
        .unwrap()
        .0;
    let export = build_archive(&[
        (&format!("{first}/layer.tar"), b"anything"),
        ("topmost/layer.tar", layers[2]),
    ]);
    let (parts, handed) = read_export(&export, &layers, &known).unwrap();
    assert!(matches!(
        parts.get(&format!("{first}/layer.tar")),
        Some(Member::PresentLayer)
    ));
    assert_eq!(handed.len(), 1);
}

#[test]
fn a_layer_whose_name_says_nothing_is_told_by_its_content() {
    let (one, two) = (build_layer("one"), build_layer("two"));
    let export = build_archive(&[("x/layer.tar", &one), ("y/layer.tar", &two)]);
    let (parts, handed) = read_export(&export, &[&one, &two], &known_layers(&[&one])).unwrap();
    assert!(
        matches!(parts.get("x/layer.tar"), Some(Member::Layer(plain)) if *plain == Digest::compute(&one))
    );
    let packed = parts
        .layers
        .packed_blobs()
        .map(|blob| blob.digest.clone())
        .collect::<Vec<_>>();
    assert_eq!(
        handed
            .iter()
            .map(|blob| blob.digest.clone())
            .collect::<Vec<_>>(),
        packed
    );
    assert_eq!(packed.len(), 1);
}

#[test]
fn compressed_contents_that_the_registry_has_are_passed_over_and_documents_are_kept() {
    let known = known_layers(&[b"a layer"]);
    let there = |content: &[u8]| format!("blobs/sha256/{}", Digest::compute(content).hex());
    let export = build_archive(&[(&there(b"packed 0"), b"\x1f\x8banything")]);
    let (parts, _) = read_export(&export, &[], &known).unwrap();
    assert!(matches!(
        parts.get(&there(b"packed 0")),
        Some(Member::Present { size: 10, .. })
    ));
    let export = build_archive(&[(&there(b"packed 0"), b"{}")]);
    assert!(
        read_export(&export, &[], &known)
            .unwrap()
            .0
            .find_verbatim(&there(b"packed 0"))
            .is_some()
    );
}

#[test]
fn an_archive_that_breaks_off_or_means_no_good_is_refused() {
    let outer = build_archive(&[("a", &[7; 4000])]);
    let refusal = |export: &[u8]| {
        read_export(export, &[], &KnownContents::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal(&outer[..2000]),
        "the Docker engine's export cannot be used: it breaks off: its end is missing"
    );
    assert!(refusal(&build_archive(&[("a", b""), ("./a", b"")])).ends_with("it holds `a` twice"));
}
