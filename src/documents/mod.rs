//! The documents of a deployment and how they change: task definition, `AppSpec`, overrides. Values
//! in, values out.
//!
//! Nothing here reads a file, a clock or the environment, and nothing calls AWS. Documents stay
//! JSON values all along, so that a field that is newer than this program reaches AWS unharmed.

pub mod app_spec;
pub mod backup;
pub mod changes;
pub mod clean;
pub mod coerce;
mod command;
pub mod command_secrets;
pub mod compare;
pub mod deployment_configuration;
pub mod described;
pub mod docker_config;
pub mod ebs;
pub mod fargate;
#[cfg(test)]
mod json_tests;
pub mod lint;
pub mod lists;
pub mod logging;
pub mod migration;
pub mod network;
pub mod new_repository;
pub mod overrides;
pub mod pairs;
pub mod parse;
pub mod patch;
pub mod render;
pub mod run_task;
pub mod secret_reference;
pub mod service_fields;
pub mod shape;
pub mod strategy;
pub mod task_definition;
mod types;
pub mod typing;
mod variables;
pub mod wildcard;
