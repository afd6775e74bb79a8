//! Manifests and indexes: what is read from them, and the one manifest that is written here.
//!
//! A manifest that came from outside is kept as the bytes it came in: it is never written again
//! from these types, because its digest is its identity and a field unknown here must survive.

use serde::{Deserialize, Serialize};

use crate::descriptor::{
    Compression, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LIST, DOCKER_MANIFEST, Descriptor, MediaType,
    OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST,
};
use crate::digest::Digest;
use crate::error::SourceError;

/// A manifest or an index: its bytes as they came, and what they say.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) media_type: MediaType,
    pub(crate) digest: Digest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: ManifestKind,
}

/// A manifest of one image, or an index of several.
#[derive(Debug, Clone)]
pub(crate) enum ManifestKind {
    /// The manifest of an image for one platform; layers lowest first.
    Image {
        config: Descriptor,
        layers: Vec<Descriptor>,
    },
    /// An index: an image per platform, attestations among them.
    Index { manifests: Vec<Descriptor> },
}

/// The fields of manifests and indexes; [`classify`] decides which of the two a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestDocument {
    media_type: Option<MediaType>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Manifest {
    /// Parses a manifest or an index.
    ///
    /// `announced` is the media type of the descriptor that points at it, or of the registry's
    /// response. A document without a type has this one; a document with another one is refused.
    pub(crate) fn parse(bytes: Vec<u8>, announced: &MediaType) -> Result<Self, SourceError> {
        let digest = Digest::compute(&bytes);
        let unreadable = |reason: String| SourceError::Manifest {
            digest: digest.clone(),
            reason,
        };
        let mut document: ManifestDocument =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let media_type = document
            .media_type
            .take()
            .unwrap_or_else(|| announced.clone());
        if media_type != *announced {
            return Err(unreadable(format!(
                "it was announced as {announced} and calls itself {media_type}"
            )));
        }
        let kind = classify(&media_type, document).map_err(unreadable)?;
        Ok(Self {
            media_type,
            digest,
            bytes,
            kind,
        })
    }

    /// The entries of an index; none of an image.
    pub(crate) fn index_entries(&self) -> &[Descriptor] {
        match &self.kind {
            ManifestKind::Index { manifests } => manifests,
            ManifestKind::Image { .. } => &[],
        }
    }

    /// The config of an image; an index has none.
    pub(crate) fn config(&self) -> Option<&Descriptor> {
        match &self.kind {
            ManifestKind::Image { config, .. } => Some(config),
            ManifestKind::Index { .. } => None,
        }
    }

    /// Everything that it points at.
    pub(crate) fn referenced_contents(&self) -> Vec<&Descriptor> {
        match &self.kind {
            ManifestKind::Image { config, layers } => [config].into_iter().chain(layers).collect(),
            ManifestKind::Index { manifests } => manifests.iter().collect(),
        }
    }

    /// The blobs that a registry needs before it takes this manifest: layers and config of an
    /// image, and whatever an index lists that is no manifest.
    pub(crate) fn required_blobs(&self) -> Vec<&Descriptor> {
        match &self.kind {
            ManifestKind::Image { config, layers } => layers
                .iter()
                .filter(|layer| !layer.is_foreign())
                .chain([config])
                .collect(),
            ManifestKind::Index { manifests } => manifests
                .iter()
                .filter(|content| !content.is_manifest())
                .collect(),
        }
    }

    /// A descriptor that points at this manifest.
    pub(crate) fn to_descriptor(&self) -> Descriptor {
        Descriptor::new(
            self.media_type.clone(),
            self.digest.clone(),
            self.bytes.len() as u64,
        )
    }
}

/// Which kind a document of this type is. One that has the fields of both is refused: two readers
/// could see two different images in it (CVE-2021-41190).
fn classify(media_type: &MediaType, document: ManifestDocument) -> Result<ManifestKind, String> {
    match (media_type.as_str(), document) {
        // `layers` is null in an image without layers, if a tool in Go wrote it.
        (
            OCI_MANIFEST | DOCKER_MANIFEST,
            ManifestDocument {
                config: Some(config),
                layers,
                manifests: None,
                ..
            },
        ) => Ok(ManifestKind::Image {
            config,
            layers: layers.unwrap_or_default(),
        }),
        (
            OCI_INDEX | DOCKER_LIST,
            ManifestDocument {
                config: None,
                layers: None,
                manifests: Some(manifests),
                ..
            },
        ) => Ok(ManifestKind::Index { manifests }),
        (OCI_MANIFEST | DOCKER_MANIFEST | OCI_INDEX | DOCKER_LIST, _) => {
            Err(format!("its fields are not those of {media_type}"))
        }
        (other, _) => Err(format!(
            "its type {} is neither an image nor an index",
            other.escape_debug()
        )),
    }
}

/// A layer for a manifest that is written here.
#[derive(Debug, Clone)]
pub(crate) struct ManifestPart {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) compression: Compression,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewManifest<'a> {
    schema_version: u8,
    media_type: &'a MediaType,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// Writes the manifest of an image that has none, from the digest and size of its config and its
