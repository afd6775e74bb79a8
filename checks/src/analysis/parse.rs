//! The input `analysis` → an [`Analysis`], or every problem it has at once, each with its place and
//! its remedy.
//!
//! The input is a list of presets in plain text, or a document with defaults, providers, presets,
//! metrics and logs.

mod judgement;
pub(super) mod keys;
mod logs;
mod metric;
mod presets;
mod provider;
mod run;
mod source;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::document::{self, Node, Place};
use crate::environment::Environment;
use crate::problem::{Position, Problem};
use crate::reader::{Fields, Outside, Reader};
use crate::template::{Secrecy, Variable};

use super::form::{Analysis, Check, Judgement, Measure, MeasurementLimits, Volume};
use super::sides::SideVariable;
use keys::{ANALYSIS_KEYS, RUN_KEYS};
pub use presets::is_inline;
pub(super) use presets::known as known_presets;
use provider::Providers;
use run::Run;

/// The input that the document belongs to.
pub(super) const INPUT: &str = "analysis";

/// Neither good nor bad so often: Argo's own limit of errors.
const PATIENCE: u32 = 4;

/// Where traffic is waited for, a third of an hour: what is inconclusive early says only that
/// little has been seen. It is in time that it ends, before blue goes.
const PATIENCE_FOR_TRAFFIC: u32 = 20;

/// Reads an analysis; `origin` is the file as the user wrote it, or `inline`.
pub fn parse(
    text: &str,
    origin: &str,
    environment: Environment<'_>,
) -> Result<Analysis, Vec<Problem>> {
    let mut reader = Reader::new(
        INPUT,
        origin,
        Outside {
            environment,
            ..Outside::NOTHING
        },
    );
    for name in SideVariable::names() {
        let top = Place { line: 0, column: 0 };
        reader.scope.declare(name, Secrecy::Open, top);
    }
    let checks = if presets::is_plain(text) {
        presets::plain(&mut reader, text)
    } else {
        let root = document::read_document(text, INPUT, origin)?;
        analysis(&mut reader, &root).unwrap_or_default()
    };
    let (problems, variables) = reader.finish_with_variables();
    if problems.is_empty() {
        let environment = variables.iter().filter_map(Variable::environment);
        Ok(Analysis {
            checks,
            environment: environment.map(str::to_owned).collect(),
        })
    } else {
        Err(problems)
    }
}

fn analysis(reader: &mut Reader<'_>, root: &Node) -> Option<Vec<Check>> {
    if let document::Content::List(_) | document::Content::Text(_) = root.content {
        return Some(all(reader, root, &Run::default()));
    }
    let fields = reader.fields(root, "the analysis", ANALYSIS_KEYS)?;
    let run = defaults(reader, &fields);
    let providers = fields
        .get("providers")
        .and_then(|node| provider::providers(reader, node))
        .unwrap_or_default();
    let checks = checks(reader, &fields, &run, &providers);
    if ["presets", "metrics", "logs"]
        .iter()
        .all(|key| fields.get(key).is_none())
    {
        reader.report(
            root.place,
            "There are no `presets`, `metrics` or `logs`",
            "Write at least one, or leave the input empty",
        );
    }
    Some(checks)
}

