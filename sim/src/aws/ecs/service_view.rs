//! A service as `DescribeServices` shows it.

use serde_json::{Map, Value, json};

use crate::account::{
    Account, Configuration, Fleet, Phase, Role, RolloutState, Service, epoch_seconds,
};
use crate::cycles::TEST_HEADER;
use crate::options::{Controller, Exposure, LoadBalancerKind};

/// What AWS says about a service.
pub(super) fn view(account: &Account, service: &Service) -> Value {
    let location = &account.location;
    let mut view = json!({
        "serviceArn": location.service_arn(&service.name), "serviceName": service.name, "clusterArn": location.cluster_arn(),
        "loadBalancers": load_balancers(account, service), "serviceRegistries": [],
        "status": service.status, "desiredCount": service.desired,
        "runningCount": count_service_tasks(account, service, true), "pendingCount": count_service_tasks(account, service, false),
        "launchType": "FARGATE", "platformVersion": "LATEST", "platformFamily": "Linux",
        "deploymentConfiguration": deployment_configuration(service),
        "deployments": deployments(account, service), "events": service.events,
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", location.account),
        "createdAt": epoch_seconds(service.created_ms), "placementConstraints": [], "placementStrategy": [],
        "networkConfiguration": network_configuration(), "healthCheckGracePeriodSeconds": 0, "schedulingStrategy": "REPLICA",
        "deploymentController": { "type": controller_type(service) }, "createdBy": location.role_arn("terraform"),
        "enableECSManagedTags": false, "propagateTags": "NONE", "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "DISABLED",
    });
    if matches!(&service.controller, Controller::Ecs(ecs) if ecs.express) {
        view["resourceManagementType"] = json!("ECS");
    }
    if let Some(members) = view.as_object_mut() {
        add_revisions(account, service, members);
        members.extend(service.settings.clone());
    }
    view
}

/// Which revision is the service's own, and for task sets also which they are.
fn add_revisions(account: &Account, service: &Service, view: &mut Map<String, Value>) {
    if let Some(revision) = account.wanted_revision(service) {
        view.insert("taskDefinition".to_owned(), json!(revision));
    }
    if let Some(newest) = account.deployments_of(&service.name).next() {
        view.insert("currentServiceDeployment".to_owned(), json!(newest.arn));
    }
    if service.is_ecs_controlled() {
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
    if !service.is_ecs_controlled() {
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
        "arn": fleet.service_revision.as_ref()?, "requestedTaskCount": fleet.target_count(),
        "runningTaskCount": count_tasks(account, fleet, true), "pendingTaskCount": count_tasks(account, fleet, false),
    }))
}

