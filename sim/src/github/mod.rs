//! GitHub's REST API below `/_github/`, so that `GITHUB_API_URL` is `http://HOST:PORT/_github`: the
//! runs of workflows and the comments of pull requests, for clients with a token.
//!
//! It is recorded and met by faults as AWS is; botocore has no model to validate it with.

mod comments;
pub(crate) mod id_token;
mod options;
mod request;
mod view;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LINK};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

pub use options::{GithubAccess, GithubCheck, GithubComment, GithubOptions, GithubRun};
use request::{CommentMethod, Query, RequestedOperation};

use crate::aws::ConnectionDropped;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::{FaultKind, GARBAGE};
use crate::ledger::Exchange;

/// Where the API is on the stage's port.
pub(crate) const ROOT: &str = "/_github";

/// An answer before it is HTTP.
struct GithubAnswer {
    status: StatusCode,
    body: Value,
    /// The other pages, as the `Link` header names them.
    link: Option<String>,
}

impl GithubAnswer {
    fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            link: None,
        }
    }

    fn error(status: StatusCode, message: &str) -> Self {
        let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.as_str() });
        Self {
            status,
            body,
            link: None,
        }
    }

    fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not Found")
    }

    fn to_response(&self) -> Response<Full<Bytes>> {
        let body = if self.status == StatusCode::NO_CONTENT {
            Bytes::new()
        } else {
            Bytes::from(self.body.to_string())
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        if let Some(link) = self
            .link
            .as_ref()
            .and_then(|link| HeaderValue::from_str(link).ok())
        {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}

/// Answers one request to GitHub.
pub(crate) async fn answer(
    cloud: &Arc<Cloud>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionDropped> {
    let at_ms = now_ms();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| ConnectionDropped)?;
    let body = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
    let path = parts.uri.path().trim_start_matches(ROOT);
    let operation = RequestedOperation::parse(&parts.method, path);
    let fault = cloud.faults.next_fault("github", operation.name());
    let has_landed = matches!(
        fault,
        Some(FaultKind::LandsThenDrops | FaultKind::LandsThenHangs)
    );
    let run = || match operation {
        RequestedOperation::IdToken => id_token::answer(&cloud.github(), &parts),
        _ => authorize(cloud, &parts, &body, &operation),
    };
    if has_landed {
        let landed = run();
        record_exchange(cloud, (&parts, &body), &operation, Some(&landed), at_ms);
    }
    let fault_answer = match fault {
        Some(fault) => apply_fault(fault).await,
        None => Ok(None),
    };
    let answer = fault_answer.map(|met| met.unwrap_or_else(run));
    if !has_landed {
        record_exchange(
            cloud,
            (&parts, &body),
            &operation,
            answer.as_ref().ok(),
            at_ms,
        );
    }
    answer.map(|answer| answer.to_response())
}

/// What a fault makes of a request; nothing, when it is answered all the same.
async fn apply_fault(fault: FaultKind) -> Result<Option<GithubAnswer>, ConnectionDropped> {
    let refused = |status, message: &str| Ok(Some(GithubAnswer::error(status, message)));
    match fault {
        FaultKind::Throttled => refused(
            StatusCode::TOO_MANY_REQUESTS,
            "API rate limit exceeded for installation.",
        ),
        FaultKind::InternalError => refused(StatusCode::INTERNAL_SERVER_ERROR, "Server Error"),
        FaultKind::ExpiredCredentials => refused(StatusCode::UNAUTHORIZED, "Bad credentials"),
        FaultKind::Denied => refused(StatusCode::FORBIDDEN, DENIED),
        FaultKind::Refused { message, .. } => refused(StatusCode::UNPROCESSABLE_ENTITY, &message),
        FaultKind::Drops | FaultKind::LandsThenDrops => Err(ConnectionDropped),
        FaultKind::Hangs | FaultKind::LandsThenHangs => std::future::pending().await,
        FaultKind::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Ok(None)
        }
        FaultKind::Garbage => Ok(Some(GithubAnswer::ok(Value::String(GARBAGE.to_owned())))),
        FaultKind::StaleRead => Ok(None),
    }
}

/// GitHub's sentence for a workflow token without the permission.
const DENIED: &str = "Resource not accessible by integration";

fn authorize(
    cloud: &Cloud,
    parts: &Parts,
    body: &Value,
    operation: &RequestedOperation,
) -> GithubAnswer {
    let github = &cloud.github();
    let header = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let token = header
        .strip_prefix("Bearer ")
        .map(str::trim)
        .unwrap_or_default();
    match (token, github.access) {
        ("", _) => GithubAnswer::error(StatusCode::UNAUTHORIZED, "Requires authentication"),
        (_, GithubAccess::Denied) => GithubAnswer::error(StatusCode::FORBIDDEN, DENIED),
        (_, GithubAccess::ReadOnly) if operation.is_write() => {
            GithubAnswer::error(StatusCode::FORBIDDEN, DENIED)
        }
        (_, GithubAccess::Granted | GithubAccess::ReadOnly) => {
            run_operation(cloud, github, (parts, body), operation)
        }
    }
}

fn run_operation(
    cloud: &Cloud,
    github: &GithubOptions,
    (parts, body): (&Parts, &Value),
    operation: &RequestedOperation,
) -> GithubAnswer {
    let host = parts
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let root = format!("http://{host}{ROOT}");
    let is_own_get = |repository: &str| {
        parts.method == Method::GET && repository.eq_ignore_ascii_case(&github.repository)
    };
    match operation {
        RequestedOperation::Runs {
            repository,
            workflow,
        } if is_own_get(repository) => {
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            list_runs(github, &root, workflow, &query)
        }
        RequestedOperation::Run { repository, id } if is_own_get(repository) => {
            let run = github.runs.iter().find(|run| run.id.to_string() == *id);
            run.map_or_else(GithubAnswer::not_found, |run| {
                GithubAnswer::ok(view::run_view(&root, &github.repository, run))
            })
        }
        RequestedOperation::Checks { repository, commit } if is_own_get(repository) => {
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            list_checks(github, commit, &query)
        }
        RequestedOperation::Comments {
            repository,
            pull_request,
            method,
        } if repository.eq_ignore_ascii_case(&github.repository) => {
            let number = pull_request.parse().ok();
            let number = number.filter(|number| github.pull_requests.contains(number));
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            match (number, method) {
                (None, _) => GithubAnswer::not_found(),
                (Some(number), CommentMethod::Create) => {
                    cloud.change_github(|github| comments::create(github, &root, number, body))
                }
                (Some(number), _) => comments::list(github, &root, number, &query),
            }
        }
        RequestedOperation::Comment {
            repository,
            id,
            method,
        } if repository.eq_ignore_ascii_case(&github.repository) => {
            let id = id.parse().unwrap_or_default();
            cloud.change_github(|github| match method {
                CommentMethod::Delete => comments::delete(github, id),
                _ => comments::update(github, &root, id, body),
            })
        }
        // An installation's token has no user.
        RequestedOperation::User => GithubAnswer::error(StatusCode::FORBIDDEN, DENIED),
        RequestedOperation::Runs { .. }
        | RequestedOperation::Run { .. }
        | RequestedOperation::Checks { .. }
        | RequestedOperation::IdToken
        | RequestedOperation::Comments { .. }
        | RequestedOperation::Comment { .. }
        | RequestedOperation::Unknown => GithubAnswer::not_found(),
    }
}

/// A page of a workflow's runs, newest first. A workflow is named by its file or its id.
fn list_runs(github: &GithubOptions, root: &str, workflow: &str, query: &Query) -> GithubAnswer {
    let is_workflow =
        |file: &&String| **file == workflow || view::workflow_id(file).to_string() == workflow;
    let Some(file) = github.workflows.iter().find(is_workflow) else {
        return GithubAnswer::not_found();
    };
    let mut fitting: Vec<&GithubRun> = github
        .runs
        .iter()
        .filter(|run| run.workflow == *file && query.matches(run))
        .collect();
    fitting.sort_by_key(|run| std::cmp::Reverse(run.id));
    let (page, size) = (query.page(), query.per_page());
    let shown: Vec<Value> = fitting
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|run| view::run_view(root, &github.repository, run))
        .collect();
    let last = fitting.len().div_ceil(size).max(1);
    let path = format!(
        "{root}/repos/{}/actions/workflows/{workflow}/runs",
        github.repository
    );
    let page_link =
        |page: usize, name: &str| format!("<{path}?{}>; rel=\"{name}\"", query.with_page(page));
    let link = (page < last).then(|| {
        format!(
            "{}, {}",
            page_link(page + 1, "next"),
            page_link(last, "last")
        )
    });
    GithubAnswer {
        link,
        ..GithubAnswer::ok(json!({ "total_count": fitting.len(), "workflow_runs": shown }))
    }
}

