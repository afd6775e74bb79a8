//! `DescribeServiceRevisions`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::service_view::{balanced_by, gateway, lattice, network, rule, service_connect};
use crate::account::{Account, ServiceRevision, seconds};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;

/// AWS describes at most so many revisions at once.
const AT_ONCE: usize = 20;

pub(super) fn describe(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    let arns = asked.texts("serviceRevisionArns");
    if arns.is_empty() || arns.len() > AT_ONCE {
        return Err(Refusal::parameter(
            "Service revision ARNs cannot be empty, and at most 20 can be described at once.",
        ));
    }
    Ok(cloud.look(|account| {
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
        "serviceRevisionArn": revision.arn, "serviceArn": account.place.service_arn(&revision.service),
        "clusterArn": account.place.cluster_arn(), "taskDefinition": revision.task_definition, "launchType": "FARGATE",
        "platformVersion": "1.4.0", "platformFamily": "Linux",
        "loadBalancers": service.map_or_else(|| json!([]), |service| balanced_by(account, service)),
        "networkConfiguration": network(), "containerImages": revision.images, "guardDutyEnabled": false,
        "createdAt": seconds(revision.created_ms),
    });
    if let Some(connect) = service.and_then(service_connect) {
        view["serviceConnectConfiguration"] = connect;
    }
    let lattice = service.and_then(|service| lattice(account, service));
    let others = [
        ("vpcLatticeConfigurations", lattice),
        ("gatewayConnectors", service.and_then(gateway)),
    ];
    for (member, value) in others
        .into_iter()
        .filter_map(|(member, value)| Some((member, value?)))
    {
        view[member] = value;
    }
    if let Some(resolved) = resolved(account, revision) {
        view["resolvedConfiguration"] = json!({ "loadBalancers": [resolved] });
    }
    view
}

/// The group that this very revision is behind.
fn resolved(account: &Account, revision: &ServiceRevision) -> Option<Value> {
    let service = account
        .service(&revision.service)
        .filter(|service| service.is_balanced())?;
    let group = revision.target_group.as_ref()?;
    let mut view = json!({ "targetGroupArn": account.place.target_group_arn(group) });
    if let (Some(exposure), true) = (&service.exposure, service.target_groups.len() > 1) {
        view["productionListenerRule"] = json!(rule(account, service, &exposure.production));
    }
    Some(view)
}
