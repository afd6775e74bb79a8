//! GitHub: what the runner understands (workflow commands, command files), and what GitHub tells
//! about the workflow's runs.

pub mod api;
pub mod commands;
pub mod files;
pub mod workflow;
