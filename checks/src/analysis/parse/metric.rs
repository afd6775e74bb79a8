//! A metric of the user's own.

use crate::analysis::compare::ComparePolicy;
use crate::analysis::expression::Expression;
use crate::analysis::form::{Check, Judgement, Measure, Reduce, ShareKind, Source, Unit, Volume};
use crate::analysis::preset;
use crate::document::{Node, Place};
use crate::form::Spanned;
use crate::reader::{Fields, Reader};
use crate::{document_form, document_words};

use super::check_settings::CheckSettings;
use super::judgement::{Compare, Range, StatisticalTest, Threshold, check_conditions};
use super::provider::Providers;
use super::source::{SOURCE_KEYS, SourceForm, Sources, check_one_source};
use super::values::{CheckName, CheckNames};
use super::{CheckParts, build_check};

const REDUCE_WORDS: &[(&str, Reduce)] = &[
    ("last", Reduce::Last),
    ("avg", Reduce::Average),
    ("min", Reduce::Minimum),
    ("max", Reduce::Maximum),
    ("sum", Reduce::Sum),
];

document_words!(Reduce: REDUCE_WORDS);

document_form! {
    #[schemars(rename = "Metric")]
    pub(super) struct MetricForm: "a metric", check check_metric {
        /// Words for the log and the summary; each check has its own.
        #[required("Write `name:` with words for the log and the summary")]
        name: Spanned<CheckName>,
        /// Errors; with `requests`, the result is errors of requests in percent.
        errors: Option<SourceForm>,
        requests: Option<SourceForm>,
        /// What counts requests for `min-request-volume`; the load balancer when absent.
        volume: Option<Spanned<SourceForm>>,
        /// From points to the result; last when absent.
        reduce: Option<Reduce>,
        /// A threshold: `< 5`, `>= 99 %`.
        success: Option<Threshold>,
        /// An expression over `result` (or `green`) and `blue`.
        success_condition: Option<Expression>,
        failure_condition: Option<Expression>,
        threshold_range: Option<Spanned<Range>>,
        compare: Option<Spanned<Compare>>,
        ..sources: Sources,
        ..run: CheckSettings
    }
}

fn check_metric(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    check_conditions(reader, node, fields);
    match (fields.entry("errors"), fields.entry("requests")) {
        (None, None) => check_one_source(reader, node, fields, what),
        (Some(_), Some(_)) => {
            for entry in fields.entries_with(&[SOURCE_KEYS, &["reduce", "volume"]].concat()) {
                reader.report(
                    entry.place,
                    format!(
                        "`{}` cannot be used with `errors` and `requests`",
                        entry.key
                    ),
                    "Leave it out: the result is errors of requests in percent",
                );
            }
        }
        (Some(single), None) | (None, Some(single)) => reader.report(
            single.place,
            "`errors` and `requests` belong together",
            "Write both, each with its source",
        ),
    }
}

impl MetricForm {
    pub(super) fn into_check(
        self,
        reader: &mut Reader<'_>,
        place: Place,
        inherited: &CheckSettings,
        providers: &Providers,
        names: &mut CheckNames,
    ) -> Option<Check> {
        let name = names.unique_name(reader, self.name.clone());
        let run = self.run.with_defaults(inherited);
        let judgement = self.build_judgement(reader);
        let measure = self.build_measure(reader, &run, providers);
        let volume = self.build_volume(reader, &run, providers, measure.as_ref());
        let ((judgement, test), measure) = (judgement?, measure?);
        if let (Judgement::Comparison(_), Some(compare)) = (&judgement, &self.compare) {
            check_test_fits(reader, compare.place, test, &measure);
        }
        let parts = CheckParts {
            judgement: apply_min_volume(judgement, &run),
            measure,
            volume,
            window: None,
        };
        Some(build_check(name, reader.position(place), &run, parts))
    }

    fn build_measure(
        &self,
        reader: &mut Reader<'_>,
        run: &CheckSettings,
        providers: &Providers,
    ) -> Option<Measure> {
        let mut source = |sources: Sources| sources.into_source(reader, run, providers);
        if let (Some(errors), Some(requests)) = (self.errors.clone(), self.requests.clone()) {
            let (errors, requests) = (source(errors.sources), source(requests.sources));
            return Some(Measure::Share {
                errors: errors?,
                requests: requests?,
                kind: ShareKind::Errors,
            });
        }
        Some(Measure::Value {
            source: source(self.sources.clone())?,
            reduce: self.reduce.unwrap_or(Reduce::Last),
            unit: Unit::Plain,
        })
    }

    fn build_volume(
        &self,
        reader: &mut Reader<'_>,
        run: &CheckSettings,
        providers: &Providers,
        measure: Option<&Measure>,
    ) -> Option<Volume> {
        let own = self.volume.clone();
        let source = own.and_then(|own| own.value.sources.into_source(reader, run, providers));
        let Some(at_least) = run.min_request_volume() else {
            if let Some(volume) = &self.volume {
                reader.report(
                    volume.key,
                    "`volume` is measured but not used",
                    "Write `min-request-volume:` with a number",
                );
            }
            return None;
        };
        Some(Volume {
            min_requests: at_least.into(),
            min_requests_per_point: 0.0,
            source: source.unwrap_or_else(|| default_volume_source(measure, run)),
        })
    }
}

/// A comparison of rates has its own minimum volume.
fn apply_min_volume(judgement: Judgement, run: &CheckSettings) -> Judgement {
    match (judgement, run.min_request_volume()) {
        (Judgement::Comparison(policy), Some(least)) => Judgement::Comparison(ComparePolicy {
            min_request_volume: least.into(),
            ..policy
        }),
        (judgement, _) => judgement,
    }
}

/// The requests of the share itself, or those that the load balancer counts.
fn default_volume_source(measure: Option<&Measure>, run: &CheckSettings) -> Source {
    match measure {
        Some(Measure::Share { requests, .. }) => requests.clone(),
        Some(Measure::Value { .. } | Measure::Lines { .. }) | None => {
            preset::request_source(preset::load_balancer_sampling(run.period(), run.delay()))
        }
    }
}

/// Checks that the test fits the measure: counts, or values.
fn check_test_fits(
    reader: &mut Reader<'_>,
    compare: Place,
    test: Option<StatisticalTest>,
    measure: &Measure,
) {
    match (test, measure) {
        (None, Measure::Share { .. } | Measure::Value { .. } | Measure::Lines { .. })
        | (Some(StatisticalTest::TwoProportion), Measure::Share { .. })
        | (Some(StatisticalTest::MannWhitney), Measure::Value { .. }) => {}
        (Some(StatisticalTest::TwoProportion), Measure::Value { .. } | Measure::Lines { .. }) => {
            reader.report(
                compare,
                "`two-proportion` wants counts",
                "Write `errors:` and `requests:`, each with its source",
            );
        }
        (Some(StatisticalTest::MannWhitney), Measure::Share { .. } | Measure::Lines { .. }) => {
            reader.report(
                compare,
                "`mann-whitney` wants values, not counts",
                "Write `test: two-proportion`, or a source of values such as latencies",
            );
        }
    }
}
