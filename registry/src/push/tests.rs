mod fake_registry;
mod layout;

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;

use self::fake_registry::{FakeRegistry, target};
use self::layout::Layout;
use super::*;
use crate::blob::BlobLocation;

async fn write_image(architecture: &str) -> (Layout, Source) {
    let layout = Layout::new();
    let root = layout.write_image(architecture);
    let source = layout.find(root).await;
    (layout, source)
}

fn parse_tags(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// Pushes with these options, and returns what was reported too.
async fn push_with(
    source: &Source,
    to: &Target,
    options: PushOptions<'_>,
) -> (Result<Pushed, PushError>, Vec<Progress>) {
    let reports = Mutex::new(Vec::new());
    let result = push(source, to, options, &|progress| {
        reports.lock().unwrap().push(progress);
    })
    .await;
    (result, reports.into_inner().unwrap())
}

async fn push_tags(source: &Source, to: &Target, names: &[&str]) -> Pushed {
    let tags = parse_tags(names);
    let options = PushOptions {
        tags: &tags,
        ..PushOptions::default()
    };
    push_with(source, to, options).await.0.unwrap()
}

#[tokio::test]
async fn blobs_are_sent_before_the_manifest_and_nothing_is_sent_twice() {
    let ((registry, to), (_layout, source)) = (FakeRegistry::start(), write_image("amd64").await);
    let names = parse_tags(&["v1", "latest"]);
    let options = PushOptions {
        tags: &names,
        ..PushOptions::default()
    };
    let (pushed, reports) = push_with(&source, &to, options).await;
    let pushed = pushed.unwrap();
    let writes = registry.lock().unwrap().write_requests();
    let mut sorted = writes.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "POST blobs/uploads/",
            "POST blobs/uploads/",
            "PUT manifests/latest",
            "PUT manifests/v1",
            "PUT upload",
            "PUT upload"
        ]
    );
    assert_eq!(writes[4..], ["PUT manifests/v1", "PUT manifests/latest"]);
    assert_eq!(
        (pushed.uploaded, pushed.existing, pushed.mounted),
        (2, 0, 0)
    );
    assert_eq!((&pushed.tags, pushed.mount_refused), (&names, 0));
    let sent: u64 = reports
        .iter()
        .filter_map(|progress| match progress {
            Progress::Uploaded { bytes, .. } => Some(*bytes),
            _ => None,
        })
        .sum();
    assert_eq!((pushed.bytes_moved, sent > 5), (sent, true));
    assert_eq!(Some(&pushed.digest), source.digest());
    assert_eq!(pushed.facts.images.len(), 1);
    let tagged = |progress: &&Progress| matches!(progress, Progress::Tagged { .. });
    assert_eq!(reports.iter().filter(tagged).count(), 2);

    let again = push_tags(&source, &to, &["v1"]).await;
    assert_eq!(
        (again.uploaded, again.existing, again.bytes_moved),
        (0, 2, 0)
    );
    assert!(registry.lock().unwrap().write_requests().is_empty());

    let more = push_tags(&source, &to, &["v1", "v2"]).await;
    assert_eq!((more.existing, more.tags), (2, parse_tags(&["v1", "v2"])));
    assert_eq!(
        registry.lock().unwrap().write_requests(),
        ["PUT manifests/v2"]
    );
}

#[tokio::test]
async fn blobs_that_the_registry_has_are_not_sent_and_an_untagged_image_is_written_by_digest() {
    let ((registry, to), (_layout, source)) = (FakeRegistry::start(), write_image("amd64").await);
    let layer = Digest::compute(b"layer").to_string();
    registry.lock().unwrap().blobs.insert(layer);
    let (pushed, reports) = push_with(&source, &to, PushOptions::default()).await;
    let pushed = pushed.unwrap();
    assert_eq!((pushed.uploaded, pushed.existing), (1, 1));
    let existing = |progress: &Progress| matches!(progress, Progress::Existing { bytes: 5, .. });
    assert!(reports.iter().any(existing));
    let writes = registry.lock().unwrap().write_requests();
    assert_eq!(
        writes,
        [
            "POST blobs/uploads/".to_owned(),
            "PUT upload".to_owned(),
            format!("PUT manifests/{}", pushed.digest)
        ]
    );
    push_with(&source, &to, PushOptions::default())
        .await
        .0
        .unwrap();
    assert!(registry.lock().unwrap().write_requests().is_empty());
}

