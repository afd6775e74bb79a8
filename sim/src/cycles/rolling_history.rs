//! The service deployments of rolling rollouts: they follow what the fleets do, and decide nothing.

use crate::account::{
    Account, AlarmWatch, Fleet, Rollback, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// Writes down that the primary fleet of a service is being rolled out.
pub(super) fn begin(cloud: &Cloud, account: &mut Account, service: &str) -> Option<String> {
    let arn = account.new_service_deployment_arn(service);
    let own = account.service(service)?;
    let primary = own.primary()?;
    let blue = own.fleets.iter().filter(|fleet| fleet.id != primary.id);
    let (target, sources) = (
        primary.as_side()?,
        blue.filter_map(Fleet::as_side).collect(),
    );
    let configuration = own.configuration.clone()?;
    let names = configuration.alarms();
    let mut deployment =
        ServiceDeployment::new(arn.clone(), &own.name, configuration, sources, target);
    let is_in_alarm = !account.active_alarms(&names).is_empty();
    deployment.alarms = if names.is_empty() || is_in_alarm {
        AlarmWatch::Disabled
    } else {
        AlarmWatch::Monitoring
    };
    deployment.set_status(ServiceDeploymentStatus::InProgress);
    account.service_deployments.push(deployment);
    cloud
        .ledger
        .mark(&arn, ServiceDeploymentStatus::InProgress.as_str());
    Some(arn)
}

/// All tasks of the primary fleet are healthy, and the others are gone.
pub(super) fn complete(cloud: &Cloud, account: &mut Account, service: &str) {
    let Some(deployment) = unfinished_deployment(account, service) else {
        return;
    };
    let status = match deployment.status {
        ServiceDeploymentStatus::RollbackInProgress => ServiceDeploymentStatus::RollbackSuccessful,
        ServiceDeploymentStatus::Pending
        | ServiceDeploymentStatus::InProgress
        | ServiceDeploymentStatus::StopRequested
        | ServiceDeploymentStatus::RollbackRequested => ServiceDeploymentStatus::Successful,
        ServiceDeploymentStatus::Successful
        | ServiceDeploymentStatus::Stopped
        | ServiceDeploymentStatus::RollbackSuccessful
        | ServiceDeploymentStatus::RollbackFailed => return,
    };
    if deployment.alarms == AlarmWatch::Monitoring {
        deployment.alarms = AlarmWatch::Complete;
    }
    deployment.record_shares(None, None);
    deployment.set_status(status);
    cloud.ledger.mark(&deployment.arn, status.as_str());
}

/// The rollout failed and stays as it is.
pub(super) fn stop(cloud: &Cloud, account: &mut Account, service: &str, reason: &str) {
    let Some(deployment) = unfinished_deployment(account, service) else {
        return;
    };
    deployment.reason = Some(reason.to_owned());
    deployment.set_status(ServiceDeploymentStatus::Stopped);
    cloud
        .ledger
        .mark(&deployment.arn, ServiceDeploymentStatus::Stopped.as_str());
}

/// Marks the deployment as rolling back to a service revision. Without one it stays in
/// `ROLLBACK_IN_PROGRESS` until a person acts.
pub(super) fn roll_back(
    cloud: &Cloud,
    account: &mut Account,
    service: &str,
    (reason, revision): (&str, Option<String>),
) {
    let Some(deployment) = unfinished_deployment(account, service) else {
        return;
    };
    let reason = deployment
        .reason
        .get_or_insert_with(|| reason.to_owned())
        .clone();
    deployment.rollback = Some(Rollback {
        reason,
        started_ms: now_ms(),
        revision,
    });
    deployment.set_status(ServiceDeploymentStatus::RollbackInProgress);
    cloud.ledger.mark(
        &deployment.arn,
        ServiceDeploymentStatus::RollbackInProgress.as_str(),
    );
}

/// An alarm went into ALARM.
pub(super) fn record_alarms(account: &mut Account, service: &str, names: &[String]) {
    if let Some(deployment) = unfinished_deployment(account, service) {
        deployment.alarms = AlarmWatch::Triggered(names.to_vec());
    }
}

fn unfinished_deployment<'a>(
    account: &'a mut Account,
    service: &str,
) -> Option<&'a mut ServiceDeployment> {
    let arn = account.active_rolling(service)?.arn.clone();
    account.service_deployment_mut(&arn)
}
