//! `CreateDeployment`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{app_spec, configs, groups};
use crate::account::{AutoRollback, Deployment, Group};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;
use crate::cycles::codedeploy::begin;

/// The auto-rollback events that there are.
const ROLLBACK_EVENTS: [&str; 3] = [
    "DEPLOYMENT_FAILURE",
    "DEPLOYMENT_STOP_ON_ALARM",
    "DEPLOYMENT_STOP_ON_REQUEST",
];

/// `CodeDeploy`'s limit for a description.
const MAX_DESCRIPTION: usize = 256;

pub(super) fn create(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    let group = groups::find(cloud, input)?;
    let revision = input
        .get("revision")
        .ok_or_else(|| ServiceError::new("RevisionRequiredException", "Revision is required"))?;
    let spec = app_spec::read(revision)?;
    let config = input
        .text("deploymentConfigName")
        .unwrap_or(&group.options.config)
        .to_owned();
    cloud.read(|account| configs::find(account, &config).map(drop))?;
    check_description(input)?;
    check_no_active_deployment(cloud, &group)?;
    let id = cloud.change(|account| account.ids.next_deployment());
    let mut deployment = Deployment::new(id.clone(), group, spec, revision.clone());
    deployment.config = config;
    deployment.description = input.text("description").map(ToOwned::to_owned);
    override_rollback(&mut deployment, input)?;
    override_alarms(&mut deployment, input);
    begin(cloud, deployment);
    Ok(json!({ "deploymentId": id }))
}

fn check_description(input: Input<'_>) -> Result<(), ServiceError> {
    if input
        .text("description")
        .is_some_and(|text| text.chars().count() > MAX_DESCRIPTION)
    {
        return Err(ServiceError::new(
            "DescriptionTooLongException",
            "The description is longer than 256 characters",
        ));
    }
    Ok(())
}

/// A group has one deployment at a time, and a rollback is one too.
fn check_no_active_deployment(cloud: &Cloud, group: &Group) -> Result<(), ServiceError> {
    let running = cloud.read(|account| {
        let is_active = |deployment: &&Deployment| {
            deployment.group.id == group.id && !deployment.status.is_over()
        };
        account
            .deployments
            .iter()
            .find(is_active)
            .map(|deployment| deployment.id.clone())
    });
    let Some(id) = running else { return Ok(()) };
    let message = format!(
        "The Deployment Group '{}' already has an active Deployment '{id}'",
        group.name
    );
    Err(ServiceError::new(
        "DeploymentLimitExceededException",
        message,
    ))
}

fn override_rollback(deployment: &mut Deployment, input: Input<'_>) -> Result<(), ServiceError> {
    let Some(given) = input.get("autoRollbackConfiguration") else {
        return Ok(());
    };
    let configuration = Input(given);
    let events: Vec<String> = configuration
        .text_list("events")
        .into_iter()
        .map(ToOwned::to_owned)
        .collect();
    if events
        .iter()
        .any(|event| !ROLLBACK_EVENTS.contains(&event.as_str()))
    {
        return Err(ServiceError::new(
            "InvalidAutoRollbackConfigException",
            "The auto-rollback configuration names an unknown event",
        ));
    }
    let enabled = configuration.flag("enabled") == Some(true);
    if enabled && events.is_empty() {
        return Err(ServiceError::new(
            "InvalidAutoRollbackConfigException",
            "An enabled auto-rollback configuration needs an event",
        ));
    }
    deployment.auto_rollback = AutoRollback {
        events: if enabled { events } else { Vec::new() },
    };
    deployment.auto_rollback_override = Some(given.clone());
    Ok(())
}

fn override_alarms(deployment: &mut Deployment, input: Input<'_>) {
    let Some(given) = input.get("overrideAlarmConfiguration") else {
        return;
    };
    let configuration = Input(given);
    let names = configuration
        .get("alarms")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let names = names
        .filter_map(|alarm| alarm.get("name")?.as_str())
        .map(ToOwned::to_owned);
    deployment.alarms = if configuration.flag("enabled") == Some(false) {
        Vec::new()
    } else {
        names.collect()
    };
    deployment.alarms_override = Some(given.clone());
}
