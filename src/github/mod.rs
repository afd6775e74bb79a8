//! GitHub: the runner's interfaces (workflow commands, command files), the API for the workflow's
//! runs and for comments on pull requests, and ID tokens.

pub mod api;
pub mod client;
pub mod commands;
pub mod comments;
pub mod files;
pub mod id_token;
pub mod pull_request;
pub mod workflow;
