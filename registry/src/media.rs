//! Manifests, indexes and image configs: what is read from them, and the one manifest that we write
//! ourselves.
//!
//! A manifest that came from outside is kept as the bytes it came in: it is never written again
//! from these types, because its digest is its identity and a field unknown here must survive.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Digest;
use super::error::SourceError;

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Everything that a manifest may be, for `Accept`: a registry converts a manifest that is asked
/// for by tag to what is accepted (ECR does), and a converted manifest has another digest.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Buildkit marks the child of an index that is an attestation and no image with this annotation.
const ATTESTATION: &str = "vnd.docker.reference.type";

/// Where a manifest points: a content by digest, size and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Some tools write `null` for what is empty: Go does so for an empty list or map.
pub(crate) fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    value: D,
) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

impl Descriptor {
    /// An attestation is pushed like everything else, but it runs nowhere.
    pub(crate) fn is_attestation(&self) -> bool {
        self.annotations.contains_key(ATTESTATION)
    }

    /// Whether it is another manifest that is pointed at, and not a blob.
    pub(crate) fn is_manifest(&self) -> bool {
        [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].contains(&self.media_type.as_str())
    }

    /// Layers that registries do not hold (old Windows bases): their address stands in the
    /// manifest.
    pub(crate) fn is_foreign(&self) -> bool {
        self.media_type.contains(".foreign.") || self.media_type.contains(".nondistributable.")
    }
}

/// A manifest or an index, byte for byte as it came, and what it points at.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) points_at: PointsAt,
}

/// What the two kinds of manifests point at.
#[derive(Debug, Clone)]
pub(crate) enum PointsAt {
    /// One image: its config and its layers.
    Image {
        config: Descriptor,
        layers: Vec<Descriptor>,
    },
    /// An image per platform, attestations among them.
    Index { manifests: Vec<Descriptor> },
}

/// The union of all kinds: which one it is is decided in one place, [`PointsAt::try_from`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestDocument {
    media_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Manifest {
    /// Reads a manifest that was announced as `announced` (the media type of the descriptor that
    /// points at it).
    pub(crate) fn read(bytes: Vec<u8>, announced: &str) -> Result<Self, SourceError> {
        let digest = Digest::of(&bytes);
        let unreadable = |reason: String| SourceError::Manifest {
            digest: digest.clone(),
            reason,
        };
        let mut document: ManifestDocument =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let media_type = document
            .media_type
            .take()
            .unwrap_or_else(|| announced.to_owned());
        if media_type != announced {
            return Err(unreadable(format!(
                "it was announced as {announced} and calls itself {media_type}"
            )));
        }
        let points_at = points_at(&media_type, document).map_err(unreadable)?;
        Ok(Self {
            media_type,
            digest,
            bytes,
            points_at,
        })
    }

    /// What an index lists; an image lists nothing.
    pub(crate) fn listed(&self) -> &[Descriptor] {
        match &self.points_at {
            PointsAt::Index { manifests } => manifests,
            PointsAt::Image { .. } => &[],
        }
    }

    /// An image's config; an index has none.
    pub(crate) fn config(&self) -> Option<&Descriptor> {
        match &self.points_at {
            PointsAt::Image { config, .. } => Some(config),
            PointsAt::Index { .. } => None,
        }
    }

    /// Everything it points at.
    pub(crate) fn targets(&self) -> Vec<&Descriptor> {
        match &self.points_at {
            PointsAt::Image { config, layers } => [config].into_iter().chain(layers).collect(),
            PointsAt::Index { manifests } => manifests.iter().collect(),
        }
    }

    /// What a registry has to hold besides manifests.
    pub(crate) fn contents(&self) -> Vec<&Descriptor> {
        match &self.points_at {
            PointsAt::Image { config, layers } => layers
                .iter()
                .filter(|layer| !layer.is_foreign())
                .chain([config])
                .collect(),
            PointsAt::Index { manifests } => manifests
                .iter()
                .filter(|content| !content.is_manifest())
                .collect(),
        }
    }

    /// What a manifest that points at this one would say of it.
    pub(crate) fn describe(&self) -> Descriptor {
        descriptor(
            &self.media_type,
            self.digest.clone(),
            self.bytes.len() as u64,
        )
    }
}

