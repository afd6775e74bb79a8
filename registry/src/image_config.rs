//! Image configs: the platform and the layers, as far as they are used here.

use std::fmt;

use serde::Deserialize;

use crate::descriptor::null_as_default;
use crate::digest::Digest;
use crate::error::SourceError;

/// The platform that an image is made for, as its config says it.
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

/// An image config; what is not used here is left out.
#[derive(Debug, Deserialize)]
pub(crate) struct ImageConfig {
    #[serde(flatten)]
    pub(crate) platform: Platform,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) rootfs: RootFs,
}

/// The diff ids of an image: the digests of its uncompressed layers, lowest first.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RootFs {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) diff_ids: Vec<Digest>,
}

impl ImageConfig {
    /// Parses a config; `digest` is what an error calls it.
    pub(crate) fn parse(bytes: &[u8], digest: &Digest) -> Result<Self, SourceError> {
        serde_json::from_slice(bytes).map_err(|error| SourceError::ImageConfig {
            digest: digest.clone(),
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ImageConfig {
        ImageConfig::parse(text.as_bytes(), &Digest::compute(b"")).unwrap()
    }

    #[test]
    fn a_config_has_a_platform_with_a_variant_where_there_is_one() {
        for (variant, shown) in [
            (r#","variant":"v8""#, "linux/arm64/v8"),
            (r#","variant":"""#, "linux/arm64"),
            (r#","variant":null"#, "linux/arm64"),
            ("", "linux/arm64"),
        ] {
            let text = format!(r#"{{"os":"linux","architecture":"arm64"{variant}}}"#);
            assert_eq!(parse(&text).platform.to_string(), shown);
        }
    }

    #[test]
    fn null_is_no_layers() {
        for rootfs in ["null", r#"{"type":"layers","diff_ids":null}"#] {
            let text = format!(r#"{{"os":"linux","architecture":"amd64","rootfs":{rootfs}}}"#);
            assert!(parse(&text).rootfs.diff_ids.is_empty(), "{rootfs}");
        }
    }
}