/// layers, lowest first.
///
/// It is what `docker push` would write (Docker's schema 2), unless a layer is compressed with
/// zstd, for which only OCI has a media type.
pub(crate) fn build_manifest(
    config: (Digest, u64),
    layers: &[ManifestPart],
) -> Result<Manifest, SourceError> {
    let oci = layers
        .iter()
        .any(|layer| layer.compression == Compression::Zstd);
    let (manifest_type, config_type, gzip) = if oci {
        (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER_GZIP)
    } else {
        (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
    };
    let manifest_type = MediaType::from_static(manifest_type);
    let describe_layer = |layer: &ManifestPart| {
        let media_type = match layer.compression {
            Compression::Gzip => gzip,
            Compression::Zstd => OCI_LAYER_ZSTD,
        };
        let media_type = MediaType::from_static(media_type);
        Descriptor::new(media_type, layer.digest.clone(), layer.size)
    };
    let (config_digest, config_size) = config;
    let written = NewManifest {
        schema_version: 2,
        media_type: &manifest_type,
        config: Descriptor::new(
            MediaType::from_static(config_type),
            config_digest,
            config_size,
        ),
        layers: layers.iter().map(describe_layer).collect(),
    };
    let bytes = serde_json::to_vec(&written).map_err(|error| SourceError::Export {
        reason: error.to_string(),
    })?;
    Manifest::parse(bytes, &manifest_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(text: &str, announced: &str) -> Result<Manifest, SourceError> {
        Manifest::parse(text.as_bytes().to_vec(), &MediaType::new(announced))
    }

    fn layer_part(compression: Compression) -> ManifestPart {
        ManifestPart {
            digest: DIGEST.parse().unwrap(),
            size: 7,
            compression,
        }
    }

    #[test]
    fn our_manifest_is_dockers_schema_2() {
        let manifest = build_manifest(
            (DIGEST.parse().unwrap(), 9),
            &[layer_part(Compression::Gzip)],
        )
        .unwrap();
        let expected = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{DOCKER_MANIFEST}\",\
            \"config\":{{\"mediaType\":\"{DOCKER_CONFIG}\",\"size\":9,\"digest\":\"{DIGEST}\"}},\
            \"layers\":[{{\"mediaType\":\"{DOCKER_LAYER}\",\"size\":7,\"digest\":\"{DIGEST}\"}}]}}"
        );
        assert_eq!(String::from_utf8(manifest.bytes).unwrap(), expected);
        assert_eq!(manifest.digest, Digest::compute(expected.as_bytes()));
    }

    #[test]
    fn a_zstd_layer_makes_it_an_oci_manifest() {
        let manifest = build_manifest(
            (DIGEST.parse().unwrap(), 9),
            &[layer_part(Compression::Gzip), layer_part(Compression::Zstd)],
        )
        .unwrap();
        let ManifestKind::Image { config, layers } = manifest.kind else {
            panic!("an image")
        };
        let types = (
            manifest.media_type.as_str(),
            config.media_type.as_str(),
            layers[0].media_type.as_str(),
            layers[1].media_type.as_str(),
        );
        assert_eq!(
            types,
            (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER_GZIP, OCI_LAYER_ZSTD)
        );
    }

    #[test]
    fn a_manifest_without_media_type_is_what_it_was_announced_as() {
        let manifest = parse(r#"{"schemaVersion":2,"manifests":[]}"#, OCI_INDEX).unwrap();
        assert!(matches!(manifest.kind, ManifestKind::Index { .. }));
    }

    #[test]
    fn null_stands_for_empty() {
        let listed = format!(
            r#"{{"mediaType":"{OCI_MANIFEST}","size":9,"digest":"{DIGEST}","annotations":null}}"#
        );
        let index = format!(
            r#"{{"schemaVersion":2,"annotations":null,"config":null,"layers":null,"manifests":[{listed}]}}"#
        );
        assert_eq!(parse(&index, OCI_INDEX).unwrap().index_entries().len(), 1);
        let image = format!(
            r#"{{"schemaVersion":2,"config":{listed},"layers":null,"manifests":null,"annotations":null}}"#
        );
        let image = parse(&image, OCI_MANIFEST).unwrap();
        assert!(matches!(image.kind, ManifestKind::Image { layers, .. } if layers.is_empty()));
    }

    #[test]
    fn manifests_that_two_readers_would_read_differently_are_refused() {
        let wrong = [
            (r#"{"manifests":[],"layers":[]}"#, OCI_INDEX),
            (
                r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
                OCI_MANIFEST,
            ),
            (r#"{"manifests":[]}"#, OCI_MANIFEST),
            (
                r#"{"schemaVersion":1,"fsLayers":[]}"#,
                "application/vnd.docker.distribution.manifest.v1+json",
            ),
            ("[]", OCI_MANIFEST),
            ("", OCI_MANIFEST),
        ];
        for (text, announced) in wrong {
            assert!(parse(text, announced).is_err(), "{text}");
        }
    }
}
