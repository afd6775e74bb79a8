//! `DescribeServiceRevisions`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::service_view::{
    gateway_connectors, lattice_configurations, load_balancers, network_configuration,
    service_connect, traffic_rule_arn,
};
use crate::account::{Account, ServiceRevision, epoch_seconds};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

/// AWS describes at most so many revisions at once.
const MAX_DESCRIBED: usize = 20;

pub(super) fn describe(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    let arns = input.text_list("serviceRevisionArns");
    if arns.is_empty() || arns.len() > MAX_DESCRIBED {
        return Err(ServiceError::invalid_parameter(
            "Service revision ARNs cannot be empty, and at most 20 can be described at once.",
        ));
    }
    Ok(cloud.read(|account| {
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in arns {
            match account
                .service_revisions
                .iter()
                .find(|revision| revision.arn == arn)
            {
                Some(revision) => found.push(view(account, revision)),
                None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
            }
        }
        json!({ "serviceRevisions": found, "failures": failures })
    }))
}

fn view(account: &Account, revision: &ServiceRevision) -> Value {
    let service = account.service(&revision.service);
    let mut view = json!({
        "serviceRevisionArn": revision.arn, "serviceArn": account.location.service_arn(&revision.service),
        "clusterArn": account.location.cluster_arn(), "taskDefinition": revision.task_definition, "launchType": "FARGATE",
        "platformVersion": "1.4.0", "platformFamily": "Linux",
        "loadBalancers": service.map_or_else(|| json!([]), |service| load_balancers(account, service)),
        "networkConfiguration": network_configuration(), "containerImages": revision.images, "guardDutyEnabled": false,
        "createdAt": epoch_seconds(revision.created_ms),
    });
    if let Some(connect) = service.and_then(service_connect) {
        view["serviceConnectConfiguration"] = connect;
    }
    let lattice = service.and_then(|service| lattice_configurations(account, service));
    let others = [
        ("vpcLatticeConfigurations", lattice),
        ("gatewayConnectors", service.and_then(gateway_connectors)),
    ];
    for (member, value) in others
        .into_iter()
        .filter_map(|(member, value)| Some((member, value?)))
    {
        view[member] = value;
    }
    if let Some(resolved) = resolved_load_balancer(account, revision) {
        view["resolvedConfiguration"] = json!({ "loadBalancers": [resolved] });
    }
    view
}

/// The group that this very revision is behind.
fn resolved_load_balancer(account: &Account, revision: &ServiceRevision) -> Option<Value> {
    let service = account
        .service(&revision.service)
        .filter(|service| service.has_elb())?;
    let group = revision.target_group.as_ref()?;
    let mut view = json!({ "targetGroupArn": account.location.target_group_arn(group) });
    if let (Some(exposure), true) = (&service.exposure, service.target_groups.len() > 1) {
        view["productionListenerRule"] =
            json!(traffic_rule_arn(account, service, &exposure.production));
    }
    Some(view)
}
