//! Deployment groups.

use serde_json::{Map, Value, json};

use super::application_exists;
use crate::account::{Account, Deployment, Group, Place, ReadyWait, Status, seconds};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::options::Kind;

pub(super) fn get(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let group = find(cloud, asked)?;
    Ok(cloud.look(|account| json!({ "deploymentGroupInfo": view(account, &group) })))
}

/// The group that a request names.
pub(super) fn find(cloud: &Cloud, asked: Asked<'_>) -> Result<Group, Refusal> {
    let application = asked.text("applicationName").unwrap_or_default();
    application_exists(cloud, application)?;
    let name = asked.text("deploymentGroupName");
    let name = name.ok_or_else(|| {
        Refusal::new(
            "DeploymentGroupNameRequiredException",
            "Deployment Group name is missing",
        )
    })?;
    let missing = || {
        Refusal::new(
            "DeploymentGroupDoesNotExistException",
            format!("No Deployment Group found for name: {name}"),
        )
    };
    cloud
        .look(|account| account.group(application, name).cloned())
        .ok_or_else(missing)
}

fn view(account: &Account, group: &Group) -> Value {
    let mut view = json!({
        "applicationName": group.application, "deploymentGroupId": group.id, "deploymentGroupName": group.name,
        "deploymentConfigName": group.options.config, "ec2TagFilters": [], "onPremisesInstanceTagFilters": [], "autoScalingGroups": [],
        "serviceRoleArn": account.place.role_arn("codedeploy"), "triggerConfigurations": [],
        "alarmConfiguration": alarms(group), "autoRollbackConfiguration": auto_rollback(&group.options.auto_rollback),
        "deploymentStyle": style(), "outdatedInstancesStrategy": "UPDATE",
        "blueGreenDeploymentConfiguration": blue_green(group), "loadBalancerInfo": load_balancer(&account.place, group),
        "computePlatform": "ECS", "ecsServices": [{ "serviceName": group.service, "clusterName": account.place.cluster }],
        "terminationHookEnabled": false,
    });
    if let Some(members) = view.as_object_mut() {
        last_deployments(members, account, group);
    }
    view
}

fn last_deployments(view: &mut Map<String, Value>, account: &Account, group: &Group) {
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
            view.insert(name.to_owned(), last(deployment));
        }
    }
    if let Some(deployment) = own.last() {
        view.insert("targetRevision".to_owned(), deployment.revision.clone());
    }
}

fn last(deployment: &Deployment) -> Value {
    let mut info = json!({ "deploymentId": deployment.id, "status": deployment.status.as_str(), "createTime": seconds(deployment.created_ms) });
    if let Some(at) = deployment.completed_ms {
        info["endTime"] = seconds(at);
    }
    info
}

fn alarms(group: &Group) -> Value {
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
pub(super) fn style() -> Value {
    json!({ "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" })
}

/// The group's waits.
pub(super) fn blue_green(group: &Group) -> Value {
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
pub(super) fn load_balancer(place: &Place, group: &Group) -> Value {
    let mut pair = json!({
        "targetGroups": group.target_groups.each_ref().map(|name| json!({ "name": name })),
        "prodTrafficRoute": { "listenerArns": [place.listener_arn(Kind::Alb, &group.exposure.production)] },
    });
    if let Some(test) = &group.exposure.test {
        pair["testTrafficRoute"] = json!({ "listenerArns": [place.listener_arn(Kind::Alb, test)] });
    }
    json!({ "targetGroupPairInfoList": [pair] })
}
