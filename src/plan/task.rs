//! PURE: the one-off task, and where tasks run that do not belong to the service.

use std::time::Duration;

use crate::choices::PollSettings;
use crate::documents::run_task::TaskRequest;
use crate::identity::{ClusterName, ServiceName};
use crate::run_order::RunOrder;
use crate::settings::Settings;

/// The one-off task that runs before the rollout.
#[derive(Debug)]
pub struct TaskPlan {
    /// Where it runs.
    pub host: TaskHost,
    /// The request to RunTask.
    pub request: TaskRequest,
    /// Its deadline.
    pub deadline: Duration,
    /// Which run goes first if another one has a task for the same service.
    pub order: RunOrder,
}

/// Where tasks run that do not belong to the service, and how they are followed.
#[derive(Debug)]
pub struct TaskHost {
    /// The cluster, as the inputs name it.
    pub cluster: ClusterName,
    /// The service whose network settings they use, as the inputs name it.
    pub service: Option<ServiceName>,
    /// `enableECSManagedTags` of RunTask; not sent when none.
    pub enable_ecs_managed_tags: Option<bool>,
    /// How often they are read.
    pub poll: PollSettings,
}

pub(super) fn plan(settings: &Settings) -> Option<TaskPlan> {
    let rollout = &settings.rollout;
    Some(TaskPlan {
        host: task_host(settings),
        request: settings.task.clone()?,
        deadline: rollout.deadline.unwrap_or(rollout.wait),
        order: run_order(settings),
    })
}

pub(super) fn task_host(settings: &Settings) -> TaskHost {
    TaskHost {
        cluster: settings.cluster.clone(),
        service: settings.service.clone(),
        enable_ecs_managed_tags: settings.rollout.enable_ecs_managed_tags,
        poll: settings.rollout.poll,
    }
}

pub(super) fn run_order(settings: &Settings) -> RunOrder {
    RunOrder {
        if_running: settings.control.if_running,
        stale_run: settings.control.stale_run,
        deadline: settings.rollout.deadline,
    }
}
