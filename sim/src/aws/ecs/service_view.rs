//! A service as `DescribeServices` shows it.

use serde_json::{Map, Value, json};

use crate::account::{Account, Configuration, Fleet, Phase, Role, Rollout, Service, seconds};
use crate::cycles::TEST_HEADER;
use crate::options::{Controller, Exposure, Kind};

/// What AWS says about a service.
pub(super) fn view(account: &Account, service: &Service) -> Value {
    let place = &account.place;
    let mut view = json!({
        "serviceArn": place.service_arn(&service.name), "serviceName": service.name, "clusterArn": place.cluster_arn(),
        "loadBalancers": balanced_by(account, service), "serviceRegistries": [],
        "status": service.status, "desiredCount": service.desired,
        "runningCount": count_all(account, service, true), "pendingCount": count_all(account, service, false),
        "launchType": "FARGATE", "platformVersion": "LATEST", "platformFamily": "Linux",
        "deploymentConfiguration": deployment_configuration(service),
        "deployments": deployments(account, service), "events": service.events,
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", place.account),
        "createdAt": seconds(service.created_ms), "placementConstraints": [], "placementStrategy": [],
        "networkConfiguration": network(), "healthCheckGracePeriodSeconds": 0, "schedulingStrategy": "REPLICA",
        "deploymentController": { "type": controller(service) }, "createdBy": place.role_arn("terraform"),
        "enableECSManagedTags": false, "propagateTags": "NONE", "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "DISABLED",
    });
    if matches!(&service.controller, Controller::Native(native) if native.express) {
        view["resourceManagementType"] = json!("ECS");
    }
    if let Some(members) = view.as_object_mut() {
        own_revision(account, service, members);
        members.extend(service.settings.clone());
    }
    view
}

/// Which revision is the service's own, and for task sets also which they are.
fn own_revision(account: &Account, service: &Service, view: &mut Map<String, Value>) {
    if let Some(revision) = account.wanted_revision(service) {
        view.insert("taskDefinition".to_owned(), json!(revision));
    }
    if let Some(newest) = account.deployments_of(&service.name).next() {
        view.insert("currentServiceDeployment".to_owned(), json!(newest.arn));
    }
    if service.is_of_ecs() {
        let revisions: Vec<Value> = service
            .fleets
            .iter()
            .filter_map(|fleet| current_revision(account, fleet))
            .collect();
        view.insert(
            "currentServiceRevisions".to_owned(),
            Value::Array(revisions),
        );
    }
    if !service.is_of_ecs() {
        let sets: Vec<Value> = service
            .fleets
            .iter()
            .map(|fleet| task_set(account, service, fleet))
            .collect();
        view.insert("taskSets".to_owned(), Value::Array(sets));
    }
}

fn current_revision(account: &Account, fleet: &Fleet) -> Option<Value> {
    Some(json!({
        "arn": fleet.service_revision.as_ref()?, "requestedTaskCount": fleet.requested(),
        "runningTaskCount": count(account, fleet, true), "pendingTaskCount": count(account, fleet, false),
    }))
}

const fn controller(service: &Service) -> &'static str {
    match service.controller {
        Controller::CodeDeploy(_) => "CODE_DEPLOY",
        Controller::Rolling(_) | Controller::Native(_) => "ECS",
        Controller::External => "EXTERNAL",
    }
}

fn deployment_configuration(service: &Service) -> Value {
    service.configuration.as_ref().map_or_else(
        || json!({ "maximumPercent": 200, "minimumHealthyPercent": 100 }),
        Configuration::view,
    )
}

/// The load balancer of a service as it was configured: that its groups alternate does not show
/// here.
pub(super) fn balanced_by(account: &Account, service: &Service) -> Value {
    let mut view = in_group(account, service, service.target_groups.first());
    if let (true, Some(alternate), Some(exposure)) = (
        service.is_of_ecs(),
        service.target_groups.get(1),
        &service.exposure,
    ) && let Some(first) = view.get_mut(0)
    {
        first["advancedConfiguration"] = advanced(account, service, alternate, exposure);
    }
    view
}

fn advanced(account: &Account, service: &Service, alternate: &str, exposure: &Exposure) -> Value {
    let mut view = json!({
        "alternateTargetGroupArn": account.place.target_group_arn(alternate),
        "productionListenerRule": rule(account, service, &exposure.production),
        "roleArn": account.place.role_arn("ecsInfrastructureRole"),
    });
    if let Some(test) = &exposure.test {
        view["testListenerRule"] = json!(rule(account, service, test));
    }
    view
}

/// VPC Lattice's target groups and rules of a service.
pub(super) fn lattice(account: &Account, service: &Service) -> Option<Value> {
    let exposure = service
        .exposure
        .as_ref()
        .filter(|_| service.kind == Kind::Lattice)?;
    let arn = |what: &str, name: &str| {
        format!(
            "arn:aws:vpc-lattice:{}:{}:{what}/{name}",
            account.place.region, account.place.account
        )
    };
    let group = |index: usize| {
        service
            .target_groups
            .get(index)
            .map(|name| arn("targetgroup", name))
    };
    let mut advanced = json!({ "alternateTargetGroupArn": group(1), "productionListenerRule": arn("service/svc-1/listener/prod/rule", "rule-1") });
    if exposure.test.is_some() {
        advanced["testListenerRule"] = json!(arn("service/svc-1/listener/test/rule", "rule-2"));
    }
    let role = account.place.role_arn("ecsInfrastructureRole");
    Some(
        json!([{ "roleArn": role, "targetGroupArn": group(0), "portName": exposure.container, "advancedConfiguration": advanced }]),
    )
}

