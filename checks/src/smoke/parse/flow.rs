//! The entries of `tests`: a test by itself or a `flow` of several, once for each combination of
//! its matrix, and what waits for what.
//!
//! Everything that one entry waits for comes before it, so there are no cycles.
//!
//! One file, because only here single tests and flows are treated differently.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::document::{Node, Place};
use crate::form::{FromNode, OneOrMore, Spanned, read_all};
use crate::moment::Moment;
use crate::reader::Reader;
use crate::smoke::flow::{CookiePolicy, Flow, MatrixCell};
use crate::smoke::form::SmokeTest;
use crate::{document_form, document_words};

use super::Defaults;
use super::matrix::{self, Matrix};
use super::test::{Moments, PlainName, TestForm, UniqueNames};
use super::transport::Overrides;

/// The moments of a test that sets none.
const BOTH_SIDES: [Moment; 2] = [Moment::Green, Moment::Production];

const COOKIES: &[(&str, CookiePolicy)] = &[
    ("keep", CookiePolicy::Keep),
    ("forget", CookiePolicy::Forget),
];

document_words!(CookiePolicy: COOKIES);

/// Keys that belong to a flow as a whole.
const NOT_IN_A_STEP: [&str; 3] = ["on", "matrix", "after"];

document_form! {
    /// Tests that run one after the other; those after a failed one are skipped, except those with
    /// `always`.
    #[schemars(rename = "Flow")]
    pub(super) struct FlowForm: "a flow" {
        /// Words for the log and the summary; each entry has its own.
        #[required("Write `name:` with words for the log and the summary")]
        name: PlainName,
        /// The steps, in the order in which they run.
        #[required("Write its tests, in the order in which they run")]
        flow: Steps,
        /// When the flow runs; on green and on production when absent.
        on: Option<Moments>,
        /// Whether a step sends the cookies that those before it were given; forget when absent.
        cookies: Option<CookiePolicy>,
        /// The flow runs once for each combination of these values, `${matrix.NAME}`.
        matrix: Option<Matrix>,
        /// Tests and flows that end before this one begins.
        after: Option<OneOrMore<Spanned<String>>>,
        ..overrides: Overrides
    }
}

/// A test, and the names of the document that it uses, with the place of their first use.
#[derive(Debug, Clone)]
pub(super) struct Step {
    form: TestForm,
    used: BTreeMap<String, Place>,
}

impl Step {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let form = TestForm::from_node(reader, node, what);
        let used = reader.scope.take_used();
        form.map(|form| Self { form, used })
    }
}

/// The steps of a flow.
#[derive(Debug, Clone)]
pub(super) struct Steps(Vec<Step>);

impl FromNode for Steps {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = reader.list(node, what)?;
        if items.is_empty() {
            reader.report(
                node.place,
                format!("{what} has no steps"),
                "Write its tests, in the order in which they run",
            );
        }
        let mut names = UniqueNames::default();
        let steps = read_all(reader, items, |reader, item| {
            for entry in NOT_IN_A_STEP.iter().filter_map(|key| item.entry(key)) {
                reader.report(
                    entry.place,
                    format!(
                        "A step has no `{}` of its own: a flow runs as a whole",
                        entry.key
                    ),
                    format!("Write `{}` beside `flow`", entry.key),
                );
            }
            names.record(reader, item);
            Step::from_node(reader, item, "a step")
        });
        steps.map(Self)
    }
}

/// The entries of `tests`, with the name of each, also of one that cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Tests(Vec<(Option<String>, Option<EntryForm>)>);

#[derive(Debug, Clone)]
enum EntryForm {
    Flow(Box<FlowForm>),
    Test(Box<Step>),
}

impl FromNode for Tests {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = reader.list(node, what)?;
        if items.is_empty() {
            reader.report(
                node.place,
                format!("{what} is empty"),
                "Write at least one test, or leave the input empty",
            );
        }
        reader.scope.take_used();
        let mut names = UniqueNames::default();
        let entries = items.iter().map(|item| {
            let name = names.record(reader, item);
            let entry = matrix::with_names(reader, item, |reader| read_entry(reader, item));
            if let (Some(entry), Some(_)) = (&entry, item.entry("matrix")) {
                // A value that one combination captures has no meaning outside of it.
                for name in entry.captured_names() {
                    reader.scope.remove(name);
                }
            }
            (name, entry)
        });
        Some(Self(entries.collect()))
    }
}

