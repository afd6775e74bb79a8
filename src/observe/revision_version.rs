//! Which version a revision is, as far as its image tells.

use serde_json::Value;

use crate::run::Run;

/// The version of a revision, for `${version}` in its smoke tests: a tag of its image that is not
/// `latest`.
pub async fn find_version(run: &Run, definition: &Value) -> Option<String> {
    let containers = definition["containerDefinitions"].as_array()?;
    for image in containers
        .iter()
        .filter_map(|container| container["image"].as_str())
    {
        let Some((repository, digest)) = image.split_once("@sha256:") else {
            let tag = image
                .rsplit_once(':')
                .map(|(_, tag)| tag)
                .filter(|tag| !tag.contains('/'));
            if tag.is_some() {
                return tag.map(str::to_owned);
            }
            continue;
        };
        let (registry, name) = repository.split_once('/')?;
        let tags = run
            .aws
            .describe_image_tags(registry, &name.into(), &format!("sha256:{digest}"))
            .await
            .unwrap_or_default();
        if let Some(tag) = tags.into_iter().find(|tag| tag != "latest") {
            return Some(tag);
        }
    }
    None
}
