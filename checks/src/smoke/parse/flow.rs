//! The entries of `tests`: a test by itself or a `flow` of several, once for each combination of
//! its matrix, and what waits for what.
//!
//! Everything that one entry waits for stands before it, so the order has no circles.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::document::{Content, Node, Place};
use crate::moment::Moment;
use crate::reader::{Fields, Reader};
use crate::smoke::flow::{Cell, CookiePolicy, Flow, RunCondition};
use crate::smoke::form::SmokeTest;

use super::keys::{FLOW_KEYS, TEST_KEYS};
use super::{BOTH_SIDES, Defaults, matrix, name, on, own_or, test};

const COOKIES: &[(&str, CookiePolicy)] = &[
    ("keep", CookiePolicy::Keep),
    ("forget", CookiePolicy::Forget),
];

/// Keys that belong to a flow as a whole.
const NOT_IN_A_STEP: [&str; 3] = ["on", "matrix", "after"];

/// What was read so far.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) tests: Vec<SmokeTest>,
    pub(super) flows: Vec<Flow>,
    names: BTreeSet<String>,
    /// The flows that an entry became, by its name.
    became: BTreeMap<String, Range<usize>>,
    /// Which entry captures a value, by the value's name.
    captured: BTreeMap<String, Captor>,
}

/// Who captures a value, and when.
#[derive(Clone)]
struct Captor {
    entry: String,
    on: Vec<Moment>,
}

/// One entry, before its matrix is applied.
struct SuiteEntry {
    name: String,
    steps: Vec<SmokeTest>,
    on: Vec<Moment>,
    cookies: CookiePolicy,
    after: BTreeSet<usize>,
}

impl Entries {
    /// Reads the next entry.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, node: &Node, defaults: &Defaults) {
        let is_flow = matches!(&node.content, Content::Mapping(entries) if entries.iter().any(|entry| entry.key == "flow"));
        let (what, keys) = if is_flow {
            ("a flow", FLOW_KEYS)
        } else {
            ("a test", TEST_KEYS)
        };
        let Some(fields) = reader.fields(node, what, keys) else {
            return;
        };
        let combinations = fields.get("matrix").map_or_else(
            || Some(vec![Vec::new()]),
            |node| matrix::matrix(reader, node),
        );
        let name = name(reader, node, &fields, &mut self.names);
        let entry = if is_flow {
            self.flow(reader, name, &fields, defaults)
        } else {
            self.test(reader, node, name, &fields, defaults)
        };
        forget_matrix(reader, &fields, entry.as_ref());
        if let (Some(entry), Some(combinations)) = (entry, combinations) {
            self.add(&entry, combinations);
        }
    }

    fn test(
        &mut self,
        reader: &mut Reader<'_>,
        node: &Node,
        name: Option<String>,
        fields: &Fields<'_>,
        defaults: &Defaults,
    ) -> Option<SuiteEntry> {
        if let Some(entry) = fields.entry("always") {
            reader.report(
                entry.place,
                "`always` is for the steps of a `flow`",
                "Write it at a step that cleans up, or leave it out",
            );
        }
        let on = on(reader, fields, BOTH_SIDES);
        let read =
            test(reader, node, fields, defaults).map(|test| (test, reader.scope.take_used()));
        let after = self.after(reader, fields, name.as_deref());
        let (name, on, (test, used)) = (name?, on?, read?);
        self.entry(
            reader,
            name,
            on,
            CookiePolicy::Forget,
            after,
            vec![(test, used)],
        )
    }

    fn flow(
        &mut self,
        reader: &mut Reader<'_>,
        name: Option<String>,
        fields: &Fields<'_>,
        defaults: &Defaults,
    ) -> Option<SuiteEntry> {
        let on = on(reader, fields, BOTH_SIDES);
        let defaults = own_or(reader, fields, defaults);
        let cookies = fields
            .get("cookies")
            .map_or(Some(CookiePolicy::Forget), |node| {
                reader.word(node, "`cookies`", COOKIES)
            });
        let steps = steps(reader, fields.get("flow"), &defaults);
        let after = self.after(reader, fields, name.as_deref());
        let (name, on, steps) = (name?, on?, steps?);
        self.entry(reader, name, on, cookies?, after, steps)
    }

    /// Notes what the steps capture, and whose captures they use.
    fn entry(
        &mut self,
        reader: &mut Reader<'_>,
        name: String,
        on: Vec<Moment>,
        cookies: CookiePolicy,
        mut after: BTreeSet<usize>,
        steps: Vec<(SmokeTest, BTreeMap<String, Place>)>,
    ) -> Option<SuiteEntry> {
        let mut tests = Vec::new();
        for (mut test, used) in steps {
            for (used, place) in used {
                let Some(captor) = self.captured.get(&used).cloned() else {
                    continue;
                };
                seen_at_every_moment(reader, &used, &captor, &on, place);
                after.extend(self.became.get(&captor.entry).cloned().unwrap_or_default());
                test.needs.insert(used);
            }
            let captor = Captor {
                entry: name.clone(),
                on: on.clone(),
            };
            self.captured.extend(
                test.captures
                    .iter()
                    .map(|capture| (capture.name.clone(), captor.clone())),
            );
            tests.push(test);
        }
        (!tests.is_empty()).then_some(SuiteEntry {
            name,
            steps: tests,
            on,
            cookies,
            after,
        })
    }

    /// The flows that `after` names.
    fn after(
        &self,
        reader: &mut Reader<'_>,
        fields: &Fields<'_>,
        own: Option<&str>,
    ) -> BTreeSet<usize> {
        let Some(node) = fields.get("after") else {
            return BTreeSet::new();
        };
        let items = node.one_or_more();
        let mut flows = BTreeSet::new();
        for item in items {
            let Some(other) = reader.text(item, "`after`") else {
                continue;
            };
            if !self.names.contains(&other) || own == Some(other.as_str()) {
                let message = format!(
                    "`after` names `{other}`, and no test or flow before this one has that name"
                );
                reader.report(item.place, message, "Write the name of one further up");
            }
            flows.extend(self.became.get(&other).cloned().unwrap_or_default());
        }
        flows
    }

    /// One flow for each combination.
    fn add(&mut self, entry: &SuiteEntry, combinations: Vec<Vec<Cell>>) {
        let first = self.flows.len();
        for matrix in combinations {
            let suffix = suffix(&matrix);
            let begin = self.tests.len();
            self.tests.extend(
                entry
                    .steps
                    .iter()
                    .map(|step| step.called(&entry.name, &suffix)),
            );
            let steps = begin..self.tests.len();
            self.flows.push(Flow {
                steps,
                on: entry.on.clone(),
                after: entry.after.clone(),
                cookies: entry.cookies,
                matrix,
            });
        }
        self.became
            .insert(entry.name.clone(), first..self.flows.len());
    }
}

