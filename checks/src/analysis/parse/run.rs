//! What every kind of check has: when it is made, what is put up with, and what follows.

use std::time::Duration;

use crate::analysis::form::{Importance, MeasurementLimits, OnInconclusive, Rhythm};
use crate::document::Node;
use crate::measurement::{Phase, Weight};
use crate::moment::{MOMENTS, Moment};
use crate::reader::{Fields, Reader};

/// More often than this nothing new is to be seen, and each measurement costs reads.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);

/// CloudWatch keeps points of ordinary metrics for each minute.
const GRAIN: Duration = Duration::from_mins(1);

/// The words of `no-data`.
pub(in crate::analysis) const NO_DATA: &[(&str, Phase)] = &[
    ("inconclusive", Phase::Inconclusive),
    ("fail", Phase::Failed),
    ("pass", Phase::Successful),
    ("error", Phase::Error),
];

/// The words of `on-inconclusive`.
pub(in crate::analysis) const ON_INCONCLUSIVE: &[(&str, OnInconclusive)] = &[
    ("rollback", OnInconclusive::Rollback),
    ("pause", OnInconclusive::Pause),
    ("proceed", OnInconclusive::Proceed),
];

/// Of metrics of high resolution it keeps these too; ordinary ones have no points then, which is
/// inconclusive.
const FINE_GRAINS: &[Duration] = &[
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// How many failures are put up with.
#[derive(Debug, Clone, Copy)]
enum FailureLimit {
    AtMost(u32),
    /// -1
    Off,
}

impl FailureLimit {
    fn limit(self) -> Option<u32> {
        match self {
            Self::AtMost(limit) => Some(limit),
            Self::Off => None,
        }
    }
}

/// What is written, by the check itself or in `defaults`.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    on: Option<Vec<Moment>>,
    interval: Option<Duration>,
    initial_delay: Option<Duration>,
    count: Option<u32>,
    pub(super) period: Option<Duration>,
    pub(super) delay: Option<Duration>,
    pub(super) window: Option<Duration>,
    failures: Option<FailureLimit>,
    pub(super) inconclusives: Option<u32>,
    consecutive_errors: Option<u32>,
    consecutive_successes: Option<u32>,
    weight: Option<Weight>,
    importance: Option<Importance>,
    no_data: Option<Phase>,
    pub(super) volume: Option<f64>,
    pub(super) on_inconclusive: Option<OnInconclusive>,
}

/// Reads the keys that every check has; those that are absent are `inherited`.
pub(super) fn run(reader: &mut Reader<'_>, fields: &Fields<'_>, inherited: &Run) -> Run {
    let old = inherited.clone();
    let mut span = |key: &str| {
        fields
            .get(key)
            .and_then(|node| reader.duration(node, &format!("`{key}`")))
    };
    let (initial_delay, delay, window) = (span("initial-delay"), span("delay"), span("window"));
    let mut count = |key: &str| {
        fields
            .get(key)
            .and_then(|node| reader.count(node, &format!("`{key}`")))
    };
    let (inconclusives, errors) = (
        count("inconclusive-limit"),
        count("consecutive-error-limit"),
    );
    let successes = count("consecutive-success-limit");
    Run {
        on: fields
            .get("on")
            .and_then(|node| on(reader, node))
            .or(old.on),
        interval: fields
            .get("interval")
            .and_then(|node| interval(reader, node))
            .or(old.interval),
        initial_delay: initial_delay.or(old.initial_delay),
        count: fields
            .get("count")
            .and_then(|node| at_least_one(reader, node))
            .or(old.count),
        period: fields
            .get("period")
            .and_then(|node| period(reader, node))
            .or(old.period),
        delay: delay.or(old.delay),
        window: window.or(old.window),
        failures: fields
            .get("failure-limit")
            .and_then(|node| failures(reader, node))
            .or(old.failures),
        inconclusives: inconclusives.or(old.inconclusives),
        consecutive_errors: errors.or(old.consecutive_errors),
        consecutive_successes: successes.or(old.consecutive_successes),
        weight: fields
            .get("dry-run")
            .and_then(|node| weight(reader, node))
            .or(old.weight),
        importance: fields
            .get("critical")
            .and_then(|node| importance(reader, node))
            .or(old.importance),
        no_data: fields
            .get("no-data")
            .and_then(|node| reader.word(node, "`no-data`", NO_DATA))
            .or(old.no_data),
        volume: fields
            .get("min-request-volume")
            .and_then(|node| reader.count(node, "`min-request-volume`"))
            .map(f64::from)
            .or(old.volume),
        on_inconclusive: fields
            .get("on-inconclusive")
            .and_then(|node| on_inconclusive(reader, node))
            .or(old.on_inconclusive),
    }
}

