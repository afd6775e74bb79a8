//! Sets the tags that were left for last. A tag that cannot be set changes nothing about what
//! serves: it is a warning.

use crate::error::chain_of;
use crate::event::fact::ImageFact;
use crate::event::{Event, Step, StepEnd};
use crate::registry::{self, PushError, Tag};
use crate::run::Run;
use crate::tags::DeferredTags;

/// Sets them one by one: ECR takes ten manifests a second from a whole account.
pub async fn set(run: &Run, deferred: &DeferredTags) {
    run.tell(Event::StepStarted { step: Step::Tags });
    for tag in &deferred.tags {
        match registry::retag(&deferred.target, &deferred.image, tag, &|_| {}).await {
            Ok(()) => run.tag_is_set(tag),
            Err(error) => run.tell(ImageFact::TagNotSet {
                why: not_set(deferred, tag, &error).into(),
            }),
        }
    }
    let left = run
        .deferred_tags()
        .map(|left| left.tags)
        .unwrap_or_default();
    let (end, result) = if left.is_empty() {
        (StepEnd::Done, names(&deferred.tags))
    } else {
        (StepEnd::Failed, format!("not set: {}", names(&left)))
    };
    run.tell(Event::StepEnded {
        step: Step::Tags,
        end,
        result: result.into(),
    });
}

/// Tags, as people write them.
pub fn names(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", ")
}

fn not_set(deferred: &DeferredTags, tag: &Tag, error: &PushError) -> String {
    let (repository, digest) = (&deferred.target.repository, deferred.image.digest());
    let command = format!(
        "aws ecr put-image --repository-name {repository} --image-tag {tag} --image-digest {digest} --image-manifest \"$(aws ecr batch-get-image --repository-name {repository} --image-ids imageDigest={digest} --query 'images[0].imageManifest' --output text)\""
    );
    let denied = matches!(error, PushError::Denied { .. })
        .then(|| "allow ecr:BatchGetImage and ecr:PutImage, or set it by hand");
    let what_to_do = denied.unwrap_or("deploy the same image again, or set it by hand");
    format!(
        "the tag {tag} could not be set: {}; {what_to_do}: {command}",
        chain_of(error).join(": ")
    )
}
