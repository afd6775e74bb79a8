//! What goes on at AWS by itself: tasks start and end, services keep their counts, rollouts advance.
//!
//! The life cycles change the account and the world; they know no protocol.

mod autoscaling;
pub(crate) mod codedeploy;
mod containers;
mod keeper;
mod notice;
mod rolling;
mod staffing;
mod targets;
mod tasks;

pub(crate) use containers::{Overrides, assemble};
pub(crate) use keeper::keep;
pub(crate) use rolling::begin as begin_rolling;
pub(crate) use tasks::{end as end_task, launch};
