//! What goes wrong at a registry, by request. It decides which fault a request meets;
//! `middleware.rs` applies it.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// A planned fault of registry requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryFault {
    /// The requests' method; any when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// What their path and query contain, as in `/manifests/v1`, `/blobs/uploads/`, or `/storage/`
    /// for the other host.
    #[serde(default)]
    pub path: String,
    /// The first request that meets it, counted from 1 and from when the fault was planned.
    #[serde(default = "default_count")]
    pub nth: u64,
    /// How many requests meet it.
    #[serde(default = "default_count")]
    pub times: u64,
    /// What happens to the requests that match.
    pub kind: RegistryFaultKind,
}

const fn default_count() -> u64 {
    1
}

impl RegistryFault {
    /// A fault that the first request of this kind meets.
    pub fn on_first_request(method: &str, path: &str, kind: RegistryFaultKind) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            nth: 1,
            times: 1,
            kind,
        }
    }

    /// A fault that every request of this kind meets.
    pub fn on_every_request(method: &str, path: &str, kind: RegistryFaultKind) -> Self {
        Self {
            times: u64::MAX,
            ..Self::on_first_request(method, path, kind)
        }
    }

    /// The same fault, from another request on.
    #[must_use]
    pub fn starting_at(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// The same fault, so often.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && path.contains(&self.path)
    }

    fn applies_to(&self, request: u64) -> bool {
        request >= self.nth && request - self.nth < self.times
    }
}

/// What happens to a request, or to its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistryFaultKind {
    /// The connection ends after so many bytes of the request's body. Nothing comes of it.
    CutsUpload(u64),
    /// The connection ends after so many bytes of the answer's body.
    CutsAnswer(u64),
    /// The request has its effect, and the connection ends without an answer.
    LandsThenCuts,
    /// The request is refused.
    Refuses(RegistryRefusal),
    /// The request's body is taken at so many bytes a second.
    TakesSlowly(u64),
    /// The answer's body comes at so many bytes a second.
    GivesSlowly(u64),
    /// Not a byte of the request's body is taken, and no answer comes.
    Stalls,
    /// The answer stops after so many bytes of its body.
    StallsAfter(u64),
    /// The answer names another digest.
    WrongDigest,
    /// The last byte of the answer's body is another.
    WrongBytes,
    /// `Content-Length` is wrong by so many bytes.
    WrongLength(i64),
    /// The answer leads to the same address, again and again.
    RedirectsToItself,
    /// The answer leads to this address.
    RedirectsTo(String),
    /// The answer's body never ends.
    Endless,
}

/// A refusal, as the registry words it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The error's code; no body without one.
    pub code: String,
    /// The error's sentence.
    pub message: String,
    /// The seconds in `Retry-After`; none when absent.
    pub retry_after: Option<u64>,
}

impl RegistryFaultKind {
    /// A refusal without a body.
    pub fn refuse_with_status(status: u16) -> Self {
        Self::Refuses(RegistryRefusal {
            status,
            ..RegistryRefusal::default()
        })
    }

    /// A refusal with a code and a sentence.
    pub fn refuse_with(status: u16, code: &str, message: &str) -> Self {
        Self::Refuses(RegistryRefusal {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            retry_after: None,
        })
    }

    /// 429, as ECR words it.
    pub fn throttle(retry_after: Option<u64>) -> Self {
        let (code, message) = ("TOOMANYREQUESTS".to_owned(), "Rate exceeded".to_owned());
        Self::Refuses(RegistryRefusal {
            status: 429,
            code,
            message,
            retry_after,
        })
    }
}

/// The faults still to come, each with the requests it has counted.
#[derive(Debug, Default)]
pub(super) struct RegistryFaultPlan {
    planned: Mutex<Vec<(RegistryFault, u64)>>,
}

impl RegistryFaultPlan {
    pub(super) fn new(faults: Vec<RegistryFault>) -> Self {
        Self {
            planned: Mutex::new(faults.into_iter().map(|fault| (fault, 0)).collect()),
        }
    }

    pub(super) fn add(&self, fault: RegistryFault) {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((fault, 0));
    }

    pub(super) fn clear(&self) {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What this request meets. Every fault about it counts it.
    pub(super) fn next_fault(&self, method: &str, path: &str) -> Option<RegistryFaultKind> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chosen = None;
        for (fault, requests) in planned
            .iter_mut()
            .filter(|(fault, _)| fault.matches(method, path))
        {
            *requests += 1;
            if chosen.is_none() && fault.applies_to(*requests) {
                chosen = Some(fault.kind.clone());
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_the_requests_it_is_about_from_its_nth_on() {
        let plan = RegistryFaultPlan::new(vec![
            RegistryFault::on_first_request("PUT", "/manifests/", RegistryFaultKind::Stalls)
                .starting_at(2)
                .times(2),
        ]);
        let met: Vec<bool> = (0..4)
            .map(|_| plan.next_fault("PUT", "/v2/a/manifests/v1").is_some())
            .collect();
        assert_eq!(met, [false, true, true, false]);
        assert_eq!(plan.next_fault("GET", "/v2/a/manifests/v1"), None);
    }

    #[test]
    fn a_fault_without_method_and_path_meets_everything() {
        let fault: RegistryFault =
            serde_json::from_str(r#"{"kind":"stalls","times":2}"#).expect("a fault");
        let plan = RegistryFaultPlan::new(vec![fault]);
        assert!(
            plan.next_fault("GET", "/v2/").is_some()
                && plan.next_fault("POST", "/x").is_some()
                && plan.next_fault("GET", "/").is_none()
        );
    }
}
