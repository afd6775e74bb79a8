//! What exists in the simulated AWS account: plain data that the AWS handlers answer from and the
//! life cycles change.
//!
//! It holds no lock, waits for nothing and speaks no protocol.

mod alarm;
mod autoscaling;
mod balancer;
mod codedeploy;
mod ecs;
mod fleet;
mod location;
mod repository;
mod revision;
mod rollouts;
mod service;
mod setup;
mod snapshot;
mod task;

use std::collections::BTreeMap;

pub(crate) use alarm::{Alarm, Alarms};
pub(crate) use autoscaling::ScalableTarget;
pub(crate) use balancer::{Balancer, Listener, TargetGroup};
pub(crate) use codedeploy::{
    AppSpec, AutoRollback, Creator, Deployment, ErrorInformation, EventStatus, Group,
    LifecycleEvent, ReadyWait, RollbackLink, Side, Status, StopRequest, WaitType,
};
pub(crate) use ecs::{
    AlarmWatch, Cleanup, Configuration, EarlySuccess, Hook, HookAction, HookDetail, HookStatus,
    LifecycleStage, RevisionSide, Rollback, ServiceDeployment, ServiceDeploymentStatus,
    ServiceRevision, TrafficStep, add_service_revision,
};
pub(crate) use fleet::{Fleet, Role, RolloutState};
pub(crate) use location::{Ids, Location, sha256_hex, uuid_from};
pub(crate) use repository::Repository;
pub(crate) use revision::{Revision, Revisions};
pub(crate) use service::{Service, epoch_seconds};
pub(crate) use setup::{create_service, effective_exposure, load_balancer_kind};
pub(crate) use snapshot::Snapshot;
pub(crate) use task::{Container, LogLocation, Origin, Phase, StopCode, Task};

use crate::options::{AlarmState, Traffic};

/// Everything that exists.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) location: Location,
    pub(crate) ids: Ids,
    pub(crate) revisions: Revisions,
    pub(crate) services: Vec<Service>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) groups: Vec<Group>,
    pub(crate) deployments: Vec<Deployment>,
    /// What ECS itself performs or performed, oldest first.
    pub(crate) service_deployments: Vec<ServiceDeployment>,
    pub(crate) service_revisions: Vec<ServiceRevision>,
    pub(crate) configs: BTreeMap<String, Traffic>,
    pub(crate) alarms: Alarms,
    pub(crate) balancer: Balancer,
    pub(crate) scalable: Vec<ScalableTarget>,
    /// Of databases, made by hand or by a program.
    pub(crate) snapshots: Vec<Snapshot>,
    /// ECR's, of every account and region that the options name.
    pub(crate) repositories: Vec<Repository>,
    /// How many days log groups keep their lines; those that are not here keep them for ever.
    pub(crate) log_retention: BTreeMap<String, u64>,
    /// The tasks that a `RunTask` with this client token started.
    pub(crate) run_tokens: BTreeMap<String, Vec<String>>,
}

impl Account {
    /// A service by its name or ARN.
    pub(crate) fn service(&self, reference: &str) -> Option<&Service> {
        let name = name_from_arn(reference);
        self.services.iter().find(|service| service.name == name)
    }

    /// A service by its name or ARN, to change it.
    pub(crate) fn service_mut(&mut self, reference: &str) -> Option<&mut Service> {
        let name = name_from_arn(reference);
        self.services
            .iter_mut()
            .find(|service| service.name == name)
    }

    /// A task by its id or ARN.
    pub(crate) fn task(&self, reference: &str) -> Option<&Task> {
        let id = name_from_arn(reference);
        self.tasks.iter().find(|task| task.id == id)
    }

    /// A task by its id or ARN, to change it.
    pub(crate) fn task_mut(&mut self, reference: &str) -> Option<&mut Task> {
        let id = name_from_arn(reference);
        self.tasks.iter_mut().find(|task| task.id == id)
    }

    /// A fleet of any service.
    pub(crate) fn fleet(&self, id: &str) -> Option<&Fleet> {
        self.services
            .iter()
            .flat_map(|service| &service.fleets)
            .find(|fleet| fleet.id == id)
    }

    /// A fleet of any service, to change it.
    pub(crate) fn fleet_mut(&mut self, id: &str) -> Option<&mut Fleet> {
        self.services
            .iter_mut()
            .flat_map(|service| &mut service.fleets)
            .find(|fleet| fleet.id == id)
    }

    /// Adds a service event about a fleet.
    pub(crate) fn add_fleet_event(&mut self, fleet: &str, message: &str) {
        let id = self.ids.next_uuid();
        let service = self
            .services
            .iter_mut()
            .find(|service| service.fleet(fleet).is_some());
        if let Some(service) = service {
            service.add_fleet_event(fleet, &id, message);
        }
    }

    /// The tasks of a fleet that have not ended.
    pub(crate) fn live_tasks<'a>(&'a self, fleet: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks
            .iter()
            .filter(move |task| task.origin.fleet() == Some(fleet) && !task.is_over())
    }

    pub(crate) fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.id == id)
    }

    /// A deployment by its id, to change it.
    pub(crate) fn deployment_mut(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments
            .iter_mut()
            .find(|deployment| deployment.id == id)
    }

    /// A deployment group by the names of its application and its own.
    pub(crate) fn group(&self, application: &str, name: &str) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| group.application == application && group.name == name)
    }

    /// The share of production traffic that a target group gets.
    pub(crate) fn weight(&self, listener: &str, target_group: &str) -> u32 {
        self.balancer
            .listener(listener)
            .map_or(0, |listener| listener.weight(target_group))
    }

    /// The alarms of this list that are in ALARM.
    pub(crate) fn active_alarms(&self, names: &[String]) -> Vec<String> {
        let is_in_alarm = |name: &&String| {
            self.alarms
                .get(name)
                .is_some_and(|alarm| alarm.state == AlarmState::Alarm)
        };
        names.iter().filter(is_in_alarm).cloned().collect()
    }
}

/// The name at the end of an ARN, or the name itself.
pub(crate) fn name_from_arn(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}
