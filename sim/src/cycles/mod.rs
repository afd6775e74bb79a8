//! What AWS does in the background: tasks start and stop, services keep their desired counts,
//! rollouts advance.
//!
//! The life cycles change the account and the world; they know no protocol.

mod alarms;
mod autoscaling;
pub(crate) mod codedeploy;
mod containers;
mod digests;
mod ecs;
mod retire;
mod rolling;
mod rolling_failure;
mod rolling_history;
mod scheduler;
mod supersede;
mod targets;
mod task_counts;
mod task_faults;
mod task_monitor;
mod tasks;

pub(crate) use containers::{Overrides, build_containers};
pub(crate) use ecs::{
    NewDeployment, TEST_HEADER, add_second_target_group, begin as begin_ecs, spawn as play_ecs,
};
pub(crate) use rolling::begin as begin_rolling;
pub(crate) use scheduler::run_scheduler;
pub(crate) use tasks::{launch, stop_task};
