//! The image in the log: where it is, what was sent, which tags it has.

use crate::event::{DeferredTag, Parts, PinnedImage, Transfer};
use crate::sinks::console::sanitize_line;
use crate::steps::image::short_digest;
use crate::text::Text;

pub(super) fn format_pinned(image: &PinnedImage) -> String {
    let PinnedImage {
        image: name, tags, ..
    } = image;
    match &image.transfer {
        None => sanitize_line(&format!(
            "{name}{}, {} moved",
            format_tags(tags),
            format_bytes(image.moved)
        )),
        Some(transfer) => sanitize_line(&format!(
            "{name}{}: {}",
            format_tags(tags),
            format_transfer(transfer)
        )),
    }
}

fn format_tags(tags: &[String]) -> String {
    if tags.is_empty() {
        String::new()
    } else {
        format!(" as {}", tags.join(", "))
    }
}

/// What is printed at the push about a tag that is set at the end.
pub(super) fn format_deferred_tag(tag: &DeferredTag) -> String {
    match &tag.names {
        Some(digest) => format!(
            "tag {} names {} now; it moves last, when everything else has succeeded",
            tag.tag,
            short_digest(digest)
        ),
        None => format!(
            "tag {} is set last, when everything else has succeeded",
            tag.tag
        ),
    }
}

/// What is printed at the end about a tag that was not set.
pub(in crate::sinks) fn format_unset_tag(tag: &DeferredTag) -> String {
    match &tag.names {
        Some(digest) => format!(
            "{} was not moved to this image; it named {}",
            tag.tag,
            short_digest(digest)
        ),
        None => format!("{} was not set on this image", tag.tag),
    }
}

/// The line about a repository that was created.
pub(super) fn format_created_repository(repository: &str, with: &[Text]) -> String {
    let with = if with.is_empty() {
        "with ECR's defaults".to_owned()
    } else {
        with.join(", ")
    };
    format!("repository {repository} created: {with}; it is kept even if the deployment fails")
}

/// How many layers and configs were sent, mounted or skipped.
pub(in crate::sinks) fn format_transfer(transfer: &Transfer) -> String {
    if transfer.is_nothing() {
        return "already in the registry, 0 bytes moved".to_owned();
    }
    let part = |parts: Parts, what: &str| {
        format!("{} {what} ({})", parts.count, format_bytes(parts.bytes))
    };
    let others = [
        (transfer.mounted, "mounted"),
        (transfer.skipped, "there already"),
    ];
    let others = others
        .into_iter()
        .filter(|(parts, _)| parts.count > 0)
        .map(|(parts, what)| part(parts, what));
    std::iter::once(part(transfer.sent, "layers and configs sent"))
        .chain(others)
        .collect::<Vec<_>>()
        .join(", ")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a tenth of a mebibyte is precise enough for people"
)]
fn format_bytes(moved: u64) -> String {
    if moved < 10_240 {
        format!("{moved} bytes")
    } else {
        format!("{:.1} MiB", moved as f64 / 1_048_576.0)
    }
}