#[tokio::test]
async fn what_an_index_lists_is_written_before_it_unless_the_registry_has_it() {
    let (registry, to) = FakeRegistry::start();
    let (_first, amd64) = write_image("amd64").await;
    let known = push_tags(&amd64, &to, &[]).await.digest;
    registry.lock().unwrap().write_requests();
    let layout = Layout::new();
    let children = [layout.write_image("amd64"), layout.write_image("arm64")];
    let arm64 = children[1]["digest"].as_str().unwrap().to_owned();
    let index = json!({"schemaVersion": 2, "manifests": children}).to_string();
    let root = layout.write_blob("application/vnd.oci.image.index.v1+json", &index);
    let source = layout.find(root).await;
    let (names, cache_from) = (parse_tags(&["v1"]), [known]);
    let options = PushOptions {
        tags: &names,
        cache_from: &cache_from,
        ..PushOptions::default()
    };
    let pushed = push_with(&source, &to, options).await.0.unwrap();
    assert_eq!((pushed.uploaded, pushed.existing), (1, 2));
    assert_eq!(
        registry.lock().unwrap().write_requests()[2..],
        [
            format!("PUT manifests/{arm64}"),
            "PUT manifests/v1".to_owned()
        ]
    );
}

#[tokio::test]
async fn tags_of_other_images_can_be_left_and_set_later() {
    let (registry, to) = FakeRegistry::start();
    let ((_one, old), (_two, new)) = (write_image("amd64").await, write_image("arm64").await);
    let old = push_tags(&old, &to, &["latest"]).await;
    let (names, always) = (
        parse_tags(&["new", "latest", "live"]),
        parse_tags(&["live"]),
    );
    let options = PushOptions {
        tags: &names,
        deferral: TagDeferral::NamingOthers(&always),
        ..PushOptions::default()
    };
    let pushed = push_with(&new, &to, options).await.0.unwrap();
    let [_, latest, live] = names.try_into().unwrap();
    assert_eq!(pushed.tags, parse_tags(&["new"]));
    assert_eq!(
        pushed.deferred_tags,
        [
            (latest.clone(), Some(old.digest.clone())),
            (live.clone(), None)
        ]
    );

    let named = |tag| resolve(&to, ManifestReference::Tag(tag), &|_| {});
    assert_eq!(named(&latest).await.unwrap(), Some(old.digest.clone()));
    assert_eq!(named(&live).await.unwrap(), None);
    registry.lock().unwrap().write_requests();
    retag(&to, &pushed.root, &latest, &|_| {}).await.unwrap();
    retag(&to, &pushed.root, &latest, &|_| {}).await.unwrap();
    assert_eq!(
        registry.lock().unwrap().write_requests(),
        ["PUT manifests/latest"]
    );
    assert_eq!(named(&latest).await.unwrap(), Some(pushed.digest.clone()));

    registry.lock().unwrap().denies_reading_tags = true;
    retag(&to, &old.root, &latest, &|_| {}).await.unwrap();
    assert_eq!(
        registry.lock().unwrap().write_requests(),
        ["PUT manifests/latest"]
    );
    assert!(matches!(
        named(&latest).await,
        Err(PushError::Denied { .. })
    ));
}

#[tokio::test]
async fn an_immutable_tag_of_another_image_is_refused_before_anything_is_sent() {
    let (registry, to) = FakeRegistry::start();
    let ((_one, old), (_two, new)) = (write_image("amd64").await, write_image("arm64").await);
    push_tags(&old, &to, &["v1"]).await;
    registry.lock().unwrap().write_requests();
    let names = parse_tags(&["v1"]);
    let options = PushOptions {
        tags: &names,
        immutable: &names,
        ..PushOptions::default()
    };
    assert!(push_with(&old, &to, options).await.0.is_ok());
    let error = push_with(&new, &to, options).await.0.unwrap_err();
    assert!(matches!(error, PushError::TagTaken { .. }), "{error}");
    assert!(registry.lock().unwrap().write_requests().is_empty());
}