fn read_entry(reader: &mut Reader<'_>, node: &Node) -> Option<EntryForm> {
    if node.entry("flow").is_some() {
        let flow = FlowForm::from_node(reader, node, "a flow");
        return flow.map(Box::new).map(EntryForm::Flow);
    }
    if let Some(entry) = node.entry("always") {
        reader.report(
            entry.place,
            "`always` is for the steps of a `flow`",
            "Write it at a step that cleans up, or leave it out",
        );
    }
    let test = Step::from_node(reader, node, "a test");
    test.map(Box::new).map(EntryForm::Test)
}

impl EntryForm {
    fn steps(&self) -> &[Step] {
        match self {
            Self::Flow(flow) => &flow.flow.0,
            Self::Test(test) => std::slice::from_ref(test),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Flow(flow) => &flow.name.0,
            Self::Test(test) => &test.form.name.0,
        }
    }

    fn captured_names(&self) -> impl Iterator<Item = &str> {
        let captures = self
            .steps()
            .iter()
            .filter_map(|step| step.form.capture.as_ref());
        captures.flat_map(|captures| captures.0.iter().map(|capture| capture.name.as_str()))
    }

    fn moments(&self) -> Vec<Moment> {
        let on = match self {
            Self::Flow(flow) => &flow.on,
            Self::Test(test) => &test.form.on,
        };
        on.clone().map_or_else(|| BOTH_SIDES.to_vec(), |on| on.0)
    }

    fn after_names(&self) -> &[Spanned<String>] {
        let after = match self {
            Self::Flow(flow) => &flow.after,
            Self::Test(test) => &test.form.after,
        };
        after.as_ref().map_or(&[], |after| &after.0)
    }

    fn combinations(&self) -> Vec<Vec<MatrixCell>> {
        let matrix = match self {
            Self::Flow(flow) => &flow.matrix,
            Self::Test(test) => &test.form.matrix,
        };
        let matrix = matrix.clone();
        matrix.map_or_else(|| vec![Vec::new()], |matrix| matrix.0)
    }

    /// The tests: each with its name within the entry, and the names that it uses.
    fn build_tests(
        &self,
        reader: &mut Reader<'_>,
        defaults: &Defaults,
    ) -> Option<Vec<(SmokeTest, &BTreeMap<String, Place>)>> {
        match self {
            Self::Flow(flow) => {
                let defaults = flow.overrides.merge_with(defaults);
                let steps = flow.flow.0.iter().map(|Step { form, used }| {
                    let name = form.name.0.clone();
                    let test = form.build_test(reader, &defaults)?;
                    Some((SmokeTest { name, ..test }, used))
                });
                // Collected first, so that the problems of all steps are found.
                let steps: Vec<_> = steps.collect();
                steps.into_iter().collect()
            }
            Self::Test(step) => {
                let test = step.form.build_test(reader, defaults)?;
                Some(vec![(test, &step.used)])
            }
        }
    }

    fn cookie_policy(&self) -> CookiePolicy {
        match self {
            Self::Flow(flow) => flow.cookies.unwrap_or(CookiePolicy::Forget),
            Self::Test(_) => CookiePolicy::Forget,
        }
    }
}

/// The tests and flows of a suite.
#[derive(Default)]
pub(super) struct SuiteEntries {
    pub(super) tests: Vec<SmokeTest>,
    pub(super) flows: Vec<Flow>,
    /// The names of the entries so far.
    names: BTreeSet<String>,
    /// The flows that an entry became, by its name.
    flows_by_entry: BTreeMap<String, Range<usize>>,
    /// Which entry captures a value, by the value's name.
    capture_origins: BTreeMap<String, CaptureOrigin>,
}

/// The entry that captures a value, and its moments.
#[derive(Clone)]
struct CaptureOrigin {
    entry: String,
    on: Vec<Moment>,
}

