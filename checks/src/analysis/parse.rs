//! The input `analysis` → an [`Analysis`], or every problem it has at once, each with its place and
//! its remedy.
//!
//! The input is a list of presets in plain text, or a document with defaults, providers, presets,
//! metrics and logs.

mod check_settings;
mod judgement;
mod logs;
mod metric;
mod presets;
mod provider;
mod source;
mod values;

use std::time::Duration;

use crate::document::{Content, Node, Place, read_document};
use crate::document_form;
use crate::environment::Environment;
use crate::form::{FromNode, Lenient, OneOrMore, Spanned};
use crate::problem::{Position, Problem};
use crate::reader::{DocumentResources, Fields, Reader};
use crate::template::{Secrecy, Variable};

use super::form::{Analysis, Check, Judgement, Measure, MeasurementLimits, OnInconclusive, Volume};
use super::sides::SideVariable;
use check_settings::CheckSettings;
use logs::Log;
use metric::MetricForm;
use presets::PresetForm;
pub use presets::is_inline;
pub(super) use presets::suggest_preset as known_presets;
use provider::Providers;
use values::CheckNames;

/// The input that the document belongs to.
pub(super) const INPUT: &str = "analysis";

/// The default limit of inconclusive measurements; the same as Argo Rollouts' limit of errors.
const INCONCLUSIVE_LIMIT: u32 = 4;

/// The default limit for checks that need traffic, about 20 minutes: early inconclusive
/// measurements only mean that there was little traffic yet. It still ends before blue is removed.
const TRAFFIC_INCONCLUSIVE_LIMIT: u32 = 20;

/// Reads an analysis; `origin` is the file as the user wrote it, or `inline`.
pub fn parse(
    text: &str,
    origin: &str,
    environment: Environment<'_>,
) -> Result<Analysis, Vec<Problem>> {
    let mut reader = Reader::new(
        INPUT,
        origin,
        DocumentResources {
            environment,
            ..DocumentResources::NONE
        },
    );
    for name in SideVariable::names() {
        let top = Place { line: 0, column: 0 };
        reader.scope.declare(name, Secrecy::Open, top);
    }
    let checks = if presets::is_plain(text) {
        presets::read_plain(&mut reader, text)
    } else {
        let root = read_document(text, INPUT, origin)?;
        read_checks(&mut reader, &root).unwrap_or_default()
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

document_form! {
    struct AnalysisForm: "the analysis", check check_anything_asked {
        /// What checks take over when they say nothing themselves.
        defaults: Lenient<RunDefaults>,
        /// Where Prometheus and Datadog are, by names of your own.
        providers: Lenient<Providers>,
        /// Checks of the load balancer's metrics that need no configuration.
        presets: Lenient<CheckList<PresetForm>>,
        /// Metrics of your own.
        metrics: Lenient<CheckList<Spanned<MetricForm>>>,
        /// Patterns that are counted in logs.
        logs: Lenient<CheckList<Spanned<Log>>>,
        on_inconclusive: Lenient<OnInconclusive>,
    }
}

document_form! {
    #[schemars(rename = "Defaults")]
    struct RunDefaults {
        ..run: CheckSettings
    }
}

fn check_anything_asked(reader: &mut Reader<'_>, root: &Node, fields: &Fields<'_>, _: &str) {
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
    let default_entry = fields
        .get("defaults")
        .and_then(|node| node.entry("on-inconclusive"));
    if let (Some(entry), Some(_)) = (fields.entry("on-inconclusive"), default_entry) {
        reader.report(
            entry.place,
            "`on-inconclusive` is in `defaults` too",
            "Keep one of them",
        );
    }
}

/// Checks of one kind: at least one.
#[derive(Debug, Clone)]
struct CheckList<T>(Vec<T>);

impl<T: FromNode> FromNode for CheckList<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = reader.list(node, what)?;
        if items.is_empty() {
            reader.report(
                node.place,
                format!("{what} is empty"),
                "Write at least one, or leave it out",
            );
        }
        let checks = items
            .iter()
            .filter_map(|item| T::from_node(reader, item, what));
        Some(Self(checks.collect()))
    }
}

