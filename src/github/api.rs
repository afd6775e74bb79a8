//! GitHub's API: which other runs of the workflow exist. Read-only, with its own deadline: an
//! answer that does not come in time is treated as unknown, so that a deployment never waits for
//! it.
//!
//! One file, because it is one client; a third of it is tests.

use std::time::Duration;

use octocrab::Octocrab;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::{self, GithubError, read_answer, with_deadline};
use super::workflow::Workflow;
use crate::secret::Secret;

/// The deadline for a whole question, all pages together.
const DEADLINE: Duration = Duration::from_secs(5);
/// Runs come newest first; more than two pages are not looked at.
const MAX_PAGES: u32 = 2;
const PER_PAGE: usize = 50;
/// A commit has a few dozen checks, and GitHub shows at most a hundred of them at once.
const CHECKS_PER_PAGE: usize = 100;
const MAX_CHECK_PAGES: u32 = 5;
/// Characters that need no escaping in a file's name within a URL.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// GitHub's statuses of a run that has not ended.
const UNFINISHED_STATUSES: &[&str] = &["queued", "in_progress", "waiting", "pending", "requested"];

/// A run of the workflow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WorkflowRun {
    /// The run number within the workflow.
    #[serde(rename = "run_number")]
    pub number: u64,
    /// The commit's SHA.
    #[serde(rename = "head_sha")]
    pub sha: String,
    /// The URL of the run's page.
    #[serde(rename = "html_url")]
    pub url: String,
    /// GitHub's status.
    #[serde(default)]
    pub status: Option<String>,
    /// GitHub's conclusion; none until the run has ended.
    #[serde(default)]
    pub conclusion: Option<String>,
}

/// A run of a check of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckRun {
    /// The check's name.
    pub name: String,
    /// GitHub's status: `queued`, `in_progress`, `completed` and others.
    #[serde(default)]
    pub status: String,
    /// GitHub's conclusion; none until it has ended.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// The page of who runs it; that of a job names its workflow run.
    #[serde(default)]
    pub details_url: Option<String>,
}

impl CheckRun {
    /// Whether it is a job of this workflow run.
    pub fn is_of_run(&self, id: &str) -> bool {
        let part = format!("/actions/runs/{id}/");
        self.details_url
            .as_ref()
            .is_some_and(|url| url.contains(&part))
    }
}

#[derive(Debug, Deserialize)]
struct CheckRunsPage {
    check_runs: Vec<CheckRun>,
}

/// A client for the runs of one workflow.
#[derive(Debug)]
pub struct Github<'w> {
    client: Octocrab,
    workflow: &'w Workflow,
}

#[derive(Debug)]
struct WorkflowRunsQuery<'q> {
    branch: Option<&'q str>,
    status: Option<&'q str>,
    per_page: usize,
    page: u32,
}

impl WorkflowRunsQuery<'_> {
    fn to_query_string(&self) -> String {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(self.branch.map(|branch| ("branch", branch)));
        text.extend_pairs(self.status.map(|status| ("status", status)));
        text.append_pair("per_page", &self.per_page.to_string())
            .append_pair("page", &self.page.to_string());
        text.finish()
    }
}

#[derive(Debug, Deserialize)]
struct Page {
    workflow_runs: Vec<WorkflowRun>,
}

impl<'w> Github<'w> {
    /// Prepares the client, with the proxy of the environment; nothing is sent.
    pub fn connect(workflow: &'w Workflow, token: &Secret) -> Result<Self, GithubError> {
        let client = client::connect(&workflow.api, token)?;
        Ok(Self { client, workflow })
    }

    /// The newest run of the workflow on this branch that is newer than ours and deployed another
    /// commit.
    pub async fn find_newer_run(
        &self,
        branch: &str,
        sha: &str,
    ) -> Result<Option<WorkflowRun>, GithubError> {
        with_deadline(DEADLINE, self.read_newer_run(branch, sha)).await
    }

