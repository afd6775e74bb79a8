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
    /// The checks of every commit.
    pub checks: Vec<GithubCheck>,
    /// Whether a token is enough.
    pub access: GithubAccess,
    /// The token with which a job requests ID tokens.
    pub id_token_request: String,
    /// The `sub` of its ID tokens.
    pub subject: String,
    /// The numbers of its pull requests.
    pub pull_requests: Vec<u64>,
    /// The comments on them, in the order in which they were written.
    pub comments: Vec<GithubComment>,
}

impl Default for GithubOptions {
    fn default() -> Self {
        Self {
            repository: "org/repo".to_owned(),
            workflows: vec![default_workflow()],
            runs: Vec::new(),
            checks: Vec::new(),
            access: GithubAccess::Granted,
            id_token_request: "canary-id-token-request".to_owned(),
            subject: "repo:org/repo:environment:production".to_owned(),
            pull_requests: vec![7],
            comments: Vec::new(),
        }
    }
}

/// A comment on a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubComment {
    /// GitHub counts comments over all repositories.
    pub id: u64,
    /// The number of the pull request.
    pub pull_request: u64,
    /// Who wrote it: `github-actions[bot]`, or a person.
    pub author: String,
    /// The text.
    pub body: String,
}

impl GithubComment {
    /// Whether a job or an app wrote it.
    pub fn is_bot_s(&self) -> bool {
        self.author.ends_with("[bot]")
    }
}

/// Whether a token is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GithubAccess {
    /// Any token reads the runs.
    Granted,
    /// Any token reads, and none writes: the token of a fork's pull request, or one without
    /// `pull-requests: write`.
    ReadOnly,
    /// The token lacks `actions: read`: everything is answered by a 403.
    Denied,
}

/// A run of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubCheck {
    /// The check's name.
    pub name: String,
    /// `success`, `failure`, …; none until it has ended.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// The workflow run whose job it is; none for a check of another app.
    #[serde(default)]
    pub run: Option<u64>,
}

impl GithubCheck {
    /// A check of another app that has ended.
    pub fn ended(name: &str, conclusion: &str) -> Self {
        Self {
            name: name.to_owned(),
            conclusion: Some(conclusion.to_owned()),
            run: None,
        }
    }

    /// A check that has not ended, of a job of a run.
    pub fn running(name: &str, run: u64) -> Self {
        Self {
            name: name.to_owned(),
            conclusion: None,
            run: Some(run),
        }
    }
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
    #[serde(default = "default_attempt")]
    pub attempt: u32,
    /// The commit.
    pub sha: String,
    /// The branch.
    #[serde(default = "default_branch")]
    pub branch: String,
    /// `queued`, `in_progress`, `waiting`, `completed`, …
    #[serde(default = "default_status")]
    pub status: String,
    /// `success`, `failure`, `cancelled`, …; none until it is completed.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// Who started it.
    #[serde(default = "default_actor")]
    pub actor: String,
    /// What started it.
    #[serde(default = "default_event")]
    pub event: String,
    /// Its workflow's file.
    #[serde(default = "default_workflow")]
    pub workflow: String,
}

impl GithubRun {
    /// A push to `main` that was deployed.
    pub fn new_successful(id: u64, number: u64, sha: &str) -> Self {
        Self {
            id,
            number,
            attempt: default_attempt(),
            sha: sha.to_owned(),
            branch: default_branch(),
            status: default_status(),
            conclusion: Some("success".to_owned()),
            actor: default_actor(),
            event: default_event(),
            workflow: default_workflow(),
        }
    }
}

const fn default_attempt() -> u32 {
    1
}

fn default_branch() -> String {
    "main".to_owned()
}

fn default_status() -> String {
    "completed".to_owned()
}

fn default_actor() -> String {
    "octocat".to_owned()
}

fn default_event() -> String {
    "push".to_owned()
}

fn default_workflow() -> String {
    "deploy.yml".to_owned()
}