/// A page of the runs of a commit's checks.
fn list_checks(github: &GithubOptions, commit: &str, query: &Query) -> GithubAnswer {
    let (page, size) = (query.page(), query.per_page());
    let shown: Vec<Value> = github
        .checks
        .iter()
        .enumerate()
        .skip((page - 1) * size)
        .take(size)
        .map(|(number, check)| view::check_view(&github.repository, (number, commit), check))
        .collect();
    GithubAnswer::ok(json!({ "total_count": github.checks.len(), "check_runs": shown }))
}

/// As an exchange with AWS; the code of a refusal is its status.
fn record_exchange(
    cloud: &Cloud,
    (parts, sent): (&Parts, &Value),
    operation: &RequestedOperation,
    answer: Option<&GithubAnswer>,
    at_ms: i64,
) {
    let status = answer.map_or(0, |answer| answer.status.as_u16());
    let code = (status >= 400).then(|| status.to_string());
    let body = answer.map_or(Value::Null, |answer| answer.body.clone());
    let request = json!({ "method": parts.method.as_str(), "path": parts.uri.path(), "query": parts.uri.query(), "body": sent });
    cloud.ledger.record(&Exchange {
        service: "github",
        protocol: "rest",
        operation: operation.name(),
        request: &request,
        raw_request: &[],
        user_agent: parts
            .headers
            .get("user-agent")
            .and_then(|agent| agent.to_str().ok()),
        answer: &body,
        raw_answer: body.to_string().as_bytes(),
        status,
        code: code.as_deref(),
        at_ms,
    });
}
