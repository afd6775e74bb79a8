//! What goes wrong on the stage, by operation and call. It decides which fault a call meets; the
//! wire makes it happen.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What a proxy in between would answer.
pub(crate) const GARBAGE: &str = "<html><body>Sign in to continue</body></html>";

/// A planned fault of AWS calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation, as in `DescribeServices` or `ecs:DescribeServices`; `*` is any.
    pub operation: String,
    /// The first call that meets it, counted from 1 and from when the fault was planned.
    #[serde(default = "default_count")]
    pub nth: u64,
    /// How many calls meet it; absent is one.
    #[serde(default = "default_count")]
    pub times: u64,
    /// What happens to the calls that match.
    pub kind: FaultKind,
}

const fn default_count() -> u64 {
    1
}

impl Fault {
    /// A fault that the first call of an operation meets.
    pub fn on_first_call(operation: &str, kind: FaultKind) -> Self {
        Self {
            operation: operation.to_owned(),
            nth: 1,
            times: 1,
            kind,
        }
    }

    /// A fault that every call of an operation meets.
    pub fn on_every_call(operation: &str, kind: FaultKind) -> Self {
        Self {
            operation: operation.to_owned(),
            nth: 1,
            times: u64::MAX,
            kind,
        }
    }

    /// The same fault, from another call on.
    #[must_use]
    pub fn starting_at(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    fn applies_to(&self, call: u64) -> bool {
        call >= self.nth && call - self.nth < self.times
    }

    fn matches(&self, service: &str, operation: &str) -> bool {
        match self.operation.split_once(':') {
            Some((wanted_service, name)) => {
                wanted_service == service && (name == "*" || name == operation)
            }
            None => self.operation == "*" || self.operation == operation,
        }
    }
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// `ThrottlingException`.
    Throttled,
    /// HTTP 500.
    InternalError,
    /// The effect happens, and the connection drops before the answer.
    LandsThenDrops,
    /// The connection drops before the effect.
    Drops,
    /// The answer comes later by so many milliseconds.
    Slow(u64),
    /// An answer that is no answer comes, and no effect.
    Garbage,
    /// No answer comes, and no effect.
    Hangs,
    /// The effect happens, and no answer comes.
    LandsThenHangs,
    /// A read answers as it did the last time.
    StaleRead,
    /// `ExpiredTokenException`.
    ExpiredCredentials,
    /// `AccessDeniedException` for this call.
    Denied,
    /// Any other refusal.
    Refused {
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
    },
}

/// The faults still to come, each with the calls it has counted.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    planned: Mutex<Vec<(Fault, u64)>>,
    latest: Mutex<BTreeMap<String, serde_json::Value>>,
}

impl FaultPlan {
    pub(crate) fn new(faults: &[Fault]) -> Self {
        let planned = faults.iter().map(|fault| (fault.clone(), 0)).collect();
        Self {
            planned: Mutex::new(planned),
            latest: Mutex::default(),
        }
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((fault, 0));
    }

    pub(crate) fn clear(&self) {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What this call of an operation meets. Every fault about the operation counts it.
    pub(crate) fn next_fault(&self, service: &str, operation: &str) -> Option<FaultKind> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chosen = None;
        for (fault, calls) in planned
            .iter_mut()
            .filter(|(fault, _)| fault.matches(service, operation))
        {
            *calls += 1;
            if chosen.is_none() && fault.applies_to(*calls) {
                chosen = Some(fault.kind.clone());
            }
        }
        chosen
    }

    /// Remembers an answer for a later stale read of the same request.
    pub(crate) fn remember(&self, question: String, answer: &serde_json::Value) {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(question, answer.clone());
    }

    /// What the same request was answered the last time.
    pub(crate) fn recall(&self, question: &str) -> Option<serde_json::Value> {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(question)
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_the_calls_from_its_nth_for_as_many_times_as_it_says() {
        let plan = FaultPlan::new(&[Fault {
            operation: "GetDeployment".into(),
            nth: 2,
            times: 2,
            kind: FaultKind::Throttled,
        }]);
        let met: Vec<bool> = (0..4)
            .map(|_| plan.next_fault("codedeploy", "GetDeployment").is_some())
            .collect();
        assert_eq!(met, [false, true, true, false]);
        assert_eq!(plan.next_fault("ecs", "DescribeServices"), None);
    }

    #[test]
    fn a_fault_may_name_the_service() {
        let plan = FaultPlan::new(&[Fault::on_every_call("ecs:*", FaultKind::Throttled)]);
        assert_eq!(plan.next_fault("codedeploy", "GetDeployment"), None);
        assert_eq!(
            plan.next_fault("ecs", "DescribeServices"),
            Some(FaultKind::Throttled)
        );
    }
}
