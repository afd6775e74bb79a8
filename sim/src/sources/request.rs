//! A request to a source as it came, which source it means, and what it asks. It is also what the
//! ledger keeps.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};

/// A request that a source got, with everything in which a secret could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRequest {
    /// `prometheus`, `amp` (Amazon Managed Service for Prometheus), `datadog`, `json`, or
    /// `unknown`.
    pub source: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query string.
    pub query: String,
    /// All headers, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// PromQL, the query, or the endpoint's name.
    pub question: String,
    /// The answer's status; 0 when there was none.
    pub status: u16,
    /// When it came, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Prometheus,
    /// Amazon's, with the workspace.
    Amp(String),
    Datadog,
    Json,
    Unknown,
}

impl Source {
    /// The name in the ledger.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Amp(_) => "amp",
            Self::Datadog => "datadog",
            Self::Json => "json",
            Self::Unknown => "unknown",
        }
    }

    /// The name in faults.
    pub(super) const fn operation(&self) -> &'static str {
        match self {
            Self::Prometheus | Self::Amp(_) => "Prometheus",
            Self::Datadog => "Datadog",
            Self::Json => "Json",
            Self::Unknown => "Unknown",
        }
    }
}

/// A request, read.
#[derive(Debug, Clone)]
pub(super) struct ParsedRequest {
    pub(super) source: Source,
    pub(super) recorded: SourceRequest,
    /// The query string's members, and a form's.
    members: BTreeMap<String, String>,
}

impl ParsedRequest {
    /// Prometheus and Datadog have the same path; Datadog's requests say from when to when, or
    /// carry its keys.
    pub(super) fn parse(parts: &Parts, path: &str, body: &Bytes, at_ms: i64) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let body = String::from_utf8_lossy(body).into_owned();
        let mut members: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let value = |value: &hyper::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let headers: BTreeMap<String, String> = parts
            .headers
            .iter()
            .map(|(name, given)| (name.as_str().to_owned(), value(given)))
            .collect();
        if headers
            .get("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
        {
            members.extend(form_urlencoded::parse(body.as_bytes()).into_owned());
        }
        let is_datadog = members.contains_key("from")
            || headers.contains_key("dd-api-key")
            || headers.contains_key("dd-application-key");
        let source = match path
            .trim_start_matches('/')
            .split('/')
            .collect::<Vec<_>>()
            .as_slice()
        {
            ["api", "v1", "query"] if is_datadog => Source::Datadog,
            ["api", "v1", "query"] => Source::Prometheus,
            ["workspaces", workspace, "api", "v1", "query"] => Source::Amp((*workspace).to_owned()),
            ["json", .., _] => Source::Json,
            _ => Source::Unknown,
        };
        let question = match &source {
            Source::Prometheus | Source::Amp(_) | Source::Datadog => {
                members.get("query").cloned().unwrap_or_default()
            }
            Source::Json => path.rsplit('/').next().unwrap_or_default().to_owned(),
            Source::Unknown => String::new(),
        };
        let (method, query) = (parts.method.to_string(), query.to_owned());
        let recorded = SourceRequest {
            source: source.name().to_owned(),
            method,
            path: path.to_owned(),
            query,
            headers,
            body,
            question,
            status: 0,
            at_ms,
        };
        Self {
            source,
            recorded,
            members,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.recorded.headers.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.members.get(name)?.parse().ok()
    }
}