fn defaults(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Run {
    let own = fields
        .get("defaults")
        .and_then(|node| reader.fields(node, "`defaults`", RUN_KEYS));
    let mut run = own.map_or_else(Run::default, |own| run::run(reader, &own, &Run::default()));
    if let Some(entry) = fields.entry("on-inconclusive") {
        if run.on_inconclusive.is_some() {
            reader.report(
                entry.place,
                "`on-inconclusive` is in `defaults` too",
                "Keep one of them",
            );
        }
        run.on_inconclusive = run::on_inconclusive(reader, &entry.value);
    }
    run
}

fn checks(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    run: &Run,
    providers: &Providers,
) -> Vec<Check> {
    let mut names = Names::default();
    let mut checks = Vec::new();
    for node in list(reader, fields, "presets") {
        checks.extend(presets::preset(reader, node, run, &mut names));
    }
    for node in list(reader, fields, "metrics") {
        checks.extend(metric::metric(reader, node, run, providers, &mut names));
    }
    for node in list(reader, fields, "logs") {
        checks.extend(logs::log(reader, node, run, &mut names));
    }
    checks
}

fn list<'n>(reader: &mut Reader<'_>, fields: &Fields<'n>, key: &str) -> &'n [Node] {
    let Some(node) = fields.get(key) else {
        return &[];
    };
    let items = reader.list(node, &format!("`{key}`")).unwrap_or_default();
    if matches!(&node.content, document::Content::List(items) if items.is_empty()) {
        reader.report(
            node.place,
            format!("`{key}` is empty"),
            "Write at least one, or leave it out",
        );
    }
    items
}

/// A document that is a list, or one text in quotes: presets.
fn all(reader: &mut Reader<'_>, root: &Node, run: &Run) -> Vec<Check> {
    let items = root.one_or_more();
    let mut names = Names::default();
    items
        .iter()
        .flat_map(|item| presets::preset(reader, item, run, &mut names))
        .collect()
}

/// What tells one kind of check from another.
struct Parts {
    measure: Measure,
    judgement: Judgement,
    volume: Option<Volume>,
    /// Where its writer says nothing.
    window: Option<Duration>,
}

/// A check: its own parts, and what every kind of check has.
fn check(name: String, at: Position, run: &Run, parts: Parts) -> Check {
    let Parts {
        measure,
        judgement,
        volume,
        window,
    } = parts;
    let mut rhythm = run.rhythm();
    rhythm.window = rhythm.window.or(window);
    Check {
        name,
        on: run.on(),
        rhythm,
        limits: limits(run, &judgement, volume.as_ref()),
        weight: run.weight(),
        importance: run.importance(),
        no_data: run.no_data(),
        volume,
        on_inconclusive: run.on_inconclusive.unwrap_or_default(),
        measure,
        judgement,
        at,
    }
}

/// The limits of a check; one that waits for traffic is given time for it unless its writer says
/// otherwise.
fn limits(run: &Run, judgement: &Judgement, volume: Option<&Volume>) -> MeasurementLimits {
    let usual = match judgement {
        Judgement::Comparison(_) | Judgement::Lines { .. } => PATIENCE_FOR_TRAFFIC,
        Judgement::Conditions(_) | Judgement::AtMost(_) if volume.is_some() => PATIENCE_FOR_TRAFFIC,
        Judgement::Conditions(conditions)
            if conditions.success.is_some() && conditions.failure.is_some() =>
        {
            PATIENCE
        }
        Judgement::Conditions(_) | Judgement::AtMost(_) => 0,
    };
    MeasurementLimits {
        inconclusives: run.inconclusives.unwrap_or(usual),
        ..run.limits()
    }
}

/// The names that were given: each check has its own.
#[derive(Debug, Default)]
struct Names(BTreeSet<String>);

impl Names {
    /// The `name` of a check.
    fn own(
        &mut self,
        reader: &mut Reader<'_>,
        check: &Node,
        fields: &Fields<'_>,
        what: &str,
    ) -> Option<String> {
        let Some(node) = fields.get("name") else {
            return reader.refuse(
                check.place,
                format!("{what} has no `name`"),
                "Write `name:` with words for the log and the summary",
            );
        };
        let name = reader.text(node, "`name`")?;
        if name.trim().is_empty() || name.contains("${") || name.contains(char::is_control) {
            let remedy = "Write words that say what is measured";
            return reader.refuse(
                node.place,
                "A `name` is one line of plain words, without variables",
                remedy,
            );
        }
        self.take(reader, node.place, &name);
        Some(name)
    }

    fn take(&mut self, reader: &mut Reader<'_>, place: Place, name: &str) {
        if !self.0.insert(name.to_owned()) {
            reader.report(
                place,
                format!("Two checks have the name `{name}`"),
                "Give each check a name of its own",
            );
        }
    }
}

/// The words that values may be, for the schema.
#[cfg(test)]
pub(super) mod words {
    pub(in crate::analysis) use super::judgement::{DIRECTIONS, TESTS};
    pub(in crate::analysis) use super::metric::REDUCE;
    pub(in crate::analysis) use super::run::{NO_DATA, ON_INCONCLUSIVE};
}

#[cfg(test)]
mod tests;