/// What connects a service to a gateway.
pub(super) fn gateway(service: &Service) -> Option<Value> {
    let exposure = service
        .exposure
        .as_ref()
        .filter(|_| service.kind == Kind::Gateway)?;
    Some(json!([{ "portName": exposure.container }]))
}

/// What ECS rewrites to move traffic.
pub(super) fn rule(account: &Account, service: &Service, listener: &str) -> String {
    match service.kind {
        Kind::Nlb => account.place.listener_arn(service.kind, listener),
        Kind::Alb | Kind::Lattice | Kind::Gateway | Kind::ServiceConnect | Kind::Headless => {
            account.place.rule_arn(listener)
        }
    }
}

fn in_group(account: &Account, service: &Service, target_group: Option<&String>) -> Value {
    let (Some(exposure), Some(group), true) =
        (&service.exposure, target_group, service.is_balanced())
    else {
        return json!([]);
    };
    json!([{ "targetGroupArn": account.place.target_group_arn(group), "containerName": exposure.container, "containerPort": exposure.port }])
}

/// The network that every task is said to be in.
pub(super) fn network() -> Value {
    json!({ "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d4e5f60718"], "securityGroups": ["sg-0a1b2c3d4e5f60718"], "assignPublicIp": "DISABLED" } })
}

fn count_all(account: &Account, service: &Service, running: bool) -> usize {
    service
        .fleets
        .iter()
        .map(|fleet| count(account, fleet, running))
        .sum()
}

pub(super) fn count(account: &Account, fleet: &Fleet, running: bool) -> usize {
    account
        .living(&fleet.id)
        .filter(|task| (task.phase == Phase::Running) == running)
        .count()
}

fn deployments(account: &Account, service: &Service) -> Value {
    if !service.is_of_ecs() {
        return json!([]);
    }
    service
        .fleets
        .iter()
        .map(|fleet| deployment(account, service, fleet))
        .collect()
}

fn deployment(account: &Account, service: &Service, fleet: &Fleet) -> Value {
    let desired = match (fleet.role, fleet.rollout) {
        (Role::Primary, Rollout::InProgress | Rollout::Completed) if fleet.waits => 0,
        (Role::Primary, Rollout::InProgress | Rollout::Completed) => service.desired as usize,
        (Role::Primary, Rollout::Failed) | (Role::Active | Role::Draining, _) => {
            count(account, fleet, true)
        }
    };
    let mut view = json!({
        "id": fleet.id, "status": fleet.role.as_str(), "taskDefinition": fleet.revision,
        "desiredCount": desired, "pendingCount": count(account, fleet, false), "runningCount": count(account, fleet, true),
        "failedTasks": fleet.failed_tasks, "createdAt": seconds(fleet.created_ms), "updatedAt": seconds(fleet.updated_ms),
        "launchType": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux", "networkConfiguration": network(),
        "rolloutState": fleet.rollout.as_str(), "rolloutStateReason": fleet.reason,
    });
    if let Some(connect) = service_connect(service) {
        view["serviceConnectConfiguration"] = connect;
    }
    view
}

/// How Service Connect reaches a service, and how test traffic is told.
pub(super) fn service_connect(service: &Service) -> Option<Value> {
    let exposure = service
        .exposure
        .as_ref()
        .filter(|_| service.kind == Kind::ServiceConnect)?;
    let alias = json!({ "port": exposure.port, "dnsName": service.name, "testTrafficRules": { "header": { "name": TEST_HEADER } } });
    let reached = json!({ "portName": exposure.container, "discoveryName": service.name, "clientAliases": [alias] });
    Some(json!({ "enabled": true, "namespace": "stage", "services": [reached] }))
}

fn task_set(account: &Account, service: &Service, fleet: &Fleet) -> Value {
    let place = &account.place;
    let (running, pending) = (count(account, fleet, true), count(account, fleet, false));
    let steady = running == fleet.desired as usize && pending == 0;
    let mut set = json!({
        "id": fleet.id, "taskSetArn": place.task_set_arn(&service.name, &fleet.id), "serviceArn": place.service_arn(&service.name),
        "clusterArn": place.cluster_arn(), "startedBy": controller(service), "status": fleet.role.as_str(), "taskDefinition": fleet.revision,
        "computedDesiredCount": fleet.desired, "pendingCount": pending, "runningCount": running,
        "createdAt": seconds(fleet.created_ms), "updatedAt": seconds(fleet.updated_ms), "launchType": "FARGATE", "platformVersion": "1.4.0",
        "platformFamily": "Linux", "networkConfiguration": network(),
        "loadBalancers": in_group(account, service, fleet.target_group.as_ref()), "serviceRegistries": [],
        "scale": { "value": if fleet.desired == 0 { 0.0 } else { 100.0 }, "unit": "PERCENT" },
        "stabilityStatus": if steady { "STEADY_STATE" } else { "STABILIZING" }, "stabilityStatusAt": seconds(fleet.updated_ms), "tags": [],
    });
    if let Some(id) = &fleet.external_id {
        set["externalId"] = json!(id);
    }
    set
}
