//! GitHub's REST API below `/_github/`, so that `GITHUB_API_URL` is `http://HOST:PORT/_github`: the
//! runs of workflows, for whoever has a token.
//!
//! It is recorded and met by faults as AWS is; botocore has no model to judge it by.

mod options;
mod request;
mod view;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LINK};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

pub use options::{GithubAccess, GithubOptions, GithubRun};
use request::{Query, Wanted};

use crate::aws::Severed;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::FaultKind;
use crate::ledger::Exchange;

/// Where the API is on the stage's port.
pub(crate) const ROOT: &str = "/_github";

/// An answer before it is HTTP.
struct Answer {
    status: StatusCode,
    body: Value,
    /// The other pages, as the `Link` header names them.
    link: Option<String>,
}

impl Answer {
    fn found(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            link: None,
        }
    }

    fn refused(status: StatusCode, message: &str) -> Self {
        let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.as_str() });
        Self {
            status,
            body,
            link: None,
        }
    }

    fn not_found() -> Self {
        Self::refused(StatusCode::NOT_FOUND, "Not Found")
    }

    fn respond(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body.to_string())));
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
) -> Result<Response<Full<Bytes>>, Severed> {
    let at_ms = now_ms();
    let (parts, _) = request.into_parts();
    let wanted = Wanted::parse(parts.uri.path().trim_start_matches(ROOT));
    let met = match cloud.faults.meet("github", wanted.operation()) {
        Some(fault) => meet(fault).await,
        None => Ok(None),
    };
    let answer = met.map(|met| met.unwrap_or_else(|| allowed(&cloud.github(), &parts, &wanted)));
    record(cloud, &parts, &wanted, answer.as_ref().ok(), at_ms);
    answer.map(|answer| answer.respond())
}

/// What a fault makes of a request; nothing, when it is answered all the same.
async fn meet(fault: FaultKind) -> Result<Option<Answer>, Severed> {
    let refused = |status, message: &str| Ok(Some(Answer::refused(status, message)));
    match fault {
        FaultKind::Throttled => refused(
            StatusCode::TOO_MANY_REQUESTS,
            "API rate limit exceeded for installation.",
        ),
        FaultKind::InternalError => refused(StatusCode::INTERNAL_SERVER_ERROR, "Server Error"),
        FaultKind::ExpiredCredentials => refused(StatusCode::UNAUTHORIZED, "Bad credentials"),
        FaultKind::Denied => refused(StatusCode::FORBIDDEN, DENIED),
        FaultKind::Refused { message, .. } => refused(StatusCode::UNPROCESSABLE_ENTITY, &message),
        FaultKind::Drops | FaultKind::LandsThenDrops => Err(Severed),
        FaultKind::Hangs | FaultKind::LandsThenHangs => std::future::pending().await,
        FaultKind::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Ok(None)
        }
        FaultKind::StaleRead => Ok(None),
    }
}

/// GitHub's sentence for a workflow token without the permission.
const DENIED: &str = "Resource not accessible by integration";

fn allowed(github: &GithubOptions, parts: &Parts, wanted: &Wanted) -> Answer {
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
        ("", GithubAccess::Granted | GithubAccess::Denied) => {
            Answer::refused(StatusCode::UNAUTHORIZED, "Requires authentication")
        }
        (_, GithubAccess::Denied) => Answer::refused(StatusCode::FORBIDDEN, DENIED),
        (_, GithubAccess::Granted) => found(github, parts, wanted),
    }
}

fn found(github: &GithubOptions, parts: &Parts, wanted: &Wanted) -> Answer {
    let host = parts
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let root = format!("http://{host}{ROOT}");
    let ours = |repository: &str| {
        parts.method == Method::GET && repository.eq_ignore_ascii_case(&github.repository)
    };
    match wanted {
        Wanted::Runs {
            repository,
            workflow,
        } if ours(repository) => {
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            runs(github, &root, workflow, &query)
        }
        Wanted::Run { repository, id } if ours(repository) => {
            let run = github.runs.iter().find(|run| run.id.to_string() == *id);
            run.map_or_else(Answer::not_found, |run| {
                Answer::found(view::run(&root, &github.repository, run))
            })
        }
        Wanted::Runs { .. } | Wanted::Run { .. } | Wanted::Unknown => Answer::not_found(),
    }
}

/// A page of a workflow's runs, newest first. A workflow is named by its file or its id.
fn runs(github: &GithubOptions, root: &str, workflow: &str, query: &Query) -> Answer {
    let named =
        |file: &&String| **file == workflow || view::workflow_id(file).to_string() == workflow;
    let Some(file) = github.workflows.iter().find(named) else {
        return Answer::not_found();
    };
    let mut fitting: Vec<&GithubRun> = github
        .runs
        .iter()
        .filter(|run| run.workflow == *file && query.fits(run))
        .collect();
    fitting.sort_by_key(|run| std::cmp::Reverse(run.id));
    let (page, size) = (query.page(), query.per_page());
    let shown: Vec<Value> = fitting
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|run| view::run(root, &github.repository, run))
        .collect();
    let last = fitting.len().div_ceil(size).max(1);
    let here = format!(
        "{root}/repos/{}/actions/workflows/{workflow}/runs",
        github.repository
    );
    let to = |page: usize, name: &str| format!("<{here}?{}>; rel=\"{name}\"", query.of_page(page));
    let link = (page < last).then(|| format!("{}, {}", to(page + 1, "next"), to(last, "last")));
    Answer {
        link,
        ..Answer::found(json!({ "total_count": fitting.len(), "workflow_runs": shown }))
    }
}

/// As an exchange with AWS; the code of a refusal is its status.
fn record(cloud: &Cloud, parts: &Parts, wanted: &Wanted, answer: Option<&Answer>, at_ms: i64) {
    let status = answer.map_or(0, |answer| answer.status.as_u16());
    let code = (status >= 400).then(|| status.to_string());
    let body = answer.map_or(Value::Null, |answer| answer.body.clone());
    let request = json!({ "method": parts.method.as_str(), "path": parts.uri.path(), "query": parts.uri.query() });
    cloud.ledger.enter(&Exchange {
        service: "github",
        protocol: "rest",
        operation: wanted.operation(),
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
