//! A metric of the user's own.

use crate::analysis::form::{Check, Judgement, Measure, Reduce, ShareOf, Source, Unit, Volume};
use crate::analysis::preset;
use crate::document::Node;
use crate::reader::{Fields, Reader};

use super::judgement::{StatisticalTest, judgement};
use super::keys::{METRIC_KEYS, RUN_KEYS, SOURCE_KEYS};
use super::provider::Providers;
use super::run::{Run, run};
use super::{Names, Parts, check};

/// The words of `reduce`.
pub(in crate::analysis) const REDUCE: &[(&str, Reduce)] = &[
    ("last", Reduce::Last),
    ("avg", Reduce::Average),
    ("min", Reduce::Minimum),
    ("max", Reduce::Maximum),
    ("sum", Reduce::Sum),
];

pub(super) fn metric(
    reader: &mut Reader<'_>,
    node: &Node,
    inherited: &Run,
    providers: &Providers,
    names: &mut Names,
) -> Option<Check> {
    let fields = reader.fields(node, "a metric", &[METRIC_KEYS, RUN_KEYS].concat())?;
    let name = names.own(reader, node, &fields, "A metric");
    let run = run(reader, &fields, inherited);
    let judged = judgement(reader, node, &fields);
    let measure = measure(reader, node, &fields, &run, providers);
    let volume = volume(reader, &fields, &run, providers, measure.as_ref());
    let ((judgement, test), measure) = (judged?, measure?);
    fits(reader, &fields, &judgement, test, &measure)?;
    let volume = volume?;
    let judgement = with_volume(judgement, &run);
    Some(check(
        name?,
        reader.position(node.place),
        &run,
        Parts {
            measure,
            judgement,
            volume,
            window: None,
        },
    ))
}

/// A comparison of rates has its own least volume.
fn with_volume(judgement: Judgement, run: &Run) -> Judgement {
    match (judgement, run.volume) {
        (Judgement::Comparison(policy), Some(least)) => {
            // Read as a whole number above zero.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it was a u32"
            )]
            let min_request_volume = least as u64;
            Judgement::Comparison(crate::analysis::compare::ComparePolicy {
                min_request_volume,
                ..policy
            })
        }
        (judgement, _) => judgement,
    }
}

fn measure(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    run: &Run,
    providers: &Providers,
) -> Option<Measure> {
    match (fields.entry("errors"), fields.entry("requests")) {
        (None, None) => value(reader, node, fields, run, providers),
        (Some(errors), Some(requests)) => {
            for entry in fields.among(&[SOURCE_KEYS, &["reduce", "volume"]].concat()) {
                let message = format!("`{}` stands beside `errors` and `requests`", entry.key);
                reader.report(
                    entry.place,
                    message,
                    "Leave it out: the result is errors of requests in percent",
                );
            }
            let errors = super::source::nested(reader, &errors.value, run, providers, "`errors`");
            let requests =
                super::source::nested(reader, &requests.value, run, providers, "`requests`");
            Some(Measure::Share {
                errors: errors?,
                requests: requests?,
                of: ShareOf::Errors,
            })
        }
        (Some(lonely), None) | (None, Some(lonely)) => reader.refuse(
            lonely.place,
            "`errors` and `requests` belong together",
            "Write both, each with its source",
        ),
    }
}

fn value(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    run: &Run,
    providers: &Providers,
) -> Option<Measure> {
    let reduce = fields.get("reduce").map_or(Some(Reduce::Last), |node| {
        reader.word(node, "`reduce`", REDUCE)
    });
    let source = super::source::source(reader, node, fields, run, providers, "a metric");
    Some(Measure::Value {
        source: source?,
        reduce: reduce?,
        unit: Unit::Plain,
    })
}

/// The inner is none where no volume is wanted.
#[expect(
    clippy::option_option,
    reason = "the outer says whether it could be read"
)]
fn volume(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    run: &Run,
    providers: &Providers,
    measure: Option<&Measure>,
) -> Option<Option<Volume>> {
    let source = match fields.get("volume") {
        Some(node) => Some(super::source::nested(
            reader, node, run, providers, "`volume`",
        )?),
        None => None,
    };
    let Some(at_least) = run.volume else {
        if let Some(entry) = fields.entry("volume") {
            return reader.refuse(
                entry.place,
                "`volume` is asked and held against nothing",
                "Write `min-request-volume:` with a number",
            );
        }
        return Some(None);
    };
    Some(Some(Volume {
        at_least,
        in_each: 0.0,
        source: source.unwrap_or_else(|| counted(measure, run)),
    }))
}

/// The requests of the share itself, or those that the load balancer counts.
fn counted(measure: Option<&Measure>, run: &Run) -> Source {
    match measure {
        Some(Measure::Share { requests, .. }) => requests.clone(),
        Some(Measure::Value { .. } | Measure::Lines { .. }) | None => {
            preset::requests(preset::grain(run.period(), run.delay))
        }
    }
}

fn fits(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    judgement: &Judgement,
    test: Option<StatisticalTest>,
    measure: &Measure,
) -> Option<()> {
    let (Judgement::Comparison(_), Some(node)) = (judgement, fields.get("compare")) else {
        return Some(());
    };
    match (test, measure) {
        (None, Measure::Share { .. } | Measure::Value { .. } | Measure::Lines { .. })
        | (Some(StatisticalTest::TwoProportion), Measure::Share { .. })
        | (Some(StatisticalTest::MannWhitney), Measure::Value { .. }) => Some(()),
        (Some(StatisticalTest::TwoProportion), Measure::Value { .. } | Measure::Lines { .. }) => {
            reader.refuse(
                node.place,
                "`two-proportion` wants counts",
                "Write `errors:` and `requests:`, each with its source",
            )
        }
        (Some(StatisticalTest::MannWhitney), Measure::Share { .. } | Measure::Lines { .. }) => {
            reader.refuse(
                node.place,
                "`mann-whitney` wants values, not counts",
                "Write `test: two-proportion`, or a source of values such as latencies",
            )
        }
    }
}
