//! What the stage saw: every mutating call in order, how often each read came, when each state
//! became visible, and the recording.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::now_ms;
use crate::request_counts::RequestCounts;

/// One mutating call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// As in `ecs:RegisterTaskDefinition`.
    pub operation: String,
    /// The request as JSON.
    pub request: Value,
    /// The HTTP status of the answer; 0 when the connection was dropped.
    pub status: u16,
    /// The error's code, if it was refused.
    pub code: Option<String>,
    /// When it came, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// When a state became visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// A deployment's id, or a service's name.
    pub subject: String,
    /// As AWS names it: `Ready`, `AllowTraffic InProgress`, `weight 10`.
    pub state: String,
    /// Milliseconds since the epoch.
    pub at_ms: i64,
}

/// One exchange, as the wire layer knows it.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) service: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) request: &'a Value,
    pub(crate) raw_request: &'a [u8],
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) answer: &'a Value,
    pub(crate) raw_answer: &'a [u8],
    pub(crate) status: u16,
    pub(crate) code: Option<&'a str>,
    pub(crate) at_ms: i64,
}

#[derive(Debug, Default)]
struct LedgerState {
    entries: Vec<Entry>,
    reads: BTreeMap<String, u64>,
    unknown: BTreeMap<String, u64>,
    timeline: Vec<StateChange>,
    request_counts: RequestCounts,
    recording: Option<File>,
}

/// The stage's memory of what happened.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    state: Mutex<LedgerState>,
}

impl Ledger {
    /// An empty ledger that also records to a file, if one is named.
    pub(crate) fn open(recording: Option<&Path>) -> std::io::Result<Self> {
        let recording = recording.map(File::create).transpose()?;
        Ok(Self {
            state: Mutex::new(LedgerState {
                recording,
                ..LedgerState::default()
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, LedgerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an exchange down, as a mutation or as a read.
    pub(crate) fn record(&self, exchange: &Exchange<'_>) {
        let mut pages = self.state();
        let name = format!("{}:{}", exchange.service, exchange.operation);
        pages
            .request_counts
            .record(&name, exchange.code, exchange.at_ms);
        if is_read(exchange.operation) {
            *pages.reads.entry(name).or_default() += 1;
        } else {
            pages.entries.push(Entry {
                operation: name,
                request: exchange.request.clone(),
                status: exchange.status,
                code: exchange.code.map(ToOwned::to_owned),
                at_ms: exchange.at_ms,
            });
        }
        write_recording(&mut pages, exchange);
    }

    /// Counts an operation that the stage does not know.
    pub(crate) fn record_unknown(&self, service: &str, operation: &str) {
        *self
            .state()
            .unknown
            .entry(format!("{service}:{operation}"))
            .or_default() += 1;
    }

    /// A state is visible from now on.
    pub(crate) fn mark(&self, subject: &str, state: impl Into<String>) {
        self.state().timeline.push(StateChange {
            subject: subject.to_owned(),
            state: state.into(),
            at_ms: now_ms(),
        });
    }

    /// Every mutating call so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    /// How often each read came.
    pub(crate) fn read_counts(&self) -> BTreeMap<String, u64> {
        self.state().reads.clone()
    }

    /// How often an operation came that the stage does not know.
    pub(crate) fn unknown_operations(&self) -> BTreeMap<String, u64> {
        self.state().unknown.clone()
    }

    /// How many requests came.
    pub(crate) fn request_counts(&self) -> RequestCounts {
        self.state().request_counts.clone()
    }

    /// When each state became visible.
    pub(crate) fn timeline(&self) -> Vec<StateChange> {
        self.state().timeline.clone()
    }
}

/// Whether an operation leaves AWS as it is. A role is assumed without a trace in the account.
fn is_read(operation: &str) -> bool {
    [
        "AssumeRole",
        "Get",
        "Describe",
        "List",
        "BatchGet",
        "Head",
        "Simulate",
    ]
    .iter()
    .any(|verb| operation.starts_with(verb))
}

/// An exchange as `validate.py` reads it.
#[derive(Serialize)]
struct RecordedExchange<'a> {
    service: &'a str,
    protocol: &'a str,
    operation: &'a str,
    request: &'a Value,
    answer: &'a Value,
    status: u16,
    code: Option<&'a str>,
    user_agent: Option<&'a str>,
    at_ms: i64,
    raw_request: String,
    raw_answer: String,
}

/// A recording that cannot be written is noticed by whoever validates it: it is shorter than the
/// ledger.
fn write_recording(pages: &mut LedgerState, exchange: &Exchange<'_>) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let Some(file) = pages.recording.as_mut() else {
        return;
    };
    let line = RecordedExchange {
        service: exchange.service,
        protocol: exchange.protocol,
        operation: exchange.operation,
        request: exchange.request,
        answer: exchange.answer,
        status: exchange.status,
        code: exchange.code,
        user_agent: exchange.user_agent,
        at_ms: exchange.at_ms,
        raw_request: STANDARD.encode(exchange.raw_request),
        raw_answer: STANDARD.encode(exchange.raw_answer),
    };
    // In one piece: written as it is made, each of its words would be a call of the system.
    let Ok(mut line) = serde_json::to_vec(&line) else {
        return;
    };
    line.push(b'\n');
    let _ = file.write_all(&line);
}
