//! Sets the deferred tags. A tag that cannot be set changes nothing about what serves: it is a
//! warning.

use crate::error::cause_chain;
use crate::event::fact::ImageFact;
use crate::event::{Event, Step, StepEnd};
use crate::registry::{self, PushError, Tag};
use crate::run::Run;
use crate::tags::DeferredTags;

/// Sets them one by one: ECR takes ten manifests a second from a whole account.
pub async fn set(run: &Run, deferred: &DeferredTags) {
    run.emit(Event::StepStarted { step: Step::Tags });
    for tag in &deferred.tags {
        match registry::retag(&deferred.target, &deferred.image, tag, &|_| {}).await {
            Ok(()) => run.mark_tag_set(tag),
            Err(error) => run.emit(ImageFact::TagNotSet {
                why: explain_not_set(deferred, tag, &error).into(),
            }),
        }
    }
    let unset = run
        .deferred_tags()
        .map(|left| left.tags)
        .unwrap_or_default();
    let (end, result) = if unset.is_empty() {
        (StepEnd::Done, join_names(&deferred.tags))
    } else {
        (StepEnd::Failed, format!("not set: {}", join_names(&unset)))
    };
    run.emit(Event::StepEnded {
        step: Step::Tags,
        end,
        result: result.into(),
    });
}

/// The tags in one text, separated by commas.
pub fn join_names(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", ")
}

fn explain_not_set(deferred: &DeferredTags, tag: &Tag, error: &PushError) -> String {
    let (repository, digest) = (&deferred.target.repository, deferred.image.digest());
    let command = format!(
        "aws ecr put-image --repository-name {repository} --image-tag {tag} --image-digest {digest} --image-manifest \"$(aws ecr batch-get-image --repository-name {repository} --image-ids imageDigest={digest} --query 'images[0].imageManifest' --output text)\""
    );
    let denied = matches!(error, PushError::Denied { .. })
        .then(|| "allow ecr:BatchGetImage and ecr:PutImage, or set it by hand");
    let what_to_do = denied.unwrap_or("deploy the same image again, or set it by hand");
    format!(
        "the tag {tag} could not be set: {}; {what_to_do}: {command}",
        cause_chain(error).join(": ")
    )
}
