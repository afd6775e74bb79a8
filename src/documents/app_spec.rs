//! The `AppSpec` of a `CodeDeploy` deployment: the user's own with the revision filled in, or one
//! built from the service.
//!
//! The official rules: keys are found in any case, the task definition of every resource is
//! overwritten, nothing else is changed, and the content is compact JSON. [`check`] finds every
//! problem before the first write, when the revision's ARN is not known yet.

mod build;
mod find;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use build::{CapacityProvider, ServiceParts, build};

use self::find::{find_targets, key_of};
use super::task_definition::TaskDefinition;
use crate::identity::RevisionArn;
use crate::problem::Problem;

/// The `appSpecContent` of `CreateDeployment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The `AppSpec` as compact JSON.
    pub text: String,
    /// The SHA-256 of the text, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Content {
    /// The content for a complete `AppSpec`.
    pub fn from_app_spec(app_spec: &Value) -> Self {
        let text = app_spec.to_string();
        let sha256 = format!("{:x}", Sha256::digest(text.as_bytes()));
        Self { text, sha256 }
    }
}

/// All problems of an `AppSpec` that can be found without the revision's ARN.
pub fn check(app_spec: &Value, input: &str) -> Vec<Problem> {
    match find_targets(app_spec) {
        Ok(targets) => targets
            .iter()
            .filter_map(|pointer| find::check_load_balancer(app_spec, pointer, input))
            .collect(),
        Err(message) => vec![app_spec_problem(input, message)],
    }
}

/// Whether each load balancer's container and port are those of the task definition.
pub fn check_against(
    app_spec: &Value,
    definition: TaskDefinition<'_>,
    input: &str,
) -> Vec<Problem> {
    let targets = find_targets(app_spec).unwrap_or_default();
    targets
        .iter()
        .filter_map(|pointer| find::find_load_balancer(app_spec, pointer))
        .filter_map(|target| target.find_problem(definition, input))
        .collect()
}

/// The `AppSpec` with the revision as the task definition of every resource.
pub fn fill_revision(
    app_spec: &Value,
    revision_arn: &RevisionArn,
    input: &str,
) -> Result<Content, Vec<Problem>> {
    let targets =
        find_targets(app_spec).map_err(|message| vec![app_spec_problem(input, message)])?;
    let mut filled = app_spec.clone();
    for pointer in targets {
        let properties = filled.pointer_mut(&pointer).and_then(Value::as_object_mut);
        if let Some(task_definition) =
            properties.and_then(|entries| entries.get_mut(&key_of(entries, "taskDefinition")?))
        {
            *task_definition = Value::from(revision_arn.as_str());
        }
    }
    Ok(Content::from_app_spec(&filled))
}

/// The revision that a deployment's `AppSpec` names.
pub fn read_task_definition(text: &str) -> Option<RevisionArn> {
    let spec = crate::documents::parse::parse(text, "AppSpec", "codedeploy-appspec").ok()?;
    let pointer = find_targets(&spec).ok()?.into_iter().next()?;
    let entries = spec.pointer(&pointer)?.as_object()?;
    entries
        .get(&key_of(entries, "taskDefinition")?)?
        .as_str()
        .map(RevisionArn::from)
}

fn app_spec_problem(input: &str, message: String) -> Problem {
    let target = "TargetService: {Type: AWS::ECS::Service, Properties: {TaskDefinition: <TASK_DEFINITION>, LoadBalancerInfo: {…}}}";
    Problem::new(
        input,
        message,
        format!("Write Resources, a list of `{target}`"),
    )
}

#[cfg(test)]
mod tests;
