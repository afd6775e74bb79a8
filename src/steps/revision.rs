//! Registers the task definition, unless it is registered already; what AWS did not keep is
//! reported.

use serde_json::Value;

use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::choices::DroppedFields;
use crate::documents::compare::{ShownField, diff, find_lost_values, is_equivalent};
use crate::documents::described::from_described;
use crate::documents::task_definition::with_image;
use crate::error::{Explain, Failure};
use crate::event::fact::{AwsFact, RevisionFact, SoughtEffect};
use crate::event::{DeployedRevision, Event};
use crate::identity::RevisionArn;
use crate::outcome::Reason;
use crate::plan::Plan;
use crate::run::Run;
use crate::steps::image::ResolvedImage;
use crate::undo::{RevisionUndo, Undo};

/// Lines of the difference shown in the log.
const MAX_DIFF_LINES: usize = 20;

/// The revision that is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// ARN of the revision.
    pub arn: RevisionArn,
    /// Its definition as it was sent.
    pub definition: Value,
    /// Whether this run registered it.
    pub registered: bool,
}

/// AWS did not register it.
#[derive(Debug, thiserror::Error)]
#[error("the task definition could not be registered")]
pub struct RevisionError(#[from] AwsError);

impl Explain for RevisionError {
    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn hint(&self) -> Option<String> {
        let passes_role = self.0.message.contains("iam:PassRole");
        passes_role
            .then(|| {
                format!(
                    "allow iam:PassRole on {} for the role that the job uses (docs/iam.md)",
                    self.0.resource()
                )
            })
            .or_else(|| self.0.hint())
    }
}

/// Registers the plan's definition with the image in it.
pub async fn ensure_registered(
    run: &Run,
    plan: &Plan,
    image: Option<&ResolvedImage>,
) -> Result<Revision, Failure> {
    let definition = image.map_or_else(
        || plan.definition.clone(),
        |image| with_image(&plan.definition, &plan.image_containers, &image.image),
    );
    if let Some(same) = plan
        .comparable_revisions
        .iter()
        .find(|registered| is_equivalent(&definition, &registered.answer))
    {
        report_revision(run, &same.arn, plan, RevisionOrigin::Found);
        return Ok(Revision {
            arn: same.arn.clone(),
            definition,
            registered: false,
        });
    }
    let changes = plan
        .comparable_revisions
        .first()
        .map(|registered| list_changes(&registered.answer, &definition, &plan.shown_values))
        .unwrap_or_default();
    let answer = register(run, &definition).await?;
    let arn = arn_of(&answer).map_err(RevisionError)?;
    run.arm(Undo::Revision(RevisionUndo {
        arn: arn.clone(),
        service: plan.rollout.as_ref().map(|rollout| rollout.place.clone()),
    }));
    let dropped: Vec<String> = find_lost_values(&definition, &answer)
        .iter()
        .map(|path| format!("`{path}`"))
        .collect();
    report_revision(run, &arn, plan, RevisionOrigin::Registered { changes });
    match plan.dropped_fields {
        DroppedFields::Refused if !dropped.is_empty() => {
            return Err(dropped_fields_failure(&arn, &dropped));
        }
        DroppedFields::Refused => {}
        DroppedFields::Allowed => dropped.iter().for_each(|path| {
            run.emit(RevisionFact::FieldDropped {
                path: path.clone().into(),
            });
        }),
    }
    Ok(Revision {
        arn,
        definition,
        registered: true,
    })
}

/// AWS dropped fields of the definition: what runs would not be what was asked for.
fn dropped_fields_failure(arn: &RevisionArn, paths: &[String]) -> Failure {
    let sentence = format!(
        "AWS did not keep {} of the task definition, so {} is not rolled out",
        paths.join(", "),
        short_name(arn)
    );
    Failure::new(Reason::FieldsDropped, sentence).with_hint(
        "check the spelling and the value; allow-dropped-fields: true rolls it out without them",
    )
}

enum RevisionOrigin {
    Registered {
        /// What changed, line by line.
        changes: Vec<String>,
    },
    /// An earlier run, or somebody else, registered it.
    Found,
}

fn report_revision(run: &Run, arn: &RevisionArn, plan: &Plan, origin: RevisionOrigin) {
    let (changes, registered) = match origin {
        RevisionOrigin::Registered { changes } => (changes, true),
        RevisionOrigin::Found => (Vec::new(), false),
    };
    let previous = plan
        .rollout
        .as_ref()
        .map(|rollout| rollout.blue.revision.clone())
        .filter(|blue| !blue.is_empty());
    run.emit(Event::Revision(DeployedRevision {
        arn: arn.clone(),
        registered,
        previous,
        changes: changes.into_iter().map(Into::into).collect(),
    }));
}

fn list_changes(registered: &Value, definition: &Value, shown: &[ShownField]) -> Vec<String> {
    let lines = diff(&from_described(registered), definition, shown);
    let more = lines.len().saturating_sub(MAX_DIFF_LINES);
    let shown = lines.iter().take(MAX_DIFF_LINES).map(ToString::to_string);
    shown
        .chain((more > 0).then(|| format!("… and {more} more")))
        .collect()
}

/// Registers once. When the answer is lost, AWS is asked whether the revision is there: registering
/// again would make a twin.
async fn register(run: &Run, definition: &Value) -> Result<Value, RevisionError> {
    let error = match run.aws.register_task_definition(definition).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    if !error.may_have_landed() {
        return Err(error.into());
    }
    run.emit(AwsFact::AnswerLost {
        error: error.to_string().into(),
        effect: SoughtEffect::Registered,
    });
    match find_landed(run, definition).await? {
        Some(answer) => Ok(answer),
        None => Ok(run.aws.register_task_definition(definition).await?),
    }
}

/// The family's newest revision, when it is what was sent.
async fn find_landed(run: &Run, definition: &Value) -> Result<Option<Value>, AwsError> {
    let family = definition["family"].as_str().unwrap_or_default();
    let Some(newest) = run
        .aws
        .list_newest_revisions(family)
        .await?
        .into_iter()
        .find(|arn| short_name(arn).split(':').next() == Some(family))
    else {
        return Ok(None);
    };
    let answer = run.aws.describe_task_definition(newest.as_str()).await?;
    Ok(is_equivalent(definition, &answer).then_some(answer))
}

fn arn_of(answer: &Value) -> Result<RevisionArn, AwsError> {
    let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str();
    arn.map(RevisionArn::from).ok_or_else(|| {
        AwsError::incomplete_answer("ecs:RegisterTaskDefinition", "the revision's ARN")
    })
}
