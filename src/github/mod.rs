//! GitHub: the runner's interfaces (workflow commands, command files), and the API for the
//! workflow's runs and for comments on pull requests.

pub mod api;
pub mod client;
pub mod commands;
pub mod comments;
pub mod files;
pub mod pull_request;
pub mod workflow;
