//! The input `analysis` → an [`Analysis`], or every problem it has at once, each with its place and
//! its remedy.
//!
//! The input is a list of presets in plain text, or a document with defaults, providers, presets,
//! metrics and logs.

mod judgement;
pub(super) mod keys;
mod logs;
mod metric;
mod pen;
mod presets;
mod provider;
mod run;
mod source;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::document::{self, Node, Place};
use crate::environment::Environment;
use crate::problem::{Position, Problem};
use crate::reader::Fields;

use super::form::{Analysis, Check, Judgement, Measure, MeasurementLimits, Volume};
use keys::{ANALYSIS_KEYS, RUN_KEYS};
use pen::ValueReader;
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
    let mut pen = ValueReader::new(INPUT, origin, text, environment);
    let checks = if presets::is_plain(text) {
        presets::plain(&mut pen, text)
    } else {
        let root = document::read(text, INPUT, origin).map_err(|problem| vec![problem])?;
        analysis(&mut pen, &root).unwrap_or_default()
    };
    let (problems, environment) = pen.finish();
    if problems.is_empty() {
        Ok(Analysis {
            checks,
            environment,
        })
    } else {
        Err(problems)
    }
}

fn analysis(pen: &mut ValueReader<'_>, root: &Node) -> Option<Vec<Check>> {
    if let document::Content::List(_) | document::Content::Text(_) = root.content {
        return Some(all(pen, root, &Run::default()));
    }
    let fields = pen.reader.fields(root, "the analysis", ANALYSIS_KEYS)?;
    let run = defaults(pen, &fields);
    let providers = fields
        .get("providers")
        .and_then(|node| provider::providers(pen, node))
        .unwrap_or_default();
    let checks = checks(pen, &fields, &run, &providers);
    if ["presets", "metrics", "logs"]
        .iter()
        .all(|key| fields.get(key).is_none())
    {
        pen.reader.report(
            root.place,
            "There are no `presets`, `metrics` or `logs`",
            "Write at least one, or leave the input empty",
        );
    }
    Some(checks)
}

fn defaults(pen: &mut ValueReader<'_>, fields: &Fields<'_>) -> Run {
    let own = fields
        .get("defaults")
        .and_then(|node| pen.reader.fields(node, "`defaults`", RUN_KEYS));
    let mut run = own.map_or_else(Run::default, |own| run::run(pen, &own, &Run::default()));
    if let Some(entry) = fields.entry("on-inconclusive") {
        if run.on_inconclusive.is_some() {
            pen.reader.report(
                entry.place,
                "`on-inconclusive` is in `defaults` too",
                "Keep one of them",
            );
        }
        run.on_inconclusive = run::on_inconclusive(pen, &entry.value);
    }
    run
}

fn checks(
    pen: &mut ValueReader<'_>,
    fields: &Fields<'_>,
    run: &Run,
    providers: &Providers,
) -> Vec<Check> {
    let mut names = Names::default();
    let mut checks = Vec::new();
    for node in list(pen, fields, "presets") {
        checks.extend(presets::preset(pen, node, run, &mut names));
    }
    for node in list(pen, fields, "metrics") {
        checks.extend(metric::metric(pen, node, run, providers, &mut names));
    }
    for node in list(pen, fields, "logs") {
        checks.extend(logs::log(pen, node, run, &mut names));
    }
    checks
}

fn list<'n>(pen: &mut ValueReader<'_>, fields: &Fields<'n>, key: &str) -> &'n [Node] {
    let Some(node) = fields.get(key) else {
        return &[];
    };
    let items = pen
        .reader
        .list(node, &format!("`{key}`"))
        .unwrap_or_default();
    if matches!(&node.content, document::Content::List(items) if items.is_empty()) {
        pen.reader.report(
            node.place,
            format!("`{key}` is empty"),
            "Write at least one, or leave it out",
        );
    }
    items
}

/// A document that is a list, or one text in quotes: presets.
fn all(pen: &mut ValueReader<'_>, root: &Node, run: &Run) -> Vec<Check> {
    let items = if let document::Content::List(items) = &root.content {
        items.as_slice()
    } else {
        std::slice::from_ref(root)
    };
    let mut names = Names::default();
    items
        .iter()
        .flat_map(|item| presets::preset(pen, item, run, &mut names))
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
        pen: &mut ValueReader<'_>,
        check: &Node,
        fields: &Fields<'_>,
        what: &str,
    ) -> Option<String> {
        let Some(node) = fields.get("name") else {
            return pen.refuse(
                check.place,
                format!("{what} has no `name`"),
                "Write `name:` with words for the log and the summary",
            );
        };
        let name = pen.reader.text(node, "`name`")?;
        if name.trim().is_empty() || name.contains("${") || name.contains(char::is_control) {
            let remedy = "Write words that say what is measured";
            return pen.refuse(
                node.place,
                "A `name` is one line of plain words, without variables",
                remedy,
            );
        }
        self.take(pen, node.place, &name);
        Some(name)
    }

    fn take(&mut self, pen: &mut ValueReader<'_>, place: Place, name: &str) {
        if !self.0.insert(name.to_owned()) {
            pen.reader.report(
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
