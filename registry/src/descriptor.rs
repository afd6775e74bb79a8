//! Descriptors: how manifests point at contents, by digest, size and media type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::digest::Digest;

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub(crate) const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// The media types of all manifests and indexes, for `Accept`. A registry may convert a manifest
/// that is asked for by tag to a type that is accepted (ECR does), and a converted one has another
/// digest.
pub(crate) const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// The annotation with which BuildKit marks an attestation among the images of an index.
const ATTESTATION: &str = "vnd.docker.reference.type";

/// A media type as a descriptor or a `Content-Type` says it, known here or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct MediaType(Cow<'static, str>);

impl MediaType {
    /// One of the types that are known here.
    pub(crate) const fn from_static(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Any type, as a registry or a document wrote it.
    pub(crate) fn new(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// How a layer of this type is compressed, by the end of its name: `…tar+gzip`, `…tar.gzip`,
    /// `…tar+zstd`. `None` for an uncompressed layer, and for anything else.
    pub(crate) fn compression(&self) -> Option<Compression> {
        match self.0.rsplit(['.', '+']).next() {
            Some("gzip") => Some(Compression::Gzip),
            Some("zstd") => Some(Compression::Zstd),
            Some(_) | None => None,
        }
    }

    /// Whether it is a layer that is not compressed, `…tar`.
    pub(crate) fn is_uncompressed_layer(&self) -> bool {
        self.0.rsplit('.').next() == Some("tar")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A pointer from a manifest to a content (OCI image specification, "Content Descriptors").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: MediaType,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) digest: Digest,
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Reads `null` as the default: tools in Go write it for an empty list or map.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    value: D,
) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

impl Descriptor {
    pub(crate) fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            size,
            digest,
            annotations: BTreeMap::new(),
        }
    }

    /// Whether it is an attestation, which is pushed like an image but runs on no platform.
    pub(crate) fn is_attestation(&self) -> bool {
        self.annotations.contains_key(ATTESTATION)
    }

    /// Whether it is the config of a container image: other artifacts, attestations among them,
    /// have configs of other types.
    pub(crate) fn is_image_config(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_CONFIG | DOCKER_CONFIG)
    }

    /// Whether it points at a manifest or an index, and not at a blob.
    pub(crate) fn is_manifest(&self) -> bool {
        [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].contains(&self.media_type.as_str())
    }

    /// Whether it is a layer that registries do not hold: the base of old Windows images, which is
    /// downloaded from a URL in the descriptor.
    pub(crate) fn is_foreign(&self) -> bool {
        let media_type = self.media_type.as_str();
        media_type.contains(".foreign.") || media_type.contains(".nondistributable.")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(media_type: &str) -> Descriptor {
        Descriptor::new(MediaType::new(media_type), Digest::compute(b""), 0)
    }

    #[test]
    fn a_media_type_says_what_is_pointed_at() {
        let table = [
            (OCI_INDEX, (true, false, false)),
            (OCI_MANIFEST, (true, false, false)),
            (DOCKER_LIST, (true, false, false)),
            (DOCKER_MANIFEST, (true, false, false)),
            (OCI_CONFIG, (false, true, false)),
            (DOCKER_CONFIG, (false, true, false)),
            ("application/vnd.oci.empty.v1+json", (false, false, false)),
            (OCI_LAYER_GZIP, (false, false, false)),
            (
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                (false, false, true),
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar",
                (false, false, true),
            ),
        ];
        for (media_type, expected) in table {
            let pointed = descriptor(media_type);
            assert_eq!(
                (
                    pointed.is_manifest(),
                    pointed.is_image_config(),
                    pointed.is_foreign()
                ),
                expected,
                "{media_type}"
            );
        }
    }

    #[test]
    fn the_end_of_a_layer_s_type_says_how_it_is_compressed() {
        let table = [
            (OCI_LAYER_GZIP, Some(Compression::Gzip)),
            (DOCKER_LAYER, Some(Compression::Gzip)),
            (OCI_LAYER_ZSTD, Some(Compression::Zstd)),
            ("application/vnd.oci.image.layer.v1.tar", None),
            ("", None),
        ];
        for (media_type, compression) in table {
            let media_type = MediaType::new(media_type);
            assert_eq!(media_type.compression(), compression, "{media_type}");
            assert_eq!(
                media_type.is_uncompressed_layer(),
                media_type.as_str().ends_with("tar"),
                "{media_type}"
            );
        }
    }

    #[test]
    fn an_annotation_marks_attestations() {
        let mut attestation = descriptor(OCI_MANIFEST);
        assert!(!attestation.is_attestation());
        attestation
            .annotations
            .insert(ATTESTATION.to_owned(), "attestation-manifest".to_owned());
        assert!(attestation.is_attestation());
    }
}