pub(super) fn on_inconclusive(reader: &mut Reader<'_>, node: &Node) -> Option<OnInconclusive> {
    reader.word(node, "`on-inconclusive`", ON_INCONCLUSIVE)
}

impl Run {
    pub(super) fn on(&self) -> Vec<Moment> {
        self.on
            .clone()
            .unwrap_or_else(|| vec![Moment::Step, Moment::Bake])
    }

    pub(super) fn rhythm(&self) -> Rhythm {
        Rhythm {
            interval: self.interval.unwrap_or(GRAIN),
            initial_delay: self.initial_delay.unwrap_or_default(),
            count: self.count,
            window: self.window,
        }
    }

    /// Argo Rollouts' defaults: nothing is put up with but four errors in a row.
    pub(super) fn limits(&self) -> MeasurementLimits {
        MeasurementLimits {
            failures: self.failures.map_or(Some(0), FailureLimit::limit),
            inconclusives: self.inconclusives.unwrap_or(0),
            consecutive_errors: self.consecutive_errors.unwrap_or(4),
            consecutive_successes: self.consecutive_successes.unwrap_or(0),
        }
    }

    pub(super) fn weight(&self) -> Weight {
        self.weight.unwrap_or_default()
    }

    pub(super) fn importance(&self) -> Importance {
        self.importance.unwrap_or(Importance::Critical)
    }

    pub(super) fn no_data(&self) -> Phase {
        self.no_data.unwrap_or(Phase::Inconclusive)
    }

    pub(super) fn period(&self) -> Duration {
        self.period.unwrap_or(GRAIN)
    }
}

fn on(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Moment>> {
    let items = node.one_or_more();
    if items.is_empty() {
        let remedy =
            "Write `green`, `step`, `production` or `bake`, or leave `on` out for step and bake";
        return reader.refuse(
            node.place,
            "`on` is empty: nothing would ever be measured",
            remedy,
        );
    }
    let moments: Vec<_> = items
        .iter()
        .map(|item| reader.word(item, "`on`", MOMENTS))
        .collect();
    moments.into_iter().collect()
}

fn interval(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let interval = reader.duration(node, "`interval`")?;
    if interval < SHORTEST_INTERVAL {
        return reader.refuse(
            node.place,
            "`interval` is shorter than 5s",
            "Write at least `5s`; CloudWatch has a new point every minute",
        );
    }
    Some(interval)
}

fn period(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let period = reader.duration(node, "`period`")?;
    let is_whole = !period.is_zero() && period.as_millis().is_multiple_of(GRAIN.as_millis());
    if is_whole || FINE_GRAINS.contains(&period) {
        return Some(period);
    }
    let remedy = "Write `60s`, `5m` or another multiple of a minute; for metrics of high resolution 1s, 5s, 10s, 20s or 30s";
    reader.refuse(
        node.place,
        "`period` is not one that CloudWatch has",
        remedy,
    )
}

fn at_least_one(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    match reader.count(node, "`count`")? {
        0 => reader.refuse(
            node.place,
            "`count` is zero: nothing would ever be measured",
            "Write at least `1`, or leave `count` out",
        ),
        count => Some(count),
    }
}

fn failures(reader: &mut Reader<'_>, node: &Node) -> Option<FailureLimit> {
    let text = reader.text(node, "`failure-limit`")?;
    if text.trim() == "-1" {
        return Some(FailureLimit::Off);
    }
    reader
        .count(node, "`failure-limit`")
        .map(FailureLimit::AtMost)
}

fn weight(reader: &mut Reader<'_>, node: &Node) -> Option<Weight> {
    Some(if reader.boolean(node, "`dry-run`")? {
        Weight::DryRun
    } else {
        Weight::Counts
    })
}

fn importance(reader: &mut Reader<'_>, node: &Node) -> Option<Importance> {
    Some(if reader.boolean(node, "`critical`")? {
        Importance::Critical
    } else {
        Importance::Advisory
    })
}
