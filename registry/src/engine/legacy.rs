//! The directories in Docker's oldest form of export, `ID/layer.tar`, which engines before 25
//! write. Pure.
//!
//! Each id is the digest of a document that lists the layers below (moby `image/v1/imagev1.go`,
//! `CreateID`; `image/tarexport/save.go`), so it says which layer is in the directory. That of the
//! topmost layer also depends on the config of the image, and is not computed here. An engine whose
//! clock is not in UTC writes other ids; its layers are identified by their contents.

use std::collections::HashMap;

use crate::digest::Digest;

/// The empty container config, as all versions wrote it.
const EMPTY_CONTAINER_CONFIG: &str = r#"{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null}"#;

/// The diff id of the layer in each directory.
pub(super) fn layer_directories(diff_ids: &[Digest]) -> HashMap<String, Digest> {
    let (mut directories, mut chain, mut parent) = (HashMap::new(), None, None);
    let below_the_topmost = diff_ids.split_last().map_or(&[][..], |(_, below)| below);
    for diff_id in below_the_topmost {
        let layer = chain_id(chain, diff_id);
        let id = directory_id(&layer, parent.as_ref());
        directories.insert(id.hex().to_owned(), diff_id.clone());
        (chain, parent) = (Some(layer), Some(id));
    }
    directories
}

/// OCI image specification, "Layer ChainID".
fn chain_id(below: Option<Digest>, diff_id: &Digest) -> Digest {
    below.map_or_else(
        || diff_id.clone(),
        |below| Digest::compute(format!("{below} {diff_id}").as_bytes()),
    )
}

fn directory_id(layer: &Digest, parent: Option<&Digest>) -> Digest {
    let parent = parent.map_or_else(String::new, |parent| format!(r#","parent":"{parent}""#));
    Digest::compute(format!(r#"{{"container_config":{EMPTY_CONTAINER_CONFIG},"created":"1970-01-01T00:00:00Z","layer_id":"{layer}"{parent}}}"#).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_a_real_export_are_known_by_their_layers() {
        // Docker 20.10's export of an image of three layers.
        let diff_ids: Vec<Digest> = [
            "sha256:fd8899c7b23955debfd48ff256d649db1d7d02b7160d7473cc30e8b61e781943",
            "sha256:7949e7eced6eb1dc1c5a0795ad89300edd479478369d7d356c4cd21bc868b817",
            "sha256:71a6a92588f3238e9322ba6bb16a7ed0b83b54fee5fb69a35337096557a5b7aa",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        let expected = HashMap::from([
            (
                "2d386fabad228b7a92450b2a863bde5ac44c0f8266ddafd3cfbccabace2f92c6".to_owned(),
                diff_ids[0].clone(),
            ),
            (
                "92bfd9632aa5b72f5fca24cc403d3782c75de59353104bde221d19ea1f79ad23".to_owned(),
                diff_ids[1].clone(),
            ),
        ]);
        assert_eq!(layer_directories(&diff_ids), expected);
        assert!(layer_directories(&[]).is_empty());
    }
}
