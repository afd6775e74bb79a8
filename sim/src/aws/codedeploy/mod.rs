//! AWS `CodeDeploy`: which operation goes where.

mod app_spec;
mod configs;
mod control;
mod create;
mod deployment_view;
mod deployments;
mod groups;
mod target_view;

use std::sync::Arc;

use serde_json::json;

use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetDeploymentGroup" => groups::get(cloud, input),
        "GetDeploymentConfig" => configs::get(cloud, input),
        "ListDeploymentConfigs" => configs::list(cloud),
        "CreateDeployment" => create::create(cloud, input),
        "GetDeployment" => deployments::get(cloud, input),
        "GetDeploymentTarget" => deployments::get_target(cloud, input),
        "ListDeployments" => deployments::list(cloud, input),
        "ContinueDeployment" => control::continue_deployment(cloud, input),
        "StopDeployment" => control::stop(cloud, input),
        "RegisterApplicationRevision" => register_revision(cloud, input),
        _ => return None,
    })
}

/// The stage keeps no list of revisions: it only checks the application.
fn register_revision(cloud: &Cloud, input: Input<'_>) -> Answer {
    check_application(cloud, input.text("applicationName").unwrap_or_default())?;
    Ok(json!({}))
}

fn check_application(cloud: &Cloud, name: &str) -> Result<(), ServiceError> {
    if cloud.read(|account| account.groups.iter().any(|group| group.application == name)) {
        return Ok(());
    }
    Err(ServiceError::new(
        "ApplicationDoesNotExistException",
        format!("No application found for name: {name}"),
    ))
}
