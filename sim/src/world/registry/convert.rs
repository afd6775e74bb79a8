//! What ECR makes of a manifest that is asked for by tag when `Accept` does not name its type.
//! Pure; the result has another digest.

use serde_json::Value;

use crate::world::digest::Digest;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// OCI's types, and Docker's for the same.
const DOCKERS: [(&str, &str); 4] = [
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
pub(super) enum Form {
    /// The manifest as it is.
    Verbatim,
    /// One of its children.
    Child(Digest),
    /// The same, in Docker's words.
    Docker(Vec<u8>),
}

/// The form in which a manifest of this type is answered. Who accepts nothing in particular accepts
/// Docker's manifest.
pub(super) fn form(media_type: &str, bytes: &[u8], accept: &str) -> Form {
    let accepts = |wanted: &str| {
        accept.split(',').any(|one| {
            one.split(';')
                .next()
                .is_some_and(|one| one.trim() == wanted || one.trim() == "*/*")
        })
    };
    if accepts(media_type) {
        return Form::Verbatim;
    }
    let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else {
        return Form::Verbatim;
    };
    match media_type {
        OCI_INDEX | DOCKER_LIST => child(&manifest).map_or(Form::Verbatim, Form::Child),
        OCI_MANIFEST => docker(bytes).map_or(Form::Verbatim, Form::Docker),
        _ => Form::Verbatim,
    }
}

/// The image for linux/amd64, or the first.
fn child(index: &Value) -> Option<Digest> {
    let children = index.get("manifests")?.as_array()?;
    let usual = |child: &&Value| {
        child["platform"]["os"] == "linux" && child["platform"]["architecture"] == "amd64"
    };
    let child = children.iter().find(usual).or_else(|| children.first())?;
    Digest::parse(child.get("digest")?.as_str()?)
}

fn docker(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut manifest: Value = serde_json::from_slice(bytes).ok()?;
    manifest["mediaType"] = OCI_MANIFEST.into();
    let text = DOCKERS
        .iter()
        .fold(manifest.to_string(), |text, (oci, docker)| {
            text.replace(&format!("\"{oci}\""), &format!("\"{docker}\""))
        });
    Some(text.into_bytes())
}

/// The media type of [`Form::Docker`].
pub(super) const DOCKERS_TYPE: &str = DOCKER_MANIFEST;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_accepted_comes_as_it_is() {
        assert_eq!(
            form(OCI_INDEX, b"{}", &format!("{OCI_MANIFEST}, {OCI_INDEX}")),
            Form::Verbatim
        );
        assert_eq!(form(OCI_INDEX, b"{}", "*/*"), Form::Verbatim);
        assert_eq!(form(DOCKER_MANIFEST, b"{}", ""), Form::Verbatim);
    }

    #[test]
    fn an_index_becomes_the_usual_platforms_image() {
        let (arm, amd) = (Digest::of(b"arm"), Digest::of(b"amd"));
        let child = |digest: &Digest, architecture: &str| json!({ "digest": digest.to_string(), "platform": { "os": "linux", "architecture": architecture } });
        let index =
            json!({ "manifests": [child(&arm, "arm64"), child(&amd, "amd64")] }).to_string();
        assert_eq!(
            form(OCI_INDEX, index.as_bytes(), OCI_MANIFEST),
            Form::Child(amd)
        );
    }

    #[test]
    fn an_oci_manifest_becomes_dockers() {
        let manifest =
            json!({ "config": { "mediaType": "application/vnd.oci.image.config.v1+json" } })
                .to_string();
        let Form::Docker(bytes) = form(OCI_MANIFEST, manifest.as_bytes(), DOCKER_MANIFEST) else {
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
