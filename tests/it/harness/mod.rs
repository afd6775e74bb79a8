//! What every story stands on: a stage, the action run as the runner runs it, and what was told
//! afterwards.

mod action;
mod answering;
mod canaries;
mod deeds;
mod images;
pub(crate) mod judge;
pub(crate) mod native;
mod play;
mod process;
mod redact;
mod runner;
mod steady;
mod story;
mod told;
mod trust;

pub(crate) use action::{Action, smoke_tests};
pub(crate) use answering::answering;
pub(crate) use deeds::{Deed, When, call};
pub(crate) use images::layout;
pub(crate) use play::Play;
pub(crate) use runner::values;
pub(crate) use story::{Story, definition};
pub(crate) use told::{Told, texts};
pub(crate) use trust::{AUTHORITY, client};
