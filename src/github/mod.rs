//! GitHub: the runner's interfaces (workflow commands, command files), the API for the workflow's
//! runs, and ID tokens.

pub mod api;
pub mod commands;
pub mod files;
pub mod id_token;
pub mod workflow;
