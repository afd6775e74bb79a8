//! Finds the digests of images that a service revision names by tag only, as ECS does when a
//! deployment starts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::account::Account;
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// An image that is not there for so long will not come.
const PATIENCE_MS: i64 = 60_000;

/// An image whose digest is still to be found: the service revision, the container's place in it,
/// and the image.
struct Unresolved {
    revision: String,
    index: usize,
    image: String,
}

/// A registry that is slow to answer is not asked more often.
const ROUND: Duration = Duration::from_millis(100);

/// Keeps asking, for as long as the stage lives.
pub(super) async fn keep(cloud: Arc<Cloud>) {
    loop {
        resolve(&cloud).await;
        tokio::time::sleep(ROUND).await;
    }
}

/// Asks the registry for the digests that are missing.
async fn resolve(cloud: &Cloud) {
    for open in cloud.look(unresolved) {
        let Some((repository, tag)) = repository_and_tag(&open.image) else {
            continue;
        };
        let Ok(manifest) = cloud.world.manifest(repository, tag).await else {
            continue;
        };
        cloud.change(|account| {
            let revision = account
                .service_revisions
                .iter_mut()
                .find(|revision| revision.arn == open.revision);
            if let Some(image) = revision.and_then(|revision| revision.images.get_mut(open.index)) {
                image["imageDigest"] = json!(manifest.digest);
            }
        });
    }
}

fn unresolved(account: &Account) -> Vec<Unresolved> {
    let young = account
        .service_revisions
        .iter()
        .filter(|revision| now_ms() - revision.created_ms < PATIENCE_MS);
    let images = young.flat_map(|revision| {
        revision
            .images
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(move |image| (revision, image))
    });
    images
        .filter(|(_, (_, image))| image.get("imageDigest").is_none())
        .filter_map(|(revision, (index, image))| {
            let image = image.get("image").and_then(Value::as_str)?.to_owned();
            Some(Unresolved {
                revision: revision.arn.clone(),
                index,
                image,
            })
        })
        .collect()
}

/// `HOST/REPOSITORY:TAG` without its host.
fn repository_and_tag(image: &str) -> Option<(&str, &str)> {
    let (_, name) = image.split_once('/')?;
    Some(name.rsplit_once(':').unwrap_or((name, "latest")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_looked_up_by_its_repository_and_tag() {
        assert_eq!(
            repository_and_tag("127.0.0.1:5000/team/app:1.0.0"),
            Some(("team/app", "1.0.0"))
        );
        assert_eq!(repository_and_tag("registry/app"), Some(("app", "latest")));
        assert_eq!(repository_and_tag("app"), None);
    }
}
