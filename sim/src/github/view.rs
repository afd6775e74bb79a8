//! A workflow run, and a check of a commit, as GitHub's REST API shows them. Members that nobody asks for are left out, but for
//! those that clients require.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::options::{GithubCheck, GithubRun};

/// The first second of 2026: runs are a minute apart, by their number.
const FIRST_RUN: i64 = 1_767_225_600;

/// A run of a repository, with addresses below the API's root.
pub(super) fn run_view(root: &str, repository: &str, run: &GithubRun) -> Value {
    let page = format!("https://github.com/{repository}/actions/runs/{}", run.id);
    let url = format!("{root}/repos/{repository}/actions/runs/{}", run.id);
    let workflow = workflow_id(&run.workflow);
    let author =
        json!({ "name": run.actor, "email": format!("{}@users.noreply.github.com", run.actor) });
    let (created, file) = (created_at(run), &run.workflow);
    json!({
        "id": run.id, "name": file.trim_end_matches(".yml"), "node_id": format!("WFR_{}", run.id), "head_branch": run.branch,
        "head_sha": run.sha, "path": format!(".github/workflows/{file}"), "display_title": format!("Run {}", run.number),
        "run_number": run.number, "run_attempt": run.attempt, "event": run.event, "status": run.status, "conclusion": run.conclusion,
        "workflow_id": workflow, "url": url, "html_url": page, "pull_requests": [], "created_at": created, "updated_at": created,
        "run_started_at": created, "actor": user_view(&run.actor), "triggering_actor": user_view(&run.actor),
        "jobs_url": format!("{url}/jobs"), "logs_url": format!("{url}/logs"), "artifacts_url": format!("{url}/artifacts"),
        "cancel_url": format!("{url}/cancel"), "rerun_url": format!("{url}/rerun"), "previous_attempt_url": null,
        "check_suite_id": run.id, "check_suite_url": format!("{root}/repos/{repository}/check-suites/{}", run.id),
        "workflow_url": format!("{root}/repos/{repository}/actions/workflows/{workflow}"),
        "head_commit": { "id": run.sha, "tree_id": run.sha, "message": format!("Commit of run {}", run.number), "timestamp": created,
            "author": author, "committer": author },
        "repository": repository_view(root, repository), "head_repository": repository_view(root, repository),
    })
}

/// The run of a check of a commit, by its number.
pub(super) fn check_view(
    repository: &str,
    (number, commit): (usize, &str),
    check: &GithubCheck,
) -> Value {
    let page = match check.run {
        Some(run) => format!("https://github.com/{repository}/actions/runs/{run}/job/{number}"),
        None => format!("https://checks.example.com/{number}"),
    };
    let status = if check.conclusion.is_some() {
        "completed"
    } else {
        "in_progress"
    };
    json!({
        "id": number, "node_id": format!("CR_{number}"), "name": check.name, "head_sha": commit, "status": status,
        "conclusion": check.conclusion, "details_url": page, "html_url": page, "external_id": "", "pull_requests": [],
        "output": { "title": null, "summary": null, "text": null, "annotations_count": 0 }, "check_suite": { "id": check.run.unwrap_or(1) },
    })
}

/// The same for every run of a file.
pub(super) fn workflow_id(file: &str) -> u64 {
    file.bytes()
        .fold(1_000, |id, byte| (id * 31 + u64::from(byte)) % 100_000_000)
}

fn created_at(run: &GithubRun) -> String {
    let minutes = Duration::minutes(i64::try_from(run.number).unwrap_or(0));
    let first =
        OffsetDateTime::from_unix_timestamp(FIRST_RUN).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    first
        .saturating_add(minutes)
        .format(&Rfc3339)
        .unwrap_or_default()
}

fn user_view(login: &str) -> Value {
    json!({ "login": login, "id": workflow_id(login), "type": "User", "site_admin": false, "html_url": format!("https://github.com/{login}") })
}

fn repository_view(root: &str, repository: &str) -> Value {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    json!({ "id": workflow_id(repository), "name": name, "full_name": repository, "private": true, "url": format!("{root}/repos/{repository}"),
        "html_url": format!("https://github.com/{repository}") })
}
