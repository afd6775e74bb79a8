//! Deployment groups.

use serde_json::{Map, Value, json};

use super::check_application;
use crate::account::{Account, Deployment, Group, Location, ReadyWait, Status, epoch_seconds};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;
use crate::options::LoadBalancerKind;

pub(super) fn get(cloud: &Cloud, input: Input<'_>) -> Answer {
    let group = find(cloud, input)?;
    Ok(cloud.read(|account| json!({ "deploymentGroupInfo": view(account, &group) })))
}

/// The group that a request names.
pub(super) fn find(cloud: &Cloud, input: Input<'_>) -> Result<Group, ServiceError> {
    let application = input.text("applicationName").unwrap_or_default();
    check_application(cloud, application)?;
    let name = input.text("deploymentGroupName");
    let name = name.ok_or_else(|| {
        ServiceError::new(
            "DeploymentGroupNameRequiredException",
            "Deployment Group name is missing",
        )
    })?;
    let missing = || {
        ServiceError::new(
            "DeploymentGroupDoesNotExistException",
            format!("No Deployment Group found for name: {name}"),
        )
    };
    cloud
        .read(|account| account.group(application, name).cloned())
        .ok_or_else(missing)
}

fn view(account: &Account, group: &Group) -> Value {
    let mut view = json!({
        "applicationName": group.application, "deploymentGroupId": group.id, "deploymentGroupName": group.name,
        "deploymentConfigName": group.options.config, "ec2TagFilters": [], "onPremisesInstanceTagFilters": [], "autoScalingGroups": [],
        "serviceRoleArn": account.location.role_arn("codedeploy"), "triggerConfigurations": [],
        "alarmConfiguration": alarm_configuration(group), "autoRollbackConfiguration": auto_rollback(&group.options.auto_rollback),
        "deploymentStyle": deployment_style(), "outdatedInstancesStrategy": "UPDATE",
        "blueGreenDeploymentConfiguration": blue_green_configuration(group), "loadBalancerInfo": load_balancer_info(&account.location, group),
        "computePlatform": "ECS", "ecsServices": [{ "serviceName": group.service, "clusterName": account.location.cluster }],
        "terminationHookEnabled": false,
    });
    if let Some(members) = view.as_object_mut() {
        add_last_deployments(members, account, group);
    }
    view
}

fn add_last_deployments(view: &mut Map<String, Value>, account: &Account, group: &Group) {
    let own: Vec<&Deployment> = account
        .deployments
        .iter()
        .filter(|deployment| deployment.group.id == group.id)
        .collect();
    let successful = own
        .iter()
        .rev()
        .find(|deployment| deployment.status == Status::Succeeded);
    for (name, found) in [
        ("lastSuccessfulDeployment", successful),
        ("lastAttemptedDeployment", own.last()),
    ] {
        if let Some(deployment) = found {
            view.insert(name.to_owned(), deployment_info(deployment));
        }
    }
    if let Some(deployment) = own.last() {
        view.insert("targetRevision".to_owned(), deployment.revision.clone());
    }
}

fn deployment_info(deployment: &Deployment) -> Value {
    let mut info = json!({ "deploymentId": deployment.id, "status": deployment.status.as_str(), "createTime": epoch_seconds(deployment.created_ms) });
    if let Some(at) = deployment.completed_ms {
        info["endTime"] = epoch_seconds(at);
    }
    info
}

fn alarm_configuration(group: &Group) -> Value {
    let named: Vec<Value> = group
        .options
        .alarms
        .iter()
        .map(|name| json!({ "name": name }))
        .collect();
    json!({ "enabled": !named.is_empty(), "ignorePollAlarmFailure": false, "alarms": named })
}

/// As AWS shows an automatic rollback.
pub(super) fn auto_rollback(events: &[String]) -> Value {
    if events.is_empty() {
        json!({ "enabled": false })
    } else {
        json!({ "enabled": true, "events": events })
    }
}

/// The only style that an ECS deployment has.
pub(super) fn deployment_style() -> Value {
    json!({ "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" })
}

/// The group's waits.
pub(super) fn blue_green_configuration(group: &Group) -> Value {
    let ready = match group.ready_wait() {
        ReadyWait::Continue => {
            json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0 })
        }
        ReadyWait::Stop(minutes) => {
            json!({ "actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": minutes })
        }
    };
    json!({
        "terminateBlueInstancesOnDeploymentSuccess":
            { "action": "TERMINATE", "terminationWaitTimeInMinutes": group.options.termination_minutes },
        "deploymentReadyOption": ready,
    })
}

/// The pair of target groups and the listeners before it.
pub(super) fn load_balancer_info(location: &Location, group: &Group) -> Value {
    let mut pair = json!({
        "targetGroups": group.target_groups.each_ref().map(|name| json!({ "name": name })),
        "prodTrafficRoute": { "listenerArns": [location.listener_arn(LoadBalancerKind::Alb, &group.exposure.production)] },
    });
    if let Some(test) = &group.exposure.test {
        pair["testTrafficRoute"] =
            json!({ "listenerArns": [location.listener_arn(LoadBalancerKind::Alb, test)] });
    }
    json!({ "targetGroupPairInfoList": [pair] })
}
