//! Blue/green, canary and linear deployments of ECS: service deployments, service revisions, and
//! the deployment configuration.

mod configuration;
mod deployment;
mod hook;
mod initial;
mod revision;
mod stage;

pub(crate) use configuration::{
    Cleanup, Configuration, EarlySuccess, Hook, HookAction, TrafficStep,
};
pub(crate) use deployment::{
    AlarmWatch, RevisionSide, Rollback, ServiceDeployment, ServiceDeploymentStatus,
};
pub(crate) use hook::{HookDetail, HookStatus};
pub(crate) use revision::{ServiceRevision, add_service_revision};
pub(crate) use stage::LifecycleStage;
