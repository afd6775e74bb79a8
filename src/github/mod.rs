//! GitHub: the runner's interfaces (workflow commands, command files), and the API for the
//! workflow's runs.

pub mod api;
pub mod commands;
pub mod files;
pub mod workflow;