    /// How many older runs of the workflow have not ended.
    pub async fn count_runs_ahead(&self) -> Result<usize, GithubError> {
        with_deadline(DEADLINE, self.read_runs_ahead()).await
    }

    async fn read_newer_run(
        &self,
        branch: &str,
        sha: &str,
    ) -> Result<Option<WorkflowRun>, GithubError> {
        let newest = self
            .read_page(&WorkflowRunsQuery {
                branch: Some(branch),
                status: Some("success"),
                per_page: PER_PAGE,
                page: 1,
            })
            .await?;
        Ok(find_overtaking(&newest, self.workflow.number, sha).cloned())
    }

    async fn read_runs_ahead(&self) -> Result<usize, GithubError> {
        let mut ahead = 0;
        for page in 1..=MAX_PAGES {
            let runs = self
                .read_page(&WorkflowRunsQuery {
                    branch: None,
                    status: None,
                    per_page: PER_PAGE,
                    page,
                })
                .await?;
            ahead += runs
                .iter()
                .filter(|run| is_ahead(run, self.workflow.number))
                .count();
            if runs.len() < PER_PAGE {
                break;
            }
        }
        Ok(ahead)
    }

    /// The newest runs of all checks of a commit.
    pub async fn list_check_runs(&self, sha: &str) -> Result<Vec<CheckRun>, GithubError> {
        with_deadline(DEADLINE, self.read_check_runs(sha)).await
    }

    async fn read_check_runs(&self, sha: &str) -> Result<Vec<CheckRun>, GithubError> {
        let sha = utf8_percent_encode(sha, SEGMENT);
        let route = format!(
            "/repos/{}/commits/{sha}/check-runs",
            self.workflow.repository
        );
        let mut all = Vec::new();
        for page in 1..=MAX_CHECK_PAGES {
            let query = format!("per_page={CHECKS_PER_PAGE}&page={page}");
            let found: CheckRunsPage = self.read_json(&format!("{route}?{query}")).await?;
            let is_last = found.check_runs.len() < CHECKS_PER_PAGE;
            all.extend(found.check_runs);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    async fn read_page(
        &self,
        query: &WorkflowRunsQuery<'_>,
    ) -> Result<Vec<WorkflowRun>, GithubError> {
        let file = utf8_percent_encode(&self.workflow.file, SEGMENT);
        let route = format!(
            "/repos/{}/actions/workflows/{file}/runs",
            self.workflow.repository
        );
        let page: Page = self
            .read_json(&format!("{route}?{}", query.to_query_string()))
            .await?;
        Ok(page.workflow_runs)
    }

    async fn read_json<T: DeserializeOwned>(&self, route: &str) -> Result<T, GithubError> {
        let answer = self.client._get(route.to_owned()).await?;
        read_answer(answer.map(reqwest::Body::wrap).into()).await
    }
}

/// Only the newest successful run counts: if it deployed our commit, our commit is the latest
/// wanted one.
fn find_overtaking<'r>(runs: &'r [WorkflowRun], ours: u64, sha: &str) -> Option<&'r WorkflowRun> {
    let newest = runs
        .iter()
        .filter(|run| run.number > ours && has_succeeded(run))
        .max_by_key(|run| run.number);
    newest.filter(|run| run.sha != sha)
}

fn has_succeeded(run: &WorkflowRun) -> bool {
    run.status.as_deref() == Some("completed") && run.conclusion.as_deref() == Some("success")
}