impl<T> Lenient<CheckList<T>> {
    fn into_items(self) -> impl Iterator<Item = T> {
        self.0.into_iter().flat_map(|list| list.0)
    }
}

fn read_checks(reader: &mut Reader<'_>, root: &Node) -> Option<Vec<Check>> {
    let mut names = CheckNames::default();
    if let Content::List(_) | Content::Text(_) = root.content {
        let OneOrMore::<PresetForm>(presets) = OneOrMore::from_node(reader, root, "a preset")?;
        let presets = presets.into_iter();
        return Some(
            presets
                .flat_map(|preset| {
                    preset.into_checks(reader, &CheckSettings::default(), &mut names)
                })
                .collect(),
        );
    }
    let form = AnalysisForm::from_node(reader, root, INPUT)?;
    let mut run = form
        .defaults
        .0
        .map(|defaults| defaults.run)
        .unwrap_or_default();
    run.on_inconclusive = form.on_inconclusive.0.or(run.on_inconclusive);
    let providers = form.providers.0.unwrap_or_default();
    let mut checks = Vec::new();
    for preset in form.presets.into_items() {
        checks.extend(preset.into_checks(reader, &run, &mut names));
    }
    for Spanned { value, place, .. } in form.metrics.into_items() {
        checks.extend(value.into_check(reader, place, &run, &providers, &mut names));
    }
    for Spanned { value, place, .. } in form.logs.into_items() {
        checks.push(value.into_check(reader, place, &run, &mut names));
    }
    Some(checks)
}

/// The parts in which the kinds of checks differ.
struct CheckParts {
    measure: Measure,
    judgement: Judgement,
    volume: Option<Volume>,
    /// If the document does not set it.
    window: Option<Duration>,
}

/// A check: its own parts, and what every kind of check has.
fn build_check(name: String, at: Position, run: &CheckSettings, parts: CheckParts) -> Check {
    let CheckParts {
        measure,
        judgement,
        volume,
        window,
    } = parts;
    let mut schedule = run.schedule();
    schedule.window = schedule.window.or(window);
    Check {
        name,
        on: run.moments(),
        schedule,
        limits: build_limits(run, &judgement, volume.as_ref()),
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

/// The limits of a check; one that needs traffic gets more time, unless the document sets a limit.
fn build_limits(
    run: &CheckSettings,
    judgement: &Judgement,
    volume: Option<&Volume>,
) -> MeasurementLimits {
    let inconclusive_limit = match judgement {
        Judgement::Comparison(_) | Judgement::Lines { .. } => TRAFFIC_INCONCLUSIVE_LIMIT,
        Judgement::Conditions(_) | Judgement::AtMost(_) if volume.is_some() => {
            TRAFFIC_INCONCLUSIVE_LIMIT
        }
        Judgement::Conditions(conditions)
            if conditions.success.is_some() && conditions.failure.is_some() =>
        {
            INCONCLUSIVE_LIMIT
        }
        Judgement::Conditions(_) | Judgement::AtMost(_) => 0,
    };
    run.limits(inconclusive_limit)
}

/// The schema as it is in the repository.
#[cfg(test)]
pub fn schema() -> serde_json::Value {
    crate::form::schema_of::<schema::AnalysisInput>()
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::{AnalysisForm, CheckList, PresetForm};

    /// What is measured while traffic shifts, and what it is compared with.
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(
        dead_code,
        clippy::large_enum_variant,
        reason = "read by its derive only"
    )]
    pub(super) enum AnalysisInput {
        /// Presets, with commas between them.
        Presets(String),
        /// A list of presets.
        List(Vec<PresetForm>),
        Document(AnalysisForm),
    }

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct AtLeastOne<T>(#[schemars(length(min = 1))] Vec<T>);

    crate::form::generic_schema!(CheckList as AtLeastOne<T>);
}

#[cfg(test)]
mod tests;
