//! What every story uses: a stage, the action run as the runner runs it, and what it left.

mod action;
mod action_run;
mod answering;
mod database;
pub(crate) mod ecs;
mod images;
mod incidents;
pub(crate) mod judge;
mod play;
mod process;
mod promises;
mod redact;
mod runner;
mod stable_order;
mod story;
mod trust;

pub(crate) use action::{Action, smoke_tests};
pub(crate) use action_run::{ActionRun, join_texts};
pub(crate) use answering::serve_body;
pub(crate) use database::{Database, PASSWORD as DATABASE_PASSWORD};
pub(crate) use images::layout;
pub(crate) use incidents::{Incident, When, call};
pub(crate) use play::Play;
pub(crate) use runner::values;
pub(crate) use story::{Story, definition};
pub(crate) use trust::{AUTHORITY, client};
