//! What goes on at AWS by itself: tasks start and end, services keep their counts, rollouts
//! advance.
//!
//! The life cycles change the account and the world; they know no protocol.

mod alarms;
mod autoscaling;
pub(crate) mod codedeploy;
mod containers;
mod digests;
mod keeper;
mod native;
mod notice;
mod retire;
mod rolling;
mod rolling_failure;
mod rolling_history;
mod staffing;
mod supersede;
mod targets;
mod tasks;
mod troubles;

pub(crate) use containers::{Overrides, assemble};
pub(crate) use keeper::keep;
pub(crate) use native::{
    Beginning, TEST_HEADER, begin as begin_native, give_second_group, play as play_native,
};
pub(crate) use rolling::begin as begin_rolling;
pub(crate) use tasks::{end as end_task, launch};