fn is_ahead(run: &WorkflowRun, ours: u64) -> bool {
    run.number < ours
        && run
            .status
            .as_deref()
            .is_some_and(|status| UNFINISHED_STATUSES.contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::BodyError;

    fn workflow_run(number: u64, sha: &str, status: &str, conclusion: Option<&str>) -> WorkflowRun {
        let url = format!("https://github.example/octo/shop/actions/runs/{number}");
        WorkflowRun {
            number,
            sha: sha.into(),
            url,
            status: Some(status.into()),
            conclusion: conclusion.map(str::to_owned),
        }
    }

    fn successful_run(number: u64, sha: &str) -> WorkflowRun {
        workflow_run(number, sha, "completed", Some("success"))
    }

    #[test]
    fn a_run_is_overtaken_by_the_newest_good_run_of_another_commit() {
        let table = [
            (
                "nothing newer",
                vec![successful_run(41, "a"), successful_run(40, "b")],
                None,
            ),
            (
                "a newer commit",
                vec![successful_run(42, "b"), successful_run(41, "a")],
                Some(42),
            ),
            (
                "the newest of several",
                vec![
                    successful_run(42, "b"),
                    successful_run(44, "d"),
                    successful_run(43, "c"),
                ],
                Some(44),
            ),
            ("the same commit again", vec![successful_run(42, "a")], None),
            (
                "another commit, then the same one again",
                vec![successful_run(43, "a"), successful_run(42, "b")],
                None,
            ),
            (
                "a newer one that failed",
                vec![workflow_run(42, "b", "completed", Some("failure"))],
                None,
            ),
            (
                "a newer one that goes on",
                vec![workflow_run(42, "b", "in_progress", None)],
                None,
            ),
            (
                "a word of tomorrow",
                vec![workflow_run(42, "b", "completed", Some("splendid"))],
                None,
            ),
        ];
        for (what, runs, expected) in table {
            assert_eq!(
                find_overtaking(&runs, 41, "a").map(|run| run.number),
                expected,
                "{what}"
            );
        }
    }

    #[test]
    fn older_runs_that_have_not_ended_are_ahead() {
        let table = [
            ("queued", true),
            ("in_progress", true),
            ("waiting", true),
            ("pending", true),
            ("completed", false),
            ("paused", false),
        ];
        for (status, expected) in table {
            assert_eq!(
                is_ahead(&workflow_run(40, "a", status, None), 41),
                expected,
                "{status}"
            );
        }
        assert!(
            !is_ahead(&workflow_run(41, "a", "in_progress", None), 41),
            "this run itself"
        );
        assert!(
            !is_ahead(&workflow_run(42, "a", "queued", None), 41),
            "a newer one"
        );
    }

    /// An API that answers a request with this head, and with a body that never ends.
    async fn serve_endless_body(head: &'static str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream
                .write_all(
                    format!("HTTP/1.1 {head}\r\ncontent-type: application/json\r\n\r\n").as_bytes(),
                )
                .await
                .unwrap();
            let spaces = vec![b' '; 65_536];
            while stream.write_all(&spaces).await.is_ok() {}
        });
        api
    }

    #[tokio::test]
    async fn an_answer_that_never_ends_is_not_read_to_its_end() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for head in ["200 OK", "500 Internal Server Error"] {
            let (repository, file) = ("octo/shop".into(), "deploy.yml".into());
            let workflow = Workflow {
                api: serve_endless_body(head).await,
                repository,
                file,
                branch: None,
                number: 41,
            };
            let github = Github::connect(&workflow, &Secret::new("t0ken")).unwrap();
            let error = github.count_runs_ahead().await.unwrap_err();
            assert!(
                matches!(error, GithubError::Body(BodyError::TooLong(_))),
                "{head}: {error:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_not_tried() {
        let workflow = |api: &str| Workflow {
            api: api.into(),
            repository: "octo/shop".into(),
            file: "deploy.yml".into(),
            branch: Some("main".into()),
            number: 41,
        };
        for (api, token) in [
            ("api.github.example", "t0ken"),
            ("file:///etc", "t0ken"),
            ("https://api.github.example", "two\nlines"),
        ] {
            let (workflow, token) = (workflow(api), Secret::new(token));
            assert!(
                matches!(
                    Github::connect(&workflow, &token),
                    Err(GithubError::Unusable(_))
                ),
                "{api}"
            );
        }
    }
}
