//! A newer deployment replaces an older one: the older one is stopped, and all traffic goes back to
//! blue.

use super::ecs::{TrafficKind, set_green_share};
use crate::account::{
    Account, HookStatus, LifecycleStage, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::cloud::Cloud;
use crate::options::Exposure;

/// A rollback without a revision to return to. Only a new deployment ends it.
pub(super) fn has_stalled(deployment: &ServiceDeployment) -> bool {
    deployment.status == ServiceDeploymentStatus::RollbackInProgress
        && deployment
            .rollback
            .as_ref()
            .is_some_and(|rollback| rollback.revision.is_none())
}

/// A deployment that was stopped where it was may have left traffic on its green: all of it goes to
/// this group.
pub(super) fn send_all_traffic(cloud: &Cloud, account: &mut Account, service: &str, group: &str) {
    let Some(service) = account
        .service(service)
        .filter(|service| service.target_groups.len() > 1)
    else {
        return;
    };
    let listeners = service
        .exposure
        .iter()
        .flat_map(Exposure::listeners)
        .collect::<Vec<_>>();
    let weights: Vec<(String, u32)> = service
        .target_groups
        .iter()
        .map(|own| (own.clone(), if own == group { 100 } else { 0 }))
        .collect();
    for listener in listeners {
        if account.weight(&listener, group) != 100 {
            cloud.apply_listener_weights(account, &listener, &listener, &weights);
        }
    }
}

/// Stops what is under way on a service, and says whether nothing is any more.
pub(super) fn supersede(cloud: &Cloud, account: &mut Account, service: &str) -> bool {
    // Blue is going already while a deployment cleans up: there is no way back.
    let is_advancing = |deployment: &ServiceDeployment| {
        deployment.status.is_advancing() && deployment.stage != Some(LifecycleStage::CleanUp)
    };
    let can_stop =
        |deployment: &&ServiceDeployment| is_advancing(deployment) || has_stalled(deployment);
    let older: Vec<String> = account
        .deployments_of(service)
        .filter(can_stop)
        .map(|deployment| deployment.arn.clone())
        .collect();
    for arn in older {
        stop(cloud, account, &arn);
    }
    account.unfinished_deployment(service).is_none()
}

fn stop(cloud: &Cloud, account: &mut Account, arn: &str) {
    let history = account.service_deployment(arn).is_some_and(|deployment| {
        deployment.configuration.shifts_traffic() && !deployment.sources.is_empty()
    });
    if history {
        for lane in [TrafficKind::Production, TrafficKind::Test] {
            set_green_share(cloud, account, arn, lane, 0.0);
        }
    }
    if let Some(deployment) = account.service_deployment_mut(arn) {
        for hook in deployment
            .hooks
            .iter_mut()
            .filter(|hook| hook.status.is_open())
        {
            hook.status = HookStatus::Failed;
        }
        deployment.stage = None;
        deployment.superseded = Some(deployment.status);
        deployment.reason =
            Some("Service deployment stopped because a new service deployment started.".to_owned());
        deployment.set_status(ServiceDeploymentStatus::Stopped);
        cloud
            .ledger
            .mark(arn, ServiceDeploymentStatus::Stopped.as_str());
    }
}
