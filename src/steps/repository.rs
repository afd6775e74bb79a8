//! Creates the missing repository, as it was asked for. That is not undone: the next run needs it
//! too.

use crate::aws::ecr_repositories::{RepositoryCreation, lifecycle_policy};
use crate::documents::new_repository::{NewRepository, TagRule};
use crate::error::Failure;
use crate::event::Event;
use crate::event::fact::ImageFact;
use crate::plan::{RepositoryNeed, RepositoryPlan};
use crate::run::Run;
use crate::survey::SurveyedRepository;

/// How often CreateRepository is tried when its answer is lost. A second request cannot make a
/// second repository: it is refused, which answers the question.
const TRIES: usize = 3;

/// Creates the repository before the push, where it is missing.
pub(super) async fn ensure_repository(run: &Run, plan: &RepositoryPlan) -> Result<(), Failure> {
    match &plan.need {
        RepositoryNeed::Nothing | RepositoryNeed::CreatedByPush(_) => Ok(()),
        RepositoryNeed::Create(wanted) => create_and_report(run, &plan.seen, wanted).await,
    }
}

/// Reports the repository that the push itself made.
pub(super) fn report_made_by_push(run: &Run, plan: &RepositoryPlan) {
    if let RepositoryNeed::CreatedByPush(prefix) = &plan.need {
        run.emit(ImageFact::RepositoryByPush {
            repository: plan.seen.full_name(),
            template: prefix.clone(),
        });
    }
}

async fn create_and_report(
    run: &Run,
    seen: &SurveyedRepository,
    wanted: &NewRepository,
) -> Result<(), Failure> {
    match create(run, seen, wanted).await? {
        RepositoryCreation::Created => {
            run.emit(Event::RepositoryCreated {
                repository: seen.full_name(),
                with: describe_settings(wanted)
                    .into_iter()
                    .map(Into::into)
                    .collect(),
            });
            set_lifecycle(run, seen, wanted).await;
        }
        RepositoryCreation::AlreadyExists => {
            run.emit(ImageFact::RepositoryMeanwhile {
                repository: seen.full_name(),
            });
        }
    }
    Ok(())
}

async fn create(
    run: &Run,
    seen: &SurveyedRepository,
    wanted: &NewRepository,
) -> Result<RepositoryCreation, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        match run
            .aws
            .create_repository(&seen.registry, &seen.name, wanted)
            .await
        {
            // An earlier try of ours may have made it, so it counts as ours.
            Ok(_) if tries > 1 => return Ok(RepositoryCreation::Created),
            Ok(created) => return Ok(created),
            Err(error) if error.may_have_landed() && tries < TRIES => {}
            Err(error) => {
                let is_key = error.has_code("Kms");
                let failure = Failure::from(error);
                return Err(if is_key {
                    failure.with_hint("check kms-key: it must be in the repository's region, and the role must be allowed to use it")
                } else {
                    failure
                });
            }
        }
    }
}

/// Sets the lifecycle policy. A failure is a warning: images that are kept for too long endanger no
/// deployment.
async fn set_lifecycle(run: &Run, seen: &SurveyedRepository, wanted: &NewRepository) {
    let Some(count) = wanted.max_images else {
        return;
    };
    if let Err(error) = run
        .aws
        .put_lifecycle_policy(&seen.registry, &seen.name, count)
        .await
    {
        let (name, region, policy) = (&seen.name, &seen.registry.region, lifecycle_policy(count));
        let command = format!(
            "aws ecr put-lifecycle-policy --repository-name {name} --region {region} --lifecycle-policy-text '{policy}'"
        );
        run.emit(ImageFact::KeepsEverything {
            error: error.to_string().into(),
            command,
        });
    }
}

/// The wanted settings, in words.
fn describe_settings(wanted: &NewRepository) -> Vec<String> {
    let scan = wanted.scan_on_push.map(|scan| {
        if scan {
            "images are scanned when they are pushed"
        } else {
            "images are not scanned"
        }
        .to_owned()
    });
    let keep = wanted
        .max_images
        .map(|count| format!("the newest {count} images are kept"));
    let key = wanted
        .kms_key
        .as_ref()
        .map(|key| format!("encrypted with {key}"));
    [scan, keep, wanted.tags.as_ref().map(describe_tag_rule), key]
        .into_iter()
        .flatten()
        .collect()
}

fn describe_tag_rule(rule: &TagRule) -> String {
    match rule {
        TagRule::Mutable => "tags may move".to_owned(),
        TagRule::Immutable => "tags are immutable".to_owned(),
        TagRule::ImmutableExcept(filters) => {
            format!("tags are immutable but {}", filters.join(", "))
        }
        TagRule::ImmutableOnly(filters) => format!("tags {} are immutable", filters.join(", ")),
    }
}
