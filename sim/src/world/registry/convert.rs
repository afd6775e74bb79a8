//! What ECR makes of a manifest that is asked for by tag when `Accept` does not name its type.
//! Pure; the result has another digest.

use serde_json::Value;

use crate::world::digest::Digest;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// OCI's types, and Docker's for the same.
const DOCKER_TYPES: [(&str, &str); 4] = [
    (OCI_MANIFEST, DOCKER_MANIFEST),
    (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    ),
    (
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
    (
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar",
    ),
];

/// What is to be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ManifestForm {
    Verbatim,
    /// One of its children.
    Child(Digest),
    /// The same, in Docker's words.
    Docker(Vec<u8>),
}

/// The form in which a manifest of this type is answered. Who accepts nothing in particular accepts
/// Docker's manifest.
pub(super) fn choose_form(media_type: &str, bytes: &[u8], accept: &str) -> ManifestForm {
    let accepts = |wanted: &str| {
        accept.split(',').any(|one| {
            one.split(';')
                .next()
                .is_some_and(|one| one.trim() == wanted || one.trim() == "*/*")
        })
    };
    if accepts(media_type) {
        return ManifestForm::Verbatim;
    }
    let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else {
        return ManifestForm::Verbatim;
    };
    match media_type {
        OCI_INDEX | DOCKER_LIST => {
            platform_child(&manifest).map_or(ManifestForm::Verbatim, ManifestForm::Child)
        }
        OCI_MANIFEST => {
            convert_to_docker(bytes).map_or(ManifestForm::Verbatim, ManifestForm::Docker)
        }
        _ => ManifestForm::Verbatim,
    }
}

/// The image for linux/amd64, or the first.
fn platform_child(index: &Value) -> Option<Digest> {
    let children = index.get("manifests")?.as_array()?;
    let usual = |child: &&Value| {
        child["platform"]["os"] == "linux" && child["platform"]["architecture"] == "amd64"
    };
    let child = children.iter().find(usual).or_else(|| children.first())?;
    Digest::parse(child.get("digest")?.as_str()?)
}

fn convert_to_docker(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut manifest: Value = serde_json::from_slice(bytes).ok()?;
    manifest["mediaType"] = OCI_MANIFEST.into();
    let text = DOCKER_TYPES
        .iter()
        .fold(manifest.to_string(), |text, (oci, docker)| {
            text.replace(&format!("\"{oci}\""), &format!("\"{docker}\""))
        });
    Some(text.into_bytes())
}

/// The media type of [`ManifestForm::Docker`].
pub(super) const DOCKER_MANIFEST_TYPE: &str = DOCKER_MANIFEST;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_accepted_comes_as_it_is() {
        assert_eq!(
            choose_form(OCI_INDEX, b"{}", &format!("{OCI_MANIFEST}, {OCI_INDEX}")),
            ManifestForm::Verbatim
        );
        assert_eq!(choose_form(OCI_INDEX, b"{}", "*/*"), ManifestForm::Verbatim);
        assert_eq!(
            choose_form(DOCKER_MANIFEST, b"{}", ""),
            ManifestForm::Verbatim
        );
    }

    #[test]
    fn an_index_becomes_the_usual_platforms_image() {
        let (arm, amd) = (Digest::compute(b"arm"), Digest::compute(b"amd"));
        let child = |digest: &Digest, architecture: &str| json!({ "digest": digest.to_string(), "platform": { "os": "linux", "architecture": architecture } });
        let index =
            json!({ "manifests": [child(&arm, "arm64"), child(&amd, "amd64")] }).to_string();
        assert_eq!(
            choose_form(OCI_INDEX, index.as_bytes(), OCI_MANIFEST),
            ManifestForm::Child(amd)
        );
    }

    #[test]
    fn an_oci_manifest_becomes_dockers() {
        let manifest =
            json!({ "config": { "mediaType": "application/vnd.oci.image.config.v1+json" } })
                .to_string();
        let ManifestForm::Docker(bytes) =
            choose_form(OCI_MANIFEST, manifest.as_bytes(), DOCKER_MANIFEST)
        else {
            panic!("converted")
        };
        let text = String::from_utf8(bytes).expect("text");
        assert!(
            text.contains(DOCKER_MANIFEST)
                && text.contains("docker.container.image")
                && !text.contains("oci"),
            "{text}"
        );
    }
}
