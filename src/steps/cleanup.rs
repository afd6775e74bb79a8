//! Removes what nothing needs any more, in batches. A run that is killed has removed only what was
//! to go; the next one looks again.

use crate::aws::ecr_images::IMAGES_AT_ONCE;
use crate::cleanup::{FamilyRevision, StoredImage};
use crate::error::Failure;
use crate::event::fact::CleanupFact;
use crate::identity::{RepositoryName, RevisionArn};
use crate::run::Run;

/// What has gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CleanedCounts {
    /// Revisions that are deregistered.
    pub revisions: usize,
    /// Images that are deleted.
    pub images: usize,
    /// Images that ECR did not delete.
    pub kept_by_ecr: usize,
    /// Log groups that keep their lines for another time.
    pub log_groups: usize,
}

/// Deregisters revisions, oldest first. One that is deregistered already is as good.
///
/// # Errors
///
/// AWS refused, or did not answer.
pub async fn deregister(run: &Run, revisions: &[&FamilyRevision]) -> Result<usize, Failure> {
    for revision in revisions {
        let arn = RevisionArn::from(revision.name.as_str());
        run.mark_changed();
        run.aws.deregister_task_definition(&arn).await?;
        run.emit(CleanupFact::Deregistered { revision: arn });
    }
    Ok(revisions.len())
}

/// Deletes images, indexes before what they name. Returns how many went, and how many ECR kept.
///
/// # Errors
///
/// AWS refused, or did not answer.
pub async fn delete_images(
    run: &Run,
    repository: &RepositoryName,
    images: &[&StoredImage],
) -> Result<(usize, usize), Failure> {
    let (mut deleted, mut kept) = (0, 0);
    // ECR promises no order within one request.
    let is_index = |image: &&StoredImage| !image.parts.is_empty();
    let (indexes, others): (Vec<_>, Vec<_>) = images.iter().copied().partition(is_index);
    let batches = indexes.chunks(IMAGES_AT_ONCE);
    for some in batches.chain(others.chunks(IMAGES_AT_ONCE)) {
        let digests: Vec<String> = some.iter().map(|image| image.digest.clone()).collect();
        run.mark_changed();
        let failed = run.aws.delete_images(repository, &digests).await?;
        for failure in &failed {
            let image = some.iter().find(|image| image.digest == failure.digest);
            run.emit(CleanupFact::ImageStays {
                image: image.map_or_else(|| failure.digest.clone(), |image| image.describe()),
                why: format!("{} ({})", failure.why, failure.code).into(),
            });
        }
        let count = some.len().saturating_sub(failed.len());
        (deleted, kept) = (deleted + count, kept + failed.len());
        if count > 0 {
            run.emit(CleanupFact::ImagesDeleted {
                count,
                repository: repository.to_string(),
            });
        }
    }
    Ok((deleted, kept))
}

/// Sets how long log groups keep their lines.
///
/// # Errors
///
/// AWS refused, or did not answer.
pub async fn set_retention(run: &Run, groups: &[String], days: i64) -> Result<usize, Failure> {
    for group in groups {
        run.mark_changed();
        run.aws.set_log_retention(group, days).await?;
        run.emit(CleanupFact::RetentionSet {
            group: group.clone(),
            days,
        });
    }
    Ok(groups.len())
}