const fn controller_type(service: &Service) -> &'static str {
    match service.controller {
        Controller::CodeDeploy(_) => "CODE_DEPLOY",
        Controller::Rolling(_) | Controller::Ecs(_) => "ECS",
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
pub(super) fn load_balancers(account: &Account, service: &Service) -> Value {
    let mut view = load_balancer(account, service, service.target_groups.first());
    if let (true, Some(alternate), Some(exposure)) = (
        service.is_ecs_controlled(),
        service.target_groups.get(1),
        &service.exposure,
    ) && let Some(first) = view.get_mut(0)
    {
        first["advancedConfiguration"] =
            advanced_configuration(account, service, alternate, exposure);
    }
    view
}

fn advanced_configuration(
    account: &Account,
    service: &Service,
    alternate: &str,
    exposure: &Exposure,
) -> Value {
    let mut view = json!({
        "alternateTargetGroupArn": account.location.target_group_arn(alternate),
        "productionListenerRule": traffic_rule_arn(account, service, &exposure.production),
        "roleArn": account.location.role_arn("ecsInfrastructureRole"),
    });
    if let Some(test) = &exposure.test {
        view["testListenerRule"] = json!(traffic_rule_arn(account, service, test));
    }
    view
}

/// VPC Lattice's target groups and rules of a service.
pub(super) fn lattice_configurations(account: &Account, service: &Service) -> Option<Value> {
    let exposure = service
        .exposure
        .as_ref()
        .filter(|_| service.kind == LoadBalancerKind::Lattice)?;
    let arn = |what: &str, name: &str| {
        format!(
            "arn:aws:vpc-lattice:{}:{}:{what}/{name}",
            account.location.region, account.location.account
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
    let role = account.location.role_arn("ecsInfrastructureRole");
    Some(
        json!([{ "roleArn": role, "targetGroupArn": group(0), "portName": exposure.container, "advancedConfiguration": advanced }]),
    )
}

/// What connects a service to a gateway.
pub(super) fn gateway_connectors(service: &Service) -> Option<Value> {
    let exposure = service
        .exposure
        .as_ref()
        .filter(|_| service.kind == LoadBalancerKind::Gateway)?;
    Some(json!([{ "portName": exposure.container }]))
}

/// What ECS rewrites to move traffic.
pub(super) fn traffic_rule_arn(account: &Account, service: &Service, listener: &str) -> String {
    match service.kind {
        LoadBalancerKind::Nlb => account.location.listener_arn(service.kind, listener),
        LoadBalancerKind::Alb
        | LoadBalancerKind::Lattice
        | LoadBalancerKind::Gateway
        | LoadBalancerKind::ServiceConnect
        | LoadBalancerKind::Headless => account.location.rule_arn(listener),
    }
}

fn load_balancer(account: &Account, service: &Service, target_group: Option<&String>) -> Value {
    let (Some(exposure), Some(group), true) = (&service.exposure, target_group, service.has_elb())
    else {
        return json!([]);
    };
    json!([{ "targetGroupArn": account.location.target_group_arn(group), "containerName": exposure.container, "containerPort": exposure.port }])
}

/// The network that every task is said to be in.
pub(super) fn network_configuration() -> Value {
    json!({ "awsvpcConfiguration": { "subnets": ["subnet-0a1b2c3d4e5f60718"], "securityGroups": ["sg-0a1b2c3d4e5f60718"], "assignPublicIp": "DISABLED" } })
}

fn count_service_tasks(account: &Account, service: &Service, running: bool) -> usize {
    service
        .fleets
        .iter()
        .map(|fleet| count_tasks(account, fleet, running))
        .sum()
}

pub(super) fn count_tasks(account: &Account, fleet: &Fleet, running: bool) -> usize {
    account
        .live_tasks(&fleet.id)
        .filter(|task| (task.phase == Phase::Running) == running)
        .count()
}

fn deployments(account: &Account, service: &Service) -> Value {
    if !service.is_ecs_controlled() {
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
        (Role::Primary, RolloutState::InProgress | RolloutState::Completed) if fleet.is_on_hold => {
            0
        }
        (Role::Primary, RolloutState::InProgress | RolloutState::Completed) => {
            service.desired as usize
        }
        (Role::Primary, RolloutState::Failed) | (Role::Active | Role::Draining, _) => {
            count_tasks(account, fleet, true)
        }
    };
    let mut view = json!({
        "id": fleet.id, "status": fleet.role.as_str(), "taskDefinition": fleet.revision,
        "desiredCount": desired, "pendingCount": count_tasks(account, fleet, false), "runningCount": count_tasks(account, fleet, true),
        "failedTasks": fleet.failed_tasks, "createdAt": epoch_seconds(fleet.created_ms), "updatedAt": epoch_seconds(fleet.updated_ms),
        "launchType": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux", "networkConfiguration": network_configuration(),
        "rolloutState": fleet.rollout.as_str(), "rolloutStateReason": fleet.reason,
    });
    if let Some(connect) = service_connect(service) {
        view["serviceConnectConfiguration"] = connect;
    }
    view
}

/// How Service Connect reaches a service, and how it recognizes test traffic.
pub(super) fn service_connect(service: &Service) -> Option<Value> {
    let exposure = service
        .exposure
        .as_ref()
        .filter(|_| service.kind == LoadBalancerKind::ServiceConnect)?;
    let alias = json!({ "port": exposure.port, "dnsName": service.name, "testTrafficRules": { "header": { "name": TEST_HEADER } } });
    let reached = json!({ "portName": exposure.container, "discoveryName": service.name, "clientAliases": [alias] });
    Some(json!({ "enabled": true, "namespace": "stage", "services": [reached] }))
}

fn task_set(account: &Account, service: &Service, fleet: &Fleet) -> Value {
    let location = &account.location;
    let (running, pending) = (
        count_tasks(account, fleet, true),
        count_tasks(account, fleet, false),
    );
    let steady = running == fleet.desired as usize && pending == 0;
    let mut set = json!({
        "id": fleet.id, "taskSetArn": location.task_set_arn(&service.name, &fleet.id), "serviceArn": location.service_arn(&service.name),
        "clusterArn": location.cluster_arn(), "startedBy": controller_type(service), "status": fleet.role.as_str(), "taskDefinition": fleet.revision,
        "computedDesiredCount": fleet.desired, "pendingCount": pending, "runningCount": running,
        "createdAt": epoch_seconds(fleet.created_ms), "updatedAt": epoch_seconds(fleet.updated_ms), "launchType": "FARGATE", "platformVersion": "1.4.0",
        "platformFamily": "Linux", "networkConfiguration": network_configuration(),
        "loadBalancers": load_balancer(account, service, fleet.target_group.as_ref()), "serviceRegistries": [],
        "scale": { "value": if fleet.desired == 0 { 0.0 } else { 100.0 }, "unit": "PERCENT" },
        "stabilityStatus": if steady { "STEADY_STATE" } else { "STABILIZING" }, "stabilityStatusAt": epoch_seconds(fleet.updated_ms), "tags": [],
    });
    if let Some(id) = &fleet.external_id {
        set["externalId"] = json!(id);
    }
    set
}