#[tokio::test]
async fn contents_that_the_registry_lost_are_sent_in_a_second_attempt_and_not_in_a_third() {
    let ((registry, to), (_layout, source)) = (FakeRegistry::start(), write_image("amd64").await);
    let names = parse_tags(&["v1"]);
    let options = PushOptions {
        tags: &names,
        ..PushOptions::default()
    };
    registry.lock().unwrap().refusal = Some("MANIFEST_BLOB_UNKNOWN");
    let (pushed, reports) = push_with(&source, &to, options).await;
    assert_eq!(pushed.unwrap().existing, 2);
    let retrying = |progress: &Progress| matches!(progress, Progress::Retrying { .. });
    assert!(reports.iter().any(retrying));

    let (_other, source) = write_image("arm64").await;
    registry.lock().unwrap().refusal = Some("MANIFEST_INVALID");
    let (result, reports) = push_with(&source, &to, options).await;
    assert!(matches!(result, Err(PushError::Refused { .. })));
    assert!(!reports.iter().any(retrying));
}

/// A blob of five bytes that claims to have `size`.
fn test_blob(size: u64) -> Blob {
    let mut file: File = tempfile::tempfile().unwrap();
    file.write_all(b"layer").unwrap();
    Blob {
        digest: Digest::compute(b"layer"),
        size,
        location: BlobLocation::Span {
            file: Arc::new(file),
            offset: 0,
        },
    }
}

#[tokio::test]
async fn a_blob_that_occurs_twice_is_sent_once() {
    let ((registry, to), (_layout, source)) = (FakeRegistry::start(), write_image("amd64").await);
    let client = Registry::new(&to).unwrap();
    let transfer = Transfer {
        registry: &client,
        source: &source,
        options: PushOptions::default(),
        report: &|_| {},
    };
    let (sender, receiver) = mpsc::channel(2);
    for _ in 0..2 {
        sender.send(test_blob(5)).await.unwrap();
    }
    drop(sender);
    let moved = transfer
        .transfer_blobs(&KnownContents::default(), receiver)
        .await
        .unwrap();
    assert_eq!((moved.uploaded, moved.existing, moved.bytes), (1, 0, 5));
    assert_eq!(registry.lock().unwrap().write_requests().len(), 2);
}

#[tokio::test]
async fn a_layer_that_ecr_does_not_take_is_refused_before_ecr_is_asked() {
    let (_layout, source) = write_image("amd64").await;
    let to = target("https://1.dkr.ecr.eu-west-1.amazonaws.com");
    let client = Registry::new(&to).unwrap();
    let transfer = Transfer {
        registry: &client,
        source: &source,
        options: PushOptions::default(),
        report: &|_| {},
    };
    let mut known = KnownContents::default();
    let check =
        async |known: &KnownContents, size| transfer.check_blob(known, test_blob(size)).await;
    assert!(matches!(
        check(&known, ecr::MAX_LAYER_BYTES + 1).await,
        Err(PushError::LayerTooLarge { .. })
    ));
    known.add(source.root().unwrap().clone());
    assert!(matches!(
        check(&known, ecr::MAX_LAYER_BYTES).await,
        Ok((_, BlobState::Present(BlobOutcome::Existing)))
    ));
}

#[test]
fn blobs_are_counted_by_how_the_registry_got_them() {
    let mut counts = TransferCounts::default();
    for outcome in [
        BlobOutcome::Existing,
        BlobOutcome::Mounted,
        BlobOutcome::Mounted,
        BlobOutcome::Uploaded,
        BlobOutcome::Copied,
        BlobOutcome::Copied,
    ] {
        counts.count_blob(&test_blob(7), outcome, &|_| {});
    }
    assert_eq!(
        (counts.existing, counts.mounted, counts.uploaded),
        (1, 2, 3)
    );
    assert_eq!((counts.mount_refused, counts.bytes), (2, 21));
}