impl SmokeTest {
    /// The same test with the name that people read: `name (de, /a)`, or `flow (de, /a): step`.
    fn called(&self, entry: &str, suffix: &str) -> Self {
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

fn suffix(matrix: &[Cell]) -> String {
    let values: Vec<&str> = matrix.iter().map(|cell| cell.text.as_str()).collect();
    if values.is_empty() {
        String::new()
    } else {
        format!(" ({})", values.join(", "))
    }
}

/// A captured value of one combination means nothing outside of it, and neither does the
/// combination.
fn forget_matrix(reader: &mut Reader<'_>, fields: &Fields<'_>, entry: Option<&SuiteEntry>) {
    let Some(Content::Mapping(axes)) = fields.get("matrix").map(|node| &node.content) else {
        return;
    };
    for axis in axes {
        reader.scope.forget(&format!("matrix.{}", axis.key));
    }
    for capture in entry
        .iter()
        .flat_map(|entry| &entry.steps)
        .flat_map(|step| &step.captures)
    {
        reader.scope.forget(&capture.name);
    }
}

fn steps(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    defaults: &Defaults,
) -> Option<Vec<(SmokeTest, BTreeMap<String, Place>)>> {
    let node = node?;
    let items = reader.list(node, "`flow`")?;
    if items.is_empty() {
        reader.report(
            node.place,
            "`flow` has no steps",
            "Write its tests, in the order in which they run",
        );
    }
    let mut names = BTreeSet::new();
    let steps: Vec<_> = items
        .iter()
        .map(|item| step(reader, item, defaults, &mut names))
        .collect();
    steps.into_iter().collect()
}

fn step(
    reader: &mut Reader<'_>,
    node: &Node,
    defaults: &Defaults,
    names: &mut BTreeSet<String>,
) -> Option<(SmokeTest, BTreeMap<String, Place>)> {
    let fields = reader.fields(node, "a step", TEST_KEYS)?;
    for entry in fields.among(&NOT_IN_A_STEP) {
        let message = format!(
            "A step has no `{}` of its own: a flow runs as a whole",
            entry.key
        );
        reader.report(
            entry.place,
            message,
            format!("Write `{}` beside `flow`", entry.key),
        );
    }
    let name = name(reader, node, &fields, names);
    let run_condition = fields
        .get("always")
        .map_or(Some(RunCondition::InOrder), |node| {
            run_condition(reader, node)
        });
    let test = test(reader, node, &fields, defaults);
    let used = reader.scope.take_used();
    Some((
        SmokeTest {
            name: name?,
            run_condition: run_condition?,
            ..test?
        },
        used,
    ))
}

fn run_condition(reader: &mut Reader<'_>, node: &Node) -> Option<RunCondition> {
    reader.boolean(node, "`always`").map(|always| {
        if always {
            RunCondition::Always
        } else {
            RunCondition::InOrder
        }
    })
}

/// A value that is captured on green only is not there on production.
fn seen_at_every_moment(
    reader: &mut Reader<'_>,
    name: &str,
    captor: &Captor,
    on: &[Moment],
    place: Place,
) {
    if let Some(missing) = on.iter().find(|moment| !captor.on.contains(moment)) {
        let message = format!(
            "`${{{name}}}` is used on {missing}, where \"{}\" does not capture it",
            captor.entry
        );
        reader.report(place, message, "Give both the same `on`");
    }
}
