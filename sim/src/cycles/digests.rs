//! Finds the digests of images that a service revision names by tag only, as ECS does when a
//! deployment starts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::account::Account;
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// After this time a missing image is no longer looked up.
const GIVE_UP_AFTER_MS: i64 = 60_000;

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
pub(super) async fn run(cloud: Arc<Cloud>) {
    loop {
        resolve_missing(&cloud).await;
        tokio::time::sleep(ROUND).await;
    }
}

/// Asks the registry for the digests that are missing.
async fn resolve_missing(cloud: &Cloud) {
    for missing in cloud.read(find_unresolved) {
        let Some((repository, tag)) = split_image(&missing.image) else {
            continue;
        };
        let Ok(manifest) = cloud.world.fetch_manifest(repository, tag).await else {
            continue;
        };
        cloud.change(|account| {
            let revision = account
                .service_revisions
                .iter_mut()
                .find(|revision| revision.arn == missing.revision);
            if let Some(image) =
                revision.and_then(|revision| revision.images.get_mut(missing.index))
            {
                image["imageDigest"] = json!(manifest.digest);
            }
        });
    }
}

fn find_unresolved(account: &Account) -> Vec<Unresolved> {
    let young = account
        .service_revisions
        .iter()
        .filter(|revision| now_ms() - revision.created_ms < GIVE_UP_AFTER_MS);
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
fn split_image(image: &str) -> Option<(&str, &str)> {
    let (_, name) = image.split_once('/')?;
    Some(name.rsplit_once(':').unwrap_or((name, "latest")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_looked_up_by_its_repository_and_tag() {
        assert_eq!(
            split_image("127.0.0.1:5000/team/app:1.0.0"),
            Some(("team/app", "1.0.0"))
        );
        assert_eq!(split_image("registry/app"), Some(("app", "latest")));
        assert_eq!(split_image("app"), None);
    }
}
