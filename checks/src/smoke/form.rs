//! A suite of smoke tests as it was read from a document: all of it is valid.
//!
//! Defaults are filled in; the texts still contain variables, because digest and revision are known
//! only when the tests run.

mod request;
mod transport;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::moment::Moment;
use crate::tester::Tester;

use super::flow::{Capture, Flow, RunCondition};
use crate::load::{Probe, WarmUp};
use crate::template::{Template, Values, Variable};

use super::expect::Expect;
use super::preset::SmokePreset;
use super::secrets::RequiredSecret;
pub(crate) use request::{Credential, Request, RequestBody, RequestDestination};
pub(crate) use transport::{HttpVersion, Tls, Transport};

/// The tests of one document, in its order.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// The document's own variables; each may use those before it.
    pub(super) own_variables: Vec<(String, Template)>,
    /// Shared with the thread that evaluates an answer.
    pub(super) tests: Vec<Arc<SmokeTest>>,
    pub(super) testers: Vec<Tester>,
    /// Which tests run as one: every test belongs to one flow, and flows are in the order of their
    /// tests.
    pub(super) flows: Vec<Flow>,
    pub(super) warm_ups: Vec<WarmUp>,
    pub(super) loads: Vec<Probe>,
    pub(super) variables: BTreeSet<Variable>,
    pub(super) secrets: Vec<RequiredSecret>,
    pub(super) bake_interval: Option<Duration>,
}

/// The pause between two runs in the bake, unless the document sets one.
const BAKE_INTERVAL: Duration = Duration::from_mins(1);

impl Suite {
    /// The pause between two runs of the tests in the bake.
    pub fn bake_interval(&self) -> Duration {
        self.bake_interval.unwrap_or(BAKE_INTERVAL)
    }

    /// The environment variables that `${env.NAME}` asks for. The caller checks that each is set
    /// before anything runs.
    pub fn required_env(&self) -> Vec<&str> {
        self.variables
            .iter()
            .filter_map(Variable::environment)
            .collect()
    }

    /// Whether a test uses `${version}`.
    pub fn uses_version(&self) -> bool {
        self.variables.contains(&Variable::Version)
    }

    /// The secrets that `${secret.NAME}` asks for. The caller fetches them before anything runs.
    pub fn required_secrets(&self) -> &[RequiredSecret] {
        &self.secrets
    }

    /// The values of one run against `base`: the given ones, and those that every run and the
    /// document itself add.
    pub fn bind_run_values(&self, base: &Url, values: &Values) -> Values {
        super::run::bind_run_values(self, base, values)
    }

    /// How many tests run at a moment.
    pub fn count_tests(&self, moment: Moment) -> usize {
        self.flows
            .iter()
            .filter(|flow| flow.on.contains(&moment))
            .map(|flow| flow.steps.len())
            .sum()
    }

    /// The names of the tests and load probes of a moment, in the order in which they run.
    pub fn names(&self, moment: Moment) -> Vec<&str> {
        self.flows
            .iter()
            .filter(|flow| flow.on.contains(&moment))
            .filter_map(|flow| self.tests.get(flow.steps.clone()))
            .flatten()
            .map(|test| test.name.as_str())
            .chain(self.loads(moment).map(|probe| probe.name.as_str()))
            .collect()
    }

    /// The warm-up requests to green before its tests.
    pub fn warm_ups(&self) -> &[WarmUp] {
        &self.warm_ups
    }

    /// The load probes of a moment.
    pub fn loads(&self, moment: Moment) -> impl Iterator<Item = &Probe> {
        self.loads
            .iter()
            .filter(move |probe| probe.on.contains(&moment))
    }

    /// The testers, in the order of the document.
    pub fn testers(&self) -> &[Tester] {
        &self.testers
    }
}

/// One request and what its answer must be.
#[derive(Debug, Clone)]
pub(super) struct SmokeTest {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) transport: Transport,
    pub(super) redirects: RedirectPolicy,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    pub(super) expect: Expect,
    pub(super) preset: Option<SmokePreset>,
    pub(super) captures: Vec<Capture>,
    /// The captures of other tests that it uses, by name.
    pub(super) required_captures: BTreeSet<String>,
    pub(super) run_condition: RunCondition,
}

/// How long a failing test is repeated, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retry {
    pub(super) budget: Duration,
    pub(super) every: Duration,
}

/// The statuses of redirects; 300 and 304 are none.
pub(super) const REDIRECTIONS: [u16; 5] = [301, 302, 303, 307, 308];

/// What happens with a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RedirectPolicy {
    Follow,
    Evaluate,
}
