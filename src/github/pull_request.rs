//! The pull request that a workflow runs for, as the runner's variables describe it. No request is
//! sent here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::workflow::{PUBLIC_API, is_repository};

/// The website if the runner does not name one.
const PUBLIC_SERVER: &str = "https://github.com";

/// A run for a pull request, or for a comment on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestRun {
    /// `GITHUB_API_URL`.
    pub api: String,
    /// `GITHUB_REPOSITORY`: the repository that has the pull request, `owner/name`.
    pub repository: String,
    /// `GITHUB_EVENT_PATH`, the file with what happened.
    pub event_file: Option<PathBuf>,
    /// The number in `GITHUB_REF`, where it names a pull request.
    pub number_in_reference: Option<u64>,
    /// The run's id and attempt: later runs have greater ones.
    pub run: (u64, u64),
    /// The address of the run's page.
    pub page: String,
}

impl PullRequestRun {
    /// None where the workflow does not run for a pull request.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name: &str| {
            variables
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let number = |name: &str| text(name)?.parse::<u64>().ok();
        let event = text("GITHUB_EVENT_NAME")?;
        if !event.starts_with("pull_request") && event != "issue_comment" {
            return None;
        }
        let repository = text("GITHUB_REPOSITORY").filter(|name| is_repository(name))?;
        let id = number("GITHUB_RUN_ID")?;
        let server = text("GITHUB_SERVER_URL").unwrap_or(PUBLIC_SERVER);
        Some(Self {
            api: text("GITHUB_API_URL").unwrap_or(PUBLIC_API).to_owned(),
            repository: repository.to_owned(),
            event_file: text("GITHUB_EVENT_PATH").map(PathBuf::from),
            number_in_reference: text("GITHUB_REF").and_then(number_of_reference),
            run: (id, number("GITHUB_RUN_ATTEMPT").unwrap_or(1)),
            page: format!(
                "{}/{repository}/actions/runs/{id}",
                server.trim_end_matches('/')
            ),
        })
    }

    /// The pull request's number. `event` is what the event's file has, where it was read.
    pub fn number(&self, event: Option<&Value>) -> Option<u64> {
        let named = event.and_then(|event| {
            let of_issue = &event["issue"];
            let of_comment = of_issue["number"]
                .as_u64()
                .filter(|_| of_issue["pull_request"].is_object());
            event["pull_request"]["number"].as_u64().or(of_comment)
        });
        named.or(self.number_in_reference)
    }
}

/// `refs/pull/7/merge` → 7.
fn number_of_reference(reference: &str) -> Option<u64> {
    let (number, _) = reference.strip_prefix("refs/pull/")?.split_once('/')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(event: &str, reference: &str) -> Option<PullRequestRun> {
        let pairs = [
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REPOSITORY", "octo/shop"),
            ("GITHUB_REF", reference),
            ("GITHUB_RUN_ID", "4711"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ];
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        PullRequestRun::from_variables(&variables.into())
    }

    #[test]
    fn only_a_run_for_a_pull_request_has_one() {
        let found = run("pull_request", "refs/pull/7/merge").unwrap();
        assert_eq!(
            (found.number(None), found.run, found.page.as_str()),
            (
                Some(7),
                (4711, 2),
                "https://github.com/octo/shop/actions/runs/4711"
            )
        );
        assert_eq!(run("push", "refs/heads/main"), None);
        assert_eq!(run("", ""), None);
    }

    #[test]
    fn the_event_names_the_pull_request_where_the_reference_does_not() {
        let table = [
            (json!({ "pull_request": { "number": 8 } }), Some(8)),
            (
                json!({ "issue": { "number": 9, "pull_request": {} } }),
                Some(9),
            ),
            (json!({ "issue": { "number": 9 } }), None),
            (json!(null), None),
        ];
        for (event, expected) in table {
            let found = run("issue_comment", "refs/heads/main").unwrap();
            assert_eq!(found.number(Some(&event)), expected, "{event}");
        }
    }
}
