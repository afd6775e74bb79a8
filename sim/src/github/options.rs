//! What GitHub knows: one repository, its workflows and their runs. Plain data, the same in Rust
//! and in a JSON file.

use serde::{Deserialize, Serialize};

/// GitHub as the action's token sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GithubOptions {
    /// `OWNER/NAME`.
    pub repository: String,
    /// The files of its workflows.
    pub workflows: Vec<String>,
    /// Their runs.
    pub runs: Vec<GithubRun>,
    /// Whether a token is enough.
    pub access: GithubAccess,
}

impl Default for GithubOptions {
    fn default() -> Self {
        Self {
            repository: "org/repo".to_owned(),
            workflows: vec![deploy_file()],
            runs: Vec::new(),
            access: GithubAccess::Granted,
        }
    }
}

/// Whether a token is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GithubAccess {
    /// Any token reads the runs.
    Granted,
    /// The token lacks `actions: read`: everything is answered by a 403.
    Denied,
}

/// A workflow run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubRun {
    /// `GITHUB_RUN_ID`.
    pub id: u64,
    /// `GITHUB_RUN_NUMBER`: counted by workflow.
    pub number: u64,
    /// `GITHUB_RUN_ATTEMPT`.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The commit.
    pub sha: String,
    /// The branch.
    #[serde(default = "main_branch")]
    pub branch: String,
    /// `queued`, `in_progress`, `waiting`, `completed`, …
    #[serde(default = "completed")]
    pub status: String,
    /// `success`, `failure`, `cancelled`, …; none until it is completed.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// Who started it.
    #[serde(default = "octocat")]
    pub actor: String,
    /// What started it.
    #[serde(default = "push")]
    pub event: String,
    /// Its workflow's file.
    #[serde(default = "deploy_file")]
    pub workflow: String,
}

impl GithubRun {
    /// A push to `main` that was deployed.
    pub fn new_successful(id: u64, number: u64, sha: &str) -> Self {
        Self {
            id,
            number,
            attempt: first(),
            sha: sha.to_owned(),
            branch: main_branch(),
            status: completed(),
            conclusion: Some("success".to_owned()),
            actor: octocat(),
            event: push(),
            workflow: deploy_file(),
        }
    }
}

const fn first() -> u32 {
    1
}

fn main_branch() -> String {
    "main".to_owned()
}

fn completed() -> String {
    "completed".to_owned()
}

fn octocat() -> String {
    "octocat".to_owned()
}

fn push() -> String {
    "push".to_owned()
}

fn deploy_file() -> String {
    "deploy.yml".to_owned()
}
