//! Imaginary tasks: they have an address that nothing listens on, and the proxy answers for them.
//!
//! Hundreds of services fit on a small machine that way. What an application does is not played: every page is a healthy one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::http::{Body, answer};
use super::task::TaskSpec;

/// The first address: 10.0.0.0, where no machine of the stage is.
const FIRST: u32 = 0x0a00_0000;

/// The port of a task that serves nothing; nobody asks there.
const NO_PORT: u16 = 1;

/// The tasks by address.
#[derive(Debug, Default)]
pub(super) struct Imaginary {
    tasks: Mutex<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    begun: u32,
    pages: BTreeMap<SocketAddr, String>,
}

impl Imaginary {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a task an address of its own.
    pub(super) fn begin(&self, spec: &TaskSpec) -> SocketAddr {
        let mut tasks = self.tasks();
        tasks.begun += 1;
        let port = if spec.port == 0 { NO_PORT } else { spec.port };
        let address = SocketAddr::from((Ipv4Addr::from(FIRST + tasks.begun), port));
        tasks.pages.insert(address, page(spec));
        address
    }

    /// Forgets a task.
    pub(super) fn end(&self, address: SocketAddr) {
        self.tasks().pages.remove(&address);
    }

    /// Whether a task with this address is imaginary, and there.
    pub(super) fn has(&self, address: SocketAddr) -> bool {
        self.tasks().pages.contains_key(&address)
    }

    /// What a task answers to every request; none for a task that is not imaginary.
    pub(super) fn answer(&self, address: SocketAddr) -> Option<Response<Body>> {
        let page = self.tasks().pages.get(&address).cloned()?;
        let mut response = answer(StatusCode::OK, page);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Some(response)
    }
}

fn page(spec: &TaskSpec) -> String {
    json!({ "status": "ok", "revision": spec.revision, "image": spec.image, "task": spec.id }).to_string()
}