impl SuiteEntries {
    pub(super) fn add_all(&mut self, reader: &mut Reader<'_>, tests: &Tests, defaults: &Defaults) {
        for (name, form) in &tests.0 {
            self.names.extend(name.clone());
            if let Some(form) = form {
                self.add(reader, form, defaults);
            }
        }
    }

    /// Records what the entry captures, and which captures it uses.
    fn add(
        &mut self,
        reader: &mut Reader<'_>,
        form: &EntryForm,
        defaults: &Defaults,
    ) -> Option<()> {
        let name = form.name();
        let on = form.moments();
        let mut after = self.resolve_after(reader, form.after_names(), name);
        let mut steps = Vec::new();
        for (mut test, used) in form.build_tests(reader, defaults)? {
            for (used, place) in used {
                let Some(origin) = self.capture_origins.get(used) else {
                    continue;
                };
                check_moments(reader, used, origin, &on, *place);
                after.extend(
                    self.flows_by_entry
                        .get(&origin.entry)
                        .cloned()
                        .unwrap_or_default(),
                );
                test.required_captures.insert(used.clone());
            }
            let origin = CaptureOrigin {
                entry: name.to_owned(),
                on: on.clone(),
            };
            let names = test.captures.iter().map(|capture| capture.name.clone());
            self.capture_origins
                .extend(names.map(|name| (name, origin.clone())));
            steps.push(test);
        }
        let first = self.flows.len();
        for matrix in form.combinations() {
            let begin = self.tests.len();
            let suffix = format_suffix(&matrix);
            let named = steps.iter().map(|step| step.with_full_name(name, &suffix));
            self.tests.extend(named);
            self.flows.push(Flow {
                steps: begin..self.tests.len(),
                on: on.clone(),
                after: after.clone(),
                cookies: form.cookie_policy(),
                matrix,
            });
        }
        self.flows_by_entry
            .insert(name.to_owned(), first..self.flows.len());
        Some(())
    }

    /// The flows that `after` names.
    fn resolve_after(
        &self,
        reader: &mut Reader<'_>,
        names: &[Spanned<String>],
        own: &str,
    ) -> BTreeSet<usize> {
        let mut flows = BTreeSet::new();
        for Spanned {
            value: other,
            place,
            ..
        } in names
        {
            if !self.names.contains(other) || own == other {
                let message = format!(
                    "`after` names `{other}`, and no test or flow before this one has that name"
                );
                reader.report(*place, message, "Write the name of one further up");
            }
            flows.extend(self.flows_by_entry.get(other).cloned().unwrap_or_default());
        }
        flows
    }
}

impl SmokeTest {
    /// The same test with its full name: `name (de, /a)`, or `flow (de, /a): step`.
    fn with_full_name(&self, entry: &str, suffix: &str) -> Self {
        let step = if self.name.is_empty() {
            String::new()
        } else {
            format!(": {}", self.name)
        };
        Self {
            name: format!("{entry}{suffix}{step}"),
            ..self.clone()
        }
    }
}

fn format_suffix(matrix: &[MatrixCell]) -> String {
    let values: Vec<&str> = matrix.iter().map(|cell| cell.text.as_str()).collect();
    if values.is_empty() {
        String::new()
    } else {
        format!(" ({})", values.join(", "))
    }
}

/// A value that is captured on green only is not there on production.
fn check_moments(
    reader: &mut Reader<'_>,
    name: &str,
    origin: &CaptureOrigin,
    on: &[Moment],
    place: Place,
) {
    if let Some(missing) = on.iter().find(|moment| !origin.on.contains(moment)) {
        let message = format!(
            "`${{{name}}}` is used on {missing}, where \"{}\" does not capture it",
            origin.entry
        );
        reader.report(place, message, "Give both the same `on`");
    }
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::{FlowForm, Steps, TestForm, Tests};
    use crate::document_schema;

    /// A test, or a flow of several.
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(
        dead_code,
        clippy::large_enum_variant,
        reason = "read by its derive only"
    )]
    enum Entry {
        Flow(FlowForm),
        Test(TestForm),
    }

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct StepList(#[schemars(length(min = 1))] Vec<TestForm>);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct EntryList(#[schemars(length(min = 1))] Vec<Entry>);

    document_schema!(Steps as StepList);
    document_schema!(Tests as EntryList);
}
