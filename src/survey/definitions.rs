//! The registered revisions that the plan starts from, or compares with.

use super::{ReadError, RegisteredRevision};
use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::Service;
use crate::aws::{Aws, AwsError, AwsErrorKind};
use crate::run::Run;
use crate::settings::{DefinitionSource, Settings};

#[derive(Default)]
pub(super) struct Definitions {
    pub(super) live: Option<RegisteredRevision>,
    pub(super) newest: Option<RegisteredRevision>,
    pub(super) base: Option<RegisteredRevision>,
}

/// Requests run at the same time, but results are reported in order: two denials of one action then
/// always give the same single line of log.
pub(super) async fn read_definitions(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Result<Definitions, ReadError> {
    let (live_described, newest_described, base) = tokio::join!(
        read_live_revision(run, service),
        read_newest_revision(run, settings, service),
        read_base_revision(run, settings)
    );
    let live = match (live_described, &settings.definition.source) {
        (None, _) => None,
        (Some(described), DefinitionSource::Live) => Some(described?),
        (Some(described), DefinitionSource::File(_) | DefinitionSource::Registered(_)) => run.optional_read("a definition that has not changed is registered again, and what changes is not shown",
            described,
        ),
    };
    let newest = newest_described.and_then(|described| match described {
        Err(error) if error.kind == AwsErrorKind::Refused => None, // the family has no revision yet
        described => run.optional_read(
            "a definition that has not changed is registered again",
            described,
        ),
    });
    Ok(Definitions {
        live,
        newest,
        base: base?,
    })
}

/// Needed when there is no file; otherwise it only shows what changes, and whether anything does.
async fn read_live_revision(
    run: &Run,
    service: Option<&Service>,
) -> Option<Result<RegisteredRevision, AwsError>> {
    let service = service.filter(|service| !service.revision().is_empty())?;
    Some(describe_revision(&run.aws, service.revision().as_str()).await)
}

/// The live revision, for those who can do without it.
pub(super) async fn read_live(run: &Run, service: Option<&Service>) -> Option<RegisteredRevision> {
    let described = read_live_revision(run, service).await?;
    run.optional_read(
        "what changed in the task definition is not shown",
        described,
    )
}

/// A run that was cut short may have registered it already. Without a service, the definition is
/// compared with it.
async fn read_newest_revision(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Option<Result<RegisteredRevision, AwsError>> {
    Some(describe_revision(&run.aws, definition_family(run, settings, service)?).await)
}

/// The family in which such a revision may be. A definition based on the live revision needs this
/// only when the job is run again: before, this run cannot have registered anything.
fn definition_family<'s>(
    run: &Run,
    settings: &'s Settings,
    service: Option<&'s Service>,
) -> Option<&'s str> {
    let of_revision = |revision: &'s str| {
        short_name(revision)
            .split(':')
            .next()
            .filter(|family| !family.is_empty())
    };
    match &settings.definition.source {
        DefinitionSource::File(definition) => definition["family"].as_str(),
        DefinitionSource::Live if run.runner.is_rerun() => {
            of_revision(service?.revision().as_str())
        }
        DefinitionSource::Registered(name) if run.runner.is_rerun() => of_revision(name),
        DefinitionSource::Live | DefinitionSource::Registered(_) => None,
    }
}

async fn read_base_revision(
    run: &Run,
    settings: &Settings,
) -> Result<Option<RegisteredRevision>, ReadError> {
    match &settings.definition.source {
        DefinitionSource::Registered(name) => Ok(Some(describe_revision(&run.aws, name).await?)),
        DefinitionSource::File(_) | DefinitionSource::Live => Ok(None),
    }
}

async fn describe_revision(aws: &Aws, revision: &str) -> Result<RegisteredRevision, AwsError> {
    let answer = aws.describe_task_definition(revision).await?;
    let arn = answer["taskDefinition"]["taskDefinitionArn"]
        .as_str()
        .unwrap_or(revision)
        .into();
    Ok(RegisteredRevision { arn, answer })
}
