//! Which manifest's scan is read: that of the image that will run, never that of an index or an
//! attestation, which are not scanned.

use serde_json::Value;

use crate::registry::{Digest, Platform};

/// A manifest whose scan is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedManifest {
    /// The manifest's digest.
    pub digest: Digest,
    /// The platform, if the image has several.
    pub platform: Option<String>,
}

/// Those images of `children` that the definition runs; the image itself if it has no children. If
/// the definition does not say which it runs, any of them may run, so all are read.
pub fn select_manifests(
    digest: &Digest,
    children: &[(Platform, Digest)],
    definition: &Value,
) -> Vec<ScannedManifest> {
    let to_scanned = |(platform, digest): &(Platform, Digest)| ScannedManifest {
        digest: digest.clone(),
        platform: Some(platform.to_string()),
    };
    let fits = |(platform, _): &&(Platform, Digest)| matches_platform(definition, platform);
    match children {
        [] => vec![ScannedManifest {
            digest: digest.clone(),
            platform: None,
        }],
        [(_, only)] => vec![ScannedManifest {
            digest: only.clone(),
            platform: None,
        }],
        several => {
            let fitting: Vec<ScannedManifest> =
                several.iter().filter(fits).map(to_scanned).collect();
            if fitting.is_empty() {
                several.iter().map(to_scanned).collect()
            } else {
                fitting
            }
        }
    }
}

fn matches_platform(definition: &Value, platform: &Platform) -> bool {
    let runtime = &definition["runtimePlatform"];
    let system = if runtime["operatingSystemFamily"]
        .as_str()
        .is_some_and(|family| family.starts_with("WINDOWS"))
    {
        "windows"
    } else {
        "linux"
    };
    platform.os == system
        && required_architecture(definition)
            .is_none_or(|architecture| architecture == platform.architecture)
}

/// Fargate defaults to X86_64; elsewhere it depends on the instances.
fn required_architecture(definition: &Value) -> Option<&'static str> {
    let is_fargate = definition["requiresCompatibilities"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|kind| kind == "FARGATE");
    match definition["runtimePlatform"]["cpuArchitecture"].as_str() {
        Some("ARM64") => Some("arm64"),
        Some("X86_64") => Some("amd64"),
        Some(_) => None,
        None => is_fargate.then_some("amd64"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn platform(os: &str, architecture: &str) -> Platform {
        Platform {
            os: os.into(),
            architecture: architecture.into(),
            variant: None,
        }
    }

    fn children() -> Vec<(Platform, Digest)> {
        [("linux", "amd64"), ("linux", "arm64"), ("windows", "amd64")]
            .into_iter()
            .map(|(os, architecture)| {
                (
                    platform(os, architecture),
                    Digest::compute(format!("{os}/{architecture}").as_bytes()),
                )
            })
            .collect()
    }

    fn index() -> Digest {
        Digest::compute(b"index")
    }

    fn selected_platforms(definition: &Value) -> Vec<String> {
        select_manifests(&index(), &children(), definition)
            .into_iter()
            .filter_map(|scanned| scanned.platform)
            .collect()
    }

    #[test]
    fn the_platform_that_runs_is_read_and_all_where_it_is_not_known() {
        let table = [
            (
                json!({ "runtimePlatform": { "cpuArchitecture": "ARM64" } }),
                vec!["linux/arm64"],
            ),
            (
                json!({ "requiresCompatibilities": ["FARGATE"] }),
                vec!["linux/amd64"],
            ),
            (
                json!({ "runtimePlatform": { "cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" } }),
                vec!["windows/amd64"],
            ),
            (
                json!({ "requiresCompatibilities": ["EC2"] }),
                vec!["linux/amd64", "linux/arm64"],
            ),
            (
                json!({ "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" } }),
                vec!["linux/amd64", "linux/arm64", "windows/amd64"],
            ),
        ];
        for (definition, expected) in table {
            assert_eq!(selected_platforms(&definition), expected, "{definition}");
        }
    }

    #[test]
    fn a_single_manifest_is_read_itself_and_an_only_child_in_its_index_s_place() {
        assert_eq!(
            select_manifests(&index(), &[], &json!({})),
            [ScannedManifest {
                digest: index(),
                platform: None
            }]
        );
        let only = &children()[..1];
        assert_eq!(
            select_manifests(&index(), only, &json!({})),
            [ScannedManifest {
                digest: only[0].1.clone(),
                platform: None
            }]
        );
    }
}
