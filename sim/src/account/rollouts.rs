//! Queries about ECS deployments: which one of a service is active, and which revision was last
//! successful.

use super::{
    Account, Fleet, RevisionSide, Role, RolloutState, Service, ServiceDeployment,
    ServiceDeploymentStatus,
};

impl Fleet {
    /// The fleet as a side of a service deployment; none under another controller than ECS.
    pub(crate) fn as_side(&self) -> Option<RevisionSide> {
        Some(RevisionSide {
            revision: self.service_revision.clone()?,
            task_definition: self.revision.clone(),
            fleet: self.id.clone(),
            target_group: self.target_group.clone(),
        })
    }
}

impl Service {
    /// The fleet that a rollback returns to: one that was completed and is not draining, or else
    /// the primary.
    pub(crate) fn stable_fleet(&self) -> Option<&Fleet> {
        let is_stable = |fleet: &&Fleet| {
            fleet.role != Role::Draining
                && (fleet.rollout == RolloutState::Completed || fleet.was_steady)
        };
        self.fleets
            .iter()
            .find(is_stable)
            .or_else(|| self.primary())
    }

    /// Demotes the primary fleet to ACTIVE, so that another one can become primary.
    pub(crate) fn demote_primary(&mut self) {
        for former in self
            .fleets
            .iter_mut()
            .filter(|former| former.role == Role::Primary)
        {
            former.role = Role::Active;
        }
        self.steady_fleet = None;
        self.mark_changed();
    }
}

impl Account {
    pub(crate) fn new_service_deployment_arn(&mut self, service: &str) -> String {
        let id = self.ids.next_service_deployment();
        self.location.service_deployment_arn(service, &id)
    }

    pub(crate) fn service_deployment(&self, arn: &str) -> Option<&ServiceDeployment> {
        self.service_deployments
            .iter()
            .find(|deployment| deployment.arn == arn)
    }

    /// A service deployment by its ARN, to change it.
    pub(crate) fn service_deployment_mut(&mut self, arn: &str) -> Option<&mut ServiceDeployment> {
        self.service_deployments
            .iter_mut()
            .find(|deployment| deployment.arn == arn)
    }

    /// All deployments of a service, newest first.
    pub(crate) fn deployments_of<'a>(
        &'a self,
        service: &'a str,
    ) -> impl Iterator<Item = &'a ServiceDeployment> {
        self.service_deployments
            .iter()
            .rev()
            .filter(move |deployment| deployment.service == service)
    }

    /// The deployment of a service that is not over, the oldest if others wait for it.
    pub(crate) fn unfinished_deployment<'a>(
        &'a self,
        service: &'a str,
    ) -> Option<&'a ServiceDeployment> {
        self.deployments_of(service)
            .filter(|deployment| !deployment.status.is_over())
            .last()
    }

    /// A rolling deployment of a service that is not over.
    pub(crate) fn active_rolling<'a>(&'a self, service: &'a str) -> Option<&'a ServiceDeployment> {
        self.deployments_of(service).find(|deployment| {
            !deployment.status.is_over() && !deployment.configuration.shifts_traffic()
        })
    }

    /// The newest deployment of a service that has begun: its green is there, although it may not
    /// have tasks yet.
    pub(crate) fn newest_started<'a>(&'a self, service: &'a str) -> Option<&'a ServiceDeployment> {
        self.deployments_of(service)
            .find(|deployment| deployment.started_ms.is_some() || !deployment.sources.is_empty())
    }

    /// Whether a deployment that shifts traffic controls the task counts of the service, instead of
    /// the rolling scheduler.
    pub(crate) fn shifts_traffic(&self, service: &Service) -> bool {
        let configuration = self
            .newest_started(&service.name)
            .map(|deployment| &deployment.configuration)
            .or(service.configuration.as_ref());
        configuration.is_some_and(super::Configuration::shifts_traffic)
    }

    /// The revision that a service is to have: the one of a deployment that still goes forward, or
    /// of its primary fleet.
    pub(crate) fn wanted_revision(&self, service: &Service) -> Option<String> {
        let newest = self
            .deployments_of(&service.name)
            .next()
            .filter(|deployment| deployment.status.is_advancing());
        let wanted = newest.map(|deployment| deployment.target.task_definition.clone());
        wanted.or_else(|| service.primary().map(|primary| primary.revision.clone()))
    }

    /// The last deployment that was completed.
    pub(crate) fn last_successful<'a>(&'a self, service: &'a str) -> Option<&'a ServiceDeployment> {
        self.deployments_of(service)
            .find(|deployment| deployment.status == ServiceDeploymentStatus::Successful)
    }
}
