//! The user's document → a [`Suite`], or every problem it has at once, each with its place and its
//! remedy.
//!
//! The form is described in the files of this folder, in `expect` and in `preset`. First the whole
//! document is read as it is written; inherited settings and dependencies between tests are
//! resolved afterwards.

mod capture;
mod flow;
mod load;
mod matrix;
mod names;
pub(super) mod request;
mod secrets;
mod test;
mod testers;
mod transport;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;

use crate::document::{Node, read_document};
use crate::document_form;
use crate::form::{FromNode, Lenient, OneOrMore};
use crate::problem::Problem;
use crate::reader::{DocumentResources, Fields, Reader};
use crate::template::Template;

use super::form::{Retry, Suite, Transport};
use super::secrets::RequiredSecret;
use flow::{SuiteEntries, Tests};
use load::{Loads, WarmUpForm};
use secrets::Secrets;
use testers::Testers;
use transport::{Overrides, TestHeader};
use variables::Variables;

/// The input that the document belongs to.
const INPUT: &str = "smoke-tests";

/// A new task is expected to answer within a minute of being called healthy; one request a second
/// is no load.
const RETRY: Retry = Retry {
    budget: Duration::from_mins(1),
    every: Duration::from_secs(1),
};

/// Longer than any answer that users would wait for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Production serves its users meanwhile.
const MIN_BAKE_INTERVAL: Duration = Duration::from_secs(1);

document_form! {
    /// Smoke tests: requests to green before users reach it and to production afterwards, and what
    /// their answers must be.
    #[schemars(extend("anyOf" = [{ "required": ["tests"] }, { "required": ["testers"] }, { "required": ["load"] }]))]
    struct SmokeTests: "the smoke tests", check check_anything_to_do {
        /// Secrets of AWS Secrets Manager, for `${secret.NAME}`.
        secrets: Lenient<Secrets>,
        /// Texts by name, for `${name}`; each may use those before it.
        variables: Lenient<Variables>,
        /// What tests take over when they say nothing themselves.
        defaults: Lenient<DefaultsForm>,
        /// Requests to green before its tests, whose answers are not evaluated.
        warm_up: Lenient<OneOrMore<WarmUpForm>>,
        /// Load probes: many requests, and how long their answers may take.
        load: Lenient<Loads>,
        /// Tools in containers, whose exit code is the result; they run one after the other.
        testers: Lenient<Testers>,
        /// The tests; they run in parallel, except where one uses what another captures.
        tests: Lenient<Tests>,
        /// The pause between two runs of the tests in the bake, at least 1s; 1m when absent.
        bake_interval: Lenient<BakeInterval>,
    }
}

document_form! {
    #[schemars(rename = "Defaults")]
    struct DefaultsForm {
        /// A header that is sent to green only.
        test_header: Option<TestHeader>,
        ..overrides: Overrides
    }
}

fn check_anything_to_do(reader: &mut Reader<'_>, root: &Node, fields: &Fields<'_>, _: &str) {
    if ["tests", "load", "testers"]
        .iter()
        .all(|key| fields.get(key).is_none())
    {
        reader.report(
            root.place,
            "There are no `tests`",
            "Write `tests:` with at least one test, or leave the input empty",
        );
    }
}

/// What a test inherits if it does not set it.
#[derive(Clone)]
struct Defaults {
    timeout: Duration,
    retry: Retry,
    transport: Transport,
    test_header: Option<(HeaderName, Template)>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            retry: RETRY,
            transport: Transport::default(),
            test_header: None,
        }
    }
}

impl DefaultsForm {
    fn into_defaults(self) -> Defaults {
        Defaults {
            test_header: self.test_header.and_then(TestHeader::into_header),
            ..self.overrides.merge_with(&Defaults::default())
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct BakeInterval(Duration);

impl FromNode for BakeInterval {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let interval = reader.duration(node, what)?;
        if interval < MIN_BAKE_INTERVAL {
            return reader.refuse(
                node.place,
                format!("{what} is shorter than 1s"),
                "Write at least `1s`, or leave it out for every minute",
            );
        }
        Some(Self(interval))
    }
}

crate::document_schema!(BakeInterval as crate::form::WrittenDuration);

/// Reads a suite; `origin` is the file as the user wrote it, or `inline`. `resources` has the files
/// that the document names: they are read now, so that a file that is missing or malformed is a
/// problem of the document.
pub fn parse(
    text: &str,
    origin: &str,
    resources: DocumentResources<'_>,
) -> Result<Suite, Vec<Problem>> {
    let root = read_document(text, INPUT, origin)?;
    let mut reader = Reader::new(INPUT, origin, resources);
    reader.declared_secrets = Some(BTreeSet::new());
    names::declare_run_names(&mut reader);
    let form = SmokeTests::from_node(&mut reader, &root, INPUT);
    let suite = form.map(|form| form.into_suite(&mut reader));
    let (problems, variables) = reader.finish_with_variables();
    let Some(suite) = suite.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    let is_used = |secret: &RequiredSecret| {
        variables
            .iter()
            .any(|variable| variable.secret() == Some(&secret.name))
    };
    let secrets = suite.secrets.into_iter().filter(is_used).collect();
    Ok(Suite {
        variables,
        secrets,
        ..suite
    })
}

impl SmokeTests {
    fn into_suite(self, reader: &mut Reader<'_>) -> Suite {
        let defaults = self.defaults.0.map(DefaultsForm::into_defaults);
        let defaults = defaults.unwrap_or_default();
        let mut entries = SuiteEntries::default();
        if let Some(tests) = &self.tests.0 {
            entries.add_all(reader, tests, &defaults);
        }
        let warm_ups = self.warm_up.0.into_iter().flat_map(|forms| forms.0);
        let loads = self.load.0.map(|loads| loads.into_probes(&defaults));
        let testers = self.testers.0.map(|testers| testers.into_testers(reader));
        Suite {
            own_variables: self.variables.0.map(|named| named.0).unwrap_or_default(),
            tests: entries.tests.into_iter().map(Arc::new).collect(),
            flows: entries.flows,
            testers: testers.unwrap_or_default(),
            warm_ups: warm_ups.map(|form| form.into_warm_up(&defaults)).collect(),
            loads: loads.unwrap_or_default(),
            variables: BTreeSet::new(),
            secrets: self.secrets.0.map(|secrets| secrets.0).unwrap_or_default(),
            bake_interval: self.bake_interval.0.map(|interval| interval.0),
        }
    }
}

/// The schema as it is in the repository.
#[cfg(test)]
pub fn schema() -> serde_json::Value {
    crate::form::schema_of::<SmokeTests>()
}

#[cfg(test)]
pub(super) mod tests;