/// A document that could be read as both kinds is refused: two readers would see two images
/// (CVE-2021-41190).
fn points_at(media_type: &str, document: ManifestDocument) -> Result<PointsAt, String> {
    match (media_type, document) {
        // An image of no layers, which tools write as null.
        (
            OCI_MANIFEST | DOCKER_MANIFEST,
            ManifestDocument {
                config: Some(config),
                layers,
                manifests: None,
                ..
            },
        ) => Ok(PointsAt::Image {
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
        ) => Ok(PointsAt::Index { manifests }),
        (OCI_MANIFEST | DOCKER_MANIFEST | OCI_INDEX | DOCKER_LIST, _) => {
            Err(format!("its fields are not those of {media_type}"))
        }
        (other, _) => Err(format!(
            "its type {} is neither an image nor an index",
            other.escape_debug()
        )),
    }
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

/// A config or a layer that a manifest of ours is to point at.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) compression: Compression,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewManifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// The manifest of an image that has none yet (an engine's export). It is what `docker push` would
/// write, Docker's schema 2, unless a layer is zstd, for which only OCI has a media type.
pub(crate) fn write_manifest(
    config: (Digest, u64),
    layers: &[Part],
) -> Result<Manifest, SourceError> {
    let oci = layers
        .iter()
        .any(|layer| layer.compression == Compression::Zstd);
    let (manifest_type, config_type, gzip) = if oci {
        (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER_GZIP)
    } else {
        (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
    };
    let layer_type = |layer: &Part| match layer.compression {
        Compression::Gzip => gzip,
        Compression::Zstd => OCI_LAYER_ZSTD,
    };
    let written = NewManifest {
        schema_version: 2,
        media_type: manifest_type,
        config: descriptor(config_type, config.0, config.1),
        layers: layers
            .iter()
            .map(|layer| descriptor(layer_type(layer), layer.digest.clone(), layer.size))
            .collect(),
    };
    let bytes = serde_json::to_vec(&written).map_err(|error| SourceError::Export {
        reason: error.to_string(),
    })?;
    Manifest::read(bytes, manifest_type)
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        size,
        digest,
        annotations: BTreeMap::new(),
    }
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// `v7`, `v8`, where the architecture has some.
    #[serde(default)]
    pub variant: Option<String>,
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .filter(|variant| !variant.is_empty())
            .map_or(Ok(()), |variant| write!(out, "/{variant}"))
    }
}

/// The part of an image config that is used here.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) platform: Platform,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) rootfs: RootFs,
}

/// The layers as they are unpacked: digests of the uncompressed archives, lowest first.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RootFs {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) diff_ids: Vec<Digest>,
}

impl Config {
    /// Reads the config with this digest.
    pub(crate) fn read(bytes: &[u8], digest: &Digest) -> Result<Self, SourceError> {
        serde_json::from_slice(bytes).map_err(|error| SourceError::Config {
            digest: digest.clone(),
            reason: error.to_string(),
        })
    }

    pub(crate) fn is_announced_by(descriptor: &Descriptor) -> bool {
        matches!(descriptor.media_type.as_str(), OCI_CONFIG | DOCKER_CONFIG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn part(compression: Compression) -> Part {
        Part {
            digest: DIGEST.parse().unwrap(),
            size: 7,
            compression,
        }
    }

    #[test]
    fn our_manifest_is_dockers_schema_2() {
        let manifest =
            write_manifest((DIGEST.parse().unwrap(), 9), &[part(Compression::Gzip)]).unwrap();
        let expected = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{DOCKER_MANIFEST}\",\
            \"config\":{{\"mediaType\":\"{DOCKER_CONFIG}\",\"size\":9,\"digest\":\"{DIGEST}\"}},\
            \"layers\":[{{\"mediaType\":\"{DOCKER_LAYER}\",\"size\":7,\"digest\":\"{DIGEST}\"}}]}}"
        );
        assert_eq!(String::from_utf8(manifest.bytes).unwrap(), expected);
        assert_eq!(manifest.digest, Digest::of(expected.as_bytes()));
    }

    #[test]
    fn a_zstd_layer_makes_it_an_oci_manifest() {
        let manifest = write_manifest(
            (DIGEST.parse().unwrap(), 9),
            &[part(Compression::Gzip), part(Compression::Zstd)],
        )
        .unwrap();
        let PointsAt::Image { config, layers } = manifest.points_at else {
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
        let manifest =
            Manifest::read(br#"{"schemaVersion":2,"manifests":[]}"#.to_vec(), OCI_INDEX).unwrap();
        assert!(matches!(manifest.points_at, PointsAt::Index { .. }));
    }

    #[test]
    fn null_stands_for_empty() {
        let listed = format!(
            r#"{{"mediaType":"{OCI_MANIFEST}","size":9,"digest":"{DIGEST}","annotations":null}}"#
        );
        let index = format!(
            r#"{{"schemaVersion":2,"annotations":null,"config":null,"layers":null,"manifests":[{listed}]}}"#
        );
        assert_eq!(
            Manifest::read(index.into_bytes(), OCI_INDEX)
                .unwrap()
                .listed()
                .len(),
            1
        );
        let image = format!(
            r#"{{"schemaVersion":2,"config":{listed},"layers":null,"manifests":null,"annotations":null}}"#
        );
        let image = Manifest::read(image.into_bytes(), OCI_MANIFEST).unwrap();
        assert!(matches!(image.points_at, PointsAt::Image { layers, .. } if layers.is_empty()));
        let config: Config = serde_json::from_str(
            r#"{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":null}}"#,
        )
        .unwrap();
        assert!(config.rootfs.diff_ids.is_empty());
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
            assert!(
                Manifest::read(text.as_bytes().to_vec(), announced).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_config_tells_its_platform() {
        let text = r#"{"os":"linux","architecture":"arm64","variant":"v8","config":{"Labels":null},"rootfs":{"type":"layers","diff_ids":[]}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.platform.to_string(), "linux/arm64/v8");
    }
}
