//! The pipeline, in words:
//!
//! `INPUT_*` become [`inputs`], those become [`settings`]. The [`planner`] has them: [`survey`] looks
//! at AWS once, and [`plan`] decides everything that can be decided before the first write.
//! [`engine`] walks the plan through [`steps`], which [`observe`] AWS, asks [`decide`] what each
//! observation means, and arms an [`undo`] before every effect; [`unwind`] undoes what is armed.
//! Every fact becomes an [`event`]; [`report`] folds them, and [`sinks`] render what anyone reads.

pub mod alarm;
pub mod aws;
pub mod choices;
pub mod cleanup;
pub mod clock;
pub mod command_line;
pub mod config_file;
pub mod decide;
pub mod documents;
pub mod drift;
pub mod engine;
pub mod error;
pub mod event;
#[cfg(test)]
mod generated;
pub mod github;
pub mod identity;
pub mod inputs;
pub mod observe;
pub mod outcome;
pub mod own_deployment;
pub mod plan;
pub mod plan_digest;
pub mod planner;
pub mod poll_interval;
pub mod report;
pub mod rollout_kind;
pub mod run;
pub mod run_order;
pub mod runner;
pub mod scan;
pub mod settings;
pub mod sinks;
pub mod start_gates;
pub mod steps;
pub mod survey;
pub mod tags;
pub mod undo;
pub mod unwind;
pub mod workspace;

pub use ecs_bluegreen_checks as checks;
pub use ecs_bluegreen_checks::{duration, nearest, problem};
pub use ecs_bluegreen_registry as registry;
pub use ecs_bluegreen_registry::{scrub, secret, text};
