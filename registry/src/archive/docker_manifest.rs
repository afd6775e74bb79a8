//! `manifest.json` of Docker archives, which says which files are an image. Pure.

use serde::Deserialize;

use crate::digest::Digest;

/// An image, as names of files in the archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SavedImage {
    pub(crate) config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    /// Lowest first.
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl SavedImage {
    pub(crate) fn layers(&self) -> &[String] {
        self.layers.as_deref().unwrap_or_default()
    }

    pub(super) fn names(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }
}

/// The digest in the name of a file, if there is one: `blobs/sha256/HEX`, `HEX.json`, `HEX.tar.gz`,
/// `sha256:HEX`.
pub(crate) fn digest_in_name(name: &str) -> Option<Digest> {
    let file = name.strip_prefix("blobs/sha256/").unwrap_or(name);
    let stem = file.split('.').next().unwrap_or_default();
    let hex = stem.strip_prefix("sha256:").unwrap_or(stem);
    format!("sha256:{hex}").parse().ok()
}

/// Whether two names mean the same image: Docker leaves out `docker.io/`, `library/` and `:latest`,
/// other tools do not.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    canonical_name(one) == canonical_name(other)
}

fn canonical_name(name: &str) -> String {
    let short_name = name.strip_prefix("docker.io/").unwrap_or(name);
    let familiar = short_name.strip_prefix("library/").unwrap_or(short_name);
    let tagged = familiar
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    if tagged {
        familiar.to_owned()
    } else {
        format!("{familiar}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_named_by_their_digest_are_known() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for name in [
            format!("blobs/sha256/{hex}"),
            format!("{hex}.json"),
            format!("{hex}.tar.gz"),
            format!("sha256:{hex}"),
        ] {
            assert_eq!(digest_in_name(&name).unwrap().hex(), hex, "{name}");
        }
        for name in [
            format!("{hex}/layer.tar"),
            "manifest.json".to_owned(),
            format!("a/{hex}.json"),
        ] {
            assert_eq!(digest_in_name(&name), None, "{name}");
        }
    }

    #[test]
    fn names_are_compared_as_docker_understands_them() {
        for (one, other) in [
            ("api", "api:latest"),
            ("docker.io/library/api:1", "api:1"),
            ("docker.io/team/api:1", "team/api:1"),
        ] {
            assert!(is_same_name(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("api:1", "api:2"),
            ("ghcr.io/api:1", "api:1"),
            ("localhost:5000/api", "localhost:5000/api:1"),
        ] {
            assert!(!is_same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn docker_writes_null_where_there_are_no_names() {
        let saved: SavedImage =
            serde_json::from_str(r#"{"Config":"c.json","RepoTags":null,"Layers":null}"#).unwrap();
        assert!(saved.names().is_empty() && saved.layers().is_empty());
    }
}
