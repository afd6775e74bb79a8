//! AWS `CodeDeploy`: which operation goes where.

mod app_spec;
mod configs;
mod create;
mod deployment_view;
mod deployments;
mod groups;
mod steer;
mod target_view;

use std::sync::Arc;

use serde_json::json;

use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;

/// Answers an operation of `CodeDeploy`.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "GetDeploymentGroup" => groups::get(cloud, asked),
        "GetDeploymentConfig" => configs::get(cloud, asked),
        "ListDeploymentConfigs" => configs::list(cloud),
        "CreateDeployment" => create::create(cloud, asked),
        "GetDeployment" => deployments::get(cloud, asked),
        "GetDeploymentTarget" => deployments::target(cloud, asked),
        "ListDeployments" => deployments::list(cloud, asked),
        "ContinueDeployment" => steer::proceed(cloud, asked),
        "StopDeployment" => steer::stop(cloud, asked),
        "RegisterApplicationRevision" => register_revision(cloud, asked),
        _ => return None,
    })
}

/// The stage keeps no list of revisions: it only checks the application.
fn register_revision(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    application_exists(cloud, asked.text("applicationName").unwrap_or_default())?;
    Ok(json!({}))
}

fn application_exists(cloud: &Cloud, name: &str) -> Result<(), Refusal> {
    if cloud.look(|account| account.groups.iter().any(|group| group.application == name)) {
        return Ok(());
    }
    Err(Refusal::new(
        "ApplicationDoesNotExistException",
        format!("No application found for name: {name}"),
    ))
}
