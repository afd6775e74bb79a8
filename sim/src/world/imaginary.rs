//! Imaginary tasks: they have an address that nothing listens on, and the proxy answers for them.
//!
//! Hundreds of services fit on a small machine that way. What an application does is not played:
//! every page is a healthy one. Only what the sample application does by its environment and its
//! command is: health checks that fail (`TROUBLE_PATH=/health`), and `migrate`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::http::{Body, text_response};
use super::task::TaskSpec;

/// The first address: 10.0.0.0, where no machine of the stage is.
const FIRST_ADDRESS: u32 = 0x0a00_0000;

/// The port of a task that serves nothing; nobody asks there.
const NO_PORT: u16 = 1;

/// The tasks by address.
#[derive(Debug, Default)]
pub(super) struct Imaginary {
    tasks: Mutex<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    started: u32,
    pages: BTreeMap<SocketAddr, String>,
    failing: BTreeSet<SocketAddr>,
}

impl Imaginary {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a task an address of its own.
    pub(super) fn add_task(&self, spec: &TaskSpec) -> SocketAddr {
        let mut tasks = self.tasks();
        tasks.started += 1;
        let port = if spec.port == 0 { NO_PORT } else { spec.port };
        let address = SocketAddr::from((Ipv4Addr::from(FIRST_ADDRESS + tasks.started), port));
        tasks.pages.insert(address, response_body(spec));
        if spec
            .environment
            .iter()
            .any(|(name, value)| name == "TROUBLE_PATH" && value == "/health")
        {
            tasks.failing.insert(address);
        }
        address
    }

    /// Forgets a task.
    pub(super) fn remove_task(&self, address: SocketAddr) {
        self.tasks().pages.remove(&address);
    }

    /// Whether a task with this address is imaginary, and there.
    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        self.tasks().pages.contains_key(&address)
    }

    /// Whether the health checks of an imaginary task fail.
    pub(super) fn is_failing(&self, address: SocketAddr) -> bool {
        self.tasks().failing.contains(&address)
    }

    /// What a task answers to every request; none for a task that is not imaginary.
    pub(super) fn respond(&self, address: SocketAddr) -> Option<Response<Body>> {
        let page = self.tasks().pages.get(&address).cloned()?;
        let mut response = text_response(StatusCode::OK, page);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Some(response)
    }
}

/// The exit code of a task that ends by itself (`migrate`); none for one that serves.
pub(super) fn planned_exit_code(spec: &TaskSpec) -> Option<i32> {
    let command: Vec<&str> = spec.command.iter().flatten().map(String::as_str).collect();
    match command.as_slice() {
        ["migrate"] => Some(0),
        ["migrate", "--fail"] => Some(3),
        ["exit", code] => code.parse().ok(),
        _ => None,
    }
}

fn response_body(spec: &TaskSpec) -> String {
    json!({ "status": "ok", "revision": spec.revision, "image": spec.image, "task": spec.id })
        .to_string()
}
