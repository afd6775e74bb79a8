//! `CreateDeployment`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{app_spec, configs, groups};
use crate::account::{AutoRollback, Deployment, Group};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::cycles::codedeploy::begin;

/// The auto-rollback events that there are.
const ROLLBACK_EVENTS: [&str; 3] = [
    "DEPLOYMENT_FAILURE",
    "DEPLOYMENT_STOP_ON_ALARM",
    "DEPLOYMENT_STOP_ON_REQUEST",
];

/// `CodeDeploy`'s limit for a description.
const DESCRIPTION: usize = 256;

pub(super) fn create(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    let group = groups::find(cloud, asked)?;
    let revision = asked
        .get("revision")
        .ok_or_else(|| Refusal::new("RevisionRequiredException", "Revision is required"))?;
    let spec = app_spec::read(revision)?;
    let config = asked
        .text("deploymentConfigName")
        .unwrap_or(&group.options.config)
        .to_owned();
    cloud.look(|account| configs::find(account, &config).map(drop))?;
    check_description(asked)?;
    check_slot(cloud, &group)?;
    let id = cloud.change(|account| account.ids.deployment());
    let mut deployment = Deployment::new(id.clone(), group, spec, revision.clone());
    deployment.config = config;
    deployment.description = asked.text("description").map(ToOwned::to_owned);
    override_rollback(&mut deployment, asked)?;
    override_alarms(&mut deployment, asked);
    begin(cloud, deployment);
    Ok(json!({ "deploymentId": id }))
}

fn check_description(asked: Asked<'_>) -> Result<(), Refusal> {
    if asked
        .text("description")
        .is_some_and(|text| text.chars().count() > DESCRIPTION)
    {
        return Err(Refusal::new(
            "DescriptionTooLongException",
            "The description is longer than 256 characters",
        ));
    }
    Ok(())
}

/// A group has one deployment at a time, and a rollback is one too.
fn check_slot(cloud: &Cloud, group: &Group) -> Result<(), Refusal> {
    let running = cloud.look(|account| {
        let under_way = |deployment: &&Deployment| {
            deployment.group.id == group.id && !deployment.status.is_over()
        };
        account
            .deployments
            .iter()
            .find(under_way)
            .map(|deployment| deployment.id.clone())
    });
    let Some(id) = running else { return Ok(()) };
    let message = format!(
        "The Deployment Group '{}' already has an active Deployment '{id}'",
        group.name
    );
    Err(Refusal::new("DeploymentLimitExceededException", message))
}

fn override_rollback(deployment: &mut Deployment, asked: Asked<'_>) -> Result<(), Refusal> {
    let Some(given) = asked.get("autoRollbackConfiguration") else {
        return Ok(());
    };
    let configuration = Asked(given);
    let events: Vec<String> = configuration
        .texts("events")
        .into_iter()
        .map(ToOwned::to_owned)
        .collect();
    if events
        .iter()
        .any(|event| !ROLLBACK_EVENTS.contains(&event.as_str()))
    {
        return Err(Refusal::new(
            "InvalidAutoRollbackConfigException",
            "The auto-rollback configuration names an unknown event",
        ));
    }
    let enabled = configuration.flag("enabled") == Some(true);
    if enabled && events.is_empty() {
        return Err(Refusal::new(
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

fn override_alarms(deployment: &mut Deployment, asked: Asked<'_>) {
    let Some(given) = asked.get("overrideAlarmConfiguration") else {
        return;
    };
    let configuration = Asked(given);
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
