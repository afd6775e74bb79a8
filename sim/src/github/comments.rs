//! Comments of pull requests, with GitHub's shapes and refusals. GitHub keeps them in the order in
//! which they were written.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::GithubAnswer;
use super::options::{GithubComment, GithubOptions};
use super::request::Query;
use super::view::workflow_id;

/// The longest body.
const MAX_CHARACTERS: usize = 65_536;
/// Who a job's token writes as.
const JOB: &str = "github-actions[bot]";
/// The id of the first comment.
const FIRST_ID: u64 = 2_000_000_001;

/// A page of a pull request's comments, the oldest first.
pub(super) fn list(
    github: &GithubOptions,
    root: &str,
    pull_request: u64,
    query: &Query,
) -> GithubAnswer {
    let of_it = github
        .comments
        .iter()
        .filter(|comment| comment.pull_request == pull_request);
    let shown: Vec<Value> = of_it
        .skip((query.page() - 1) * query.per_page())
        .take(query.per_page())
        .map(|comment| view(github, root, comment))
        .collect();
    GithubAnswer::ok(Value::Array(shown))
}

/// Writes a comment.
pub(super) fn create(
    github: &mut GithubOptions,
    root: &str,
    pull_request: u64,
    sent: &Value,
) -> GithubAnswer {
    let body = match read_body(sent) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let last = github.comments.iter().map(|comment| comment.id).max();
    let comment = GithubComment {
        id: last.map_or(FIRST_ID, |last| last + 1),
        pull_request,
        author: JOB.to_owned(),
        body,
    };
    let shown = view(github, root, &comment);
    github.comments.push(comment);
    GithubAnswer {
        status: StatusCode::CREATED,
        ..GithubAnswer::ok(shown)
    }
}

/// Writes a comment anew; a job's token may do so with anybody's.
pub(super) fn update(
    github: &mut GithubOptions,
    root: &str,
    id: u64,
    sent: &Value,
) -> GithubAnswer {
    let body = match read_body(sent) {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let Some(comment) = github.comments.iter_mut().find(|comment| comment.id == id) else {
        return GithubAnswer::not_found();
    };
    comment.body = body;
    let comment = comment.clone();
    GithubAnswer::ok(view(github, root, &comment))
}

/// Deletes a comment.
pub(super) fn delete(github: &mut GithubOptions, id: u64) -> GithubAnswer {
    let before = github.comments.len();
    github.comments.retain(|comment| comment.id != id);
    if github.comments.len() == before {
        return GithubAnswer::not_found();
    }
    GithubAnswer {
        status: StatusCode::NO_CONTENT,
        ..GithubAnswer::ok(Value::Null)
    }
}

fn read_body(sent: &Value) -> Result<String, Box<GithubAnswer>> {
    let refuse = |code: &str, message: &str| {
        let mut refusal =
            GithubAnswer::error(StatusCode::UNPROCESSABLE_ENTITY, "Validation Failed");
        refusal.body["errors"] = json!([{ "resource": "IssueComment", "code": code, "field": "body", "message": message }]);
        Box::new(refusal)
    };
    match sent["body"].as_str() {
        None | Some("") => Err(refuse("missing_field", "Body cannot be blank")),
        Some(body) if body.chars().count() > MAX_CHARACTERS => Err(refuse(
            "unprocessable",
            "Body is too long (maximum is 65536 characters)",
        )),
        Some(body) => Ok(body.to_owned()),
    }
}

fn view(github: &GithubOptions, root: &str, comment: &GithubComment) -> Value {
    let (repository, id, number) = (&github.repository, comment.id, comment.pull_request);
    let kind = if comment.is_bot_s() { "Bot" } else { "User" };
    let login = &comment.author;
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": format!("{root}/repos/{repository}/issues/comments/{id}"),
        "html_url": format!("https://github.com/{repository}/pull/{number}#issuecomment-{id}"),
        "issue_url": format!("{root}/repos/{repository}/issues/{number}"), "body": comment.body,
        "user": { "login": login, "id": workflow_id(login), "node_id": "U_1", "type": kind, "site_admin": false,
            "html_url": format!("https://github.com/{login}") },
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "author_association": "CONTRIBUTOR",
        "performed_via_github_app": null,
    })
}
