//! Where production's rules forward traffic before anything is changed.

use futures_util::future::join_all;

use super::ServiceDeployments;
use crate::aws::codedeploy_shapes::DeploymentGroup;
use crate::aws::ecs_rollout_shapes::ServiceRevision;
use crate::aws::ecs_shapes::Service;
use crate::aws::elb::ForwardingRule;
use crate::run::Run;
use crate::settings::Settings;

/// The forwards of production's rules; none where they are not read.
pub(super) async fn read_rules(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
    (group, service_deployments): (Option<&DeploymentGroup>, Option<&ServiceDeployments>),
) -> Vec<ForwardingRule> {
    if !settings.mode.plans_deployment() {
        return Vec::new();
    }
    let listeners = match (group, service_deployments) {
        (Some(group), _) => group.production_listeners.clone(),
        (None, Some(service_deployments)) => {
            let resolved = service_deployments
                .blue
                .as_ref()
                .map(ServiceRevision::production_rules)
                .filter(|rules| !rules.is_empty());
            resolved
                .or_else(|| service.map(Service::production_rules))
                .unwrap_or_default()
        }
        (None, None) => Vec::new(),
    };
    let read = join_all(
        listeners
            .iter()
            .map(|listener| run.aws.read_forwarding_rules(listener)),
    )
    .await;
    let readable = read.into_iter().filter_map(|read| {
        run.optional_read(
            "where traffic goes is taken from ECS, not from the load balancer",
            read,
        )
    });
    readable.flatten().collect()
}
