//! The settings of every kind of check: schedule, limits, and consequences.

use std::time::Duration;

use crate::analysis::form::{CheckSchedule, Importance, MeasurementLimits, OnInconclusive};
use crate::document::Node;
use crate::form::{Count, FromNode, OneOrMore, WrittenDuration};
use crate::measurement::{Phase, Weight};
use crate::moment::Moment;
use crate::reader::Reader;
use crate::{document_form, document_schema, document_words};

/// More frequent measurements would see nothing new, and each costs reads.
const MIN_INTERVAL: Duration = Duration::from_secs(5);

/// CloudWatch keeps points of ordinary metrics for each minute.
const DEFAULT_PERIOD: Duration = Duration::from_mins(1);

/// The words of `no-data`.
pub(in crate::analysis) const NO_DATA_WORDS: &[(&str, Phase)] = &[
    ("inconclusive", Phase::Inconclusive),
    ("fail", Phase::Failed),
    ("pass", Phase::Successful),
    ("error", Phase::Error),
];

/// The words of `on-inconclusive`.
pub(in crate::analysis) const ON_INCONCLUSIVE_WORDS: &[(&str, OnInconclusive)] = &[
    ("rollback", OnInconclusive::Rollback),
    ("pause", OnInconclusive::Pause),
    ("proceed", OnInconclusive::Proceed),
];

/// CloudWatch keeps these too for metrics of high resolution; ordinary ones then have no points,
/// which is inconclusive.
const HIGH_RESOLUTION_PERIODS: &[Duration] = &[
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

document_words!(Phase: NO_DATA_WORDS);
document_words!(OnInconclusive: ON_INCONCLUSIVE_WORDS);

document_form! {
    #[derive(Default)]
    pub(super) struct CheckSettings {
        /// When it is measured; at steps and in the bake when absent.
        on: Option<MeasuredMoments>,
        /// From one measurement to the next; 60s when absent, at least 5s.
        interval: Option<Interval>,
        /// Before the first measurement.
        initial_delay: Option<WrittenDuration>,
        /// The number of measurements.
        count: Option<MeasurementCount>,
        /// The period of CloudWatch's points: whole minutes, or 1s, 5s, 10s, 20s or 30s for metrics
        /// of high resolution; 60s when absent.
        period: Option<Period>,
        /// Younger data may still change, and are not asked for.
        delay: Option<WrittenDuration>,
        /// How far back data are evaluated.
        window: Option<WrittenDuration>,
        /// More failed measurements fail the check; -1: they never do.
        failure_limit: Option<FailureLimit>,
        /// More inconclusive measurements make the check inconclusive.
        inconclusive_limit: Option<Count>,
        /// More errors in a row make it an error; 4 when absent.
        consecutive_error_limit: Option<Count>,
        /// This many successes in a row end the check as successful; 0: never.
        consecutive_success_limit: Option<Count>,
        /// Measured and shown, decides nothing.
        dry_run: Option<bool>,
        /// Whether it decides alone; true when absent.
        critical: Option<bool>,
        /// The result of a measurement without data; inconclusive when absent.
        no_data: Option<Phase>,
        /// Fewer requests are inconclusive.
        min_request_volume: Option<Count>,
        on_inconclusive: Option<OnInconclusive>,
    }
}

impl CheckSettings {
    /// These settings, with those of `inherited` where they are absent.
    pub(super) fn with_defaults(&self, inherited: &Self) -> Self {
        let (own, old) = (self.clone(), inherited.clone());
        Self {
            on: own.on.or(old.on),
            interval: own.interval.or(old.interval),
            initial_delay: own.initial_delay.or(old.initial_delay),
            count: own.count.or(old.count),
            period: own.period.or(old.period),
            delay: own.delay.or(old.delay),
            window: own.window.or(old.window),
            failure_limit: own.failure_limit.or(old.failure_limit),
            inconclusive_limit: own.inconclusive_limit.or(old.inconclusive_limit),
            consecutive_error_limit: own.consecutive_error_limit.or(old.consecutive_error_limit),
            consecutive_success_limit: own
                .consecutive_success_limit
                .or(old.consecutive_success_limit),
            dry_run: own.dry_run.or(old.dry_run),
            critical: own.critical.or(old.critical),
            no_data: own.no_data.or(old.no_data),
            min_request_volume: own.min_request_volume.or(old.min_request_volume),
            on_inconclusive: own.on_inconclusive.or(old.on_inconclusive),
        }
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        let on = self.on.clone();
        on.map_or_else(|| vec![Moment::Step, Moment::Bake], |on| on.0)
    }

    pub(super) fn schedule(&self) -> CheckSchedule {
        CheckSchedule {
            interval: self.interval.map_or(DEFAULT_PERIOD, |interval| interval.0),
            initial_delay: self.initial_delay.map_or(Duration::ZERO, |delay| delay.0),
            count: self.count.map(|count| count.0),
            window: self.window.map(|window| window.0),
        }
    }

    /// Argo Rollouts' defaults: no failure is tolerated, and four errors in a row are.
    /// `inconclusive_limit` is the limit of inconclusive measurements if the document sets none.
    pub(super) fn limits(&self, inconclusive_limit: u32) -> MeasurementLimits {
        let limit_or = |limit: Option<Count>, absent: u32| limit.map_or(absent, |limit| limit.0);
        MeasurementLimits {
            failures: self.failure_limit.map_or(Some(0), |limit| limit.0),
            inconclusives: limit_or(self.inconclusive_limit, inconclusive_limit),
            consecutive_errors: limit_or(self.consecutive_error_limit, 4),
            consecutive_successes: limit_or(self.consecutive_success_limit, 0),
        }
    }

    pub(super) fn weight(&self) -> Weight {
        match self.dry_run {
            Some(true) => Weight::DryRun,
            Some(false) | None => Weight::Counts,
        }
    }

    pub(super) fn importance(&self) -> Importance {
        match self.critical {
            Some(false) => Importance::Advisory,
            Some(true) | None => Importance::Critical,
        }
    }

    pub(super) fn no_data(&self) -> Phase {
        self.no_data.unwrap_or(Phase::Inconclusive)
    }

    pub(super) fn period(&self) -> Duration {
        self.period.map_or(DEFAULT_PERIOD, |period| period.0)
    }

    pub(super) fn delay(&self) -> Option<Duration> {
        self.delay.map(|delay| delay.0)
    }

    /// How many requests there must have been.
    pub(super) fn min_request_volume(&self) -> Option<u32> {
        self.min_request_volume.map(|least| least.0)
    }
}

#[derive(Debug, Clone)]
pub(super) struct MeasuredMoments(Vec<Moment>);

impl FromNode for MeasuredMoments {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let OneOrMore(moments) = OneOrMore::from_node(reader, node, what)?;
        if moments.is_empty() {
            let remedy = "Write `green`, `step`, `production` or `bake`, or leave `on` out for step and bake";
            return reader.refuse(
                node.place,
                format!("{what} is empty: nothing would ever be measured"),
                remedy,
            );
        }
        Some(Self(moments))
    }
}

document_schema!(MeasuredMoments as OneOrMore<Moment>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Interval(Duration);

impl FromNode for Interval {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let interval = reader.duration(node, what)?;
        if interval < MIN_INTERVAL {
            return reader.refuse(
                node.place,
                format!("{what} is shorter than 5s"),
                "Write at least `5s`; CloudWatch has a new point every minute",
            );
        }
        Some(Self(interval))
    }
}

document_schema!(Interval as WrittenDuration);

#[derive(Debug, Clone, Copy)]
pub(super) struct Period(Duration);

impl FromNode for Period {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let period = reader.duration(node, what)?;
        let is_whole = !period.is_zero()
            && period
                .as_millis()
                .is_multiple_of(DEFAULT_PERIOD.as_millis());
        if is_whole || HIGH_RESOLUTION_PERIODS.contains(&period) {
            return Some(Self(period));
        }
        let remedy = "Write `60s`, `5m` or another multiple of a minute; for metrics of high resolution 1s, 5s, 10s, 20s or 30s";
        reader.refuse(
            node.place,
            format!("{what} is not one that CloudWatch has"),
            remedy,
        )
    }
}

document_schema!(Period as WrittenDuration);

#[derive(Debug, Clone, Copy)]
pub(super) struct MeasurementCount(u32);

impl FromNode for MeasurementCount {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        match reader.count(node, what)? {
            0 => reader.refuse(
                node.place,
                format!("{what} is zero: nothing would ever be measured"),
                format!("Write at least `1`, or leave {what} out"),
            ),
            count => Some(Self(count)),
        }
    }
}

/// How many failures are tolerated; none: any number (-1).
#[derive(Debug, Clone, Copy)]
pub(super) struct FailureLimit(Option<u32>);

impl FromNode for FailureLimit {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if reader.text(node, what)?.trim() == "-1" {
            return Some(Self(None));
        }
        reader.count(node, what).map(Some).map(Self)
    }
}

#[cfg(test)]
mod schema {
    #![expect(dead_code, reason = "the types are read by their derive only")]

    use schemars::JsonSchema;

    use super::{FailureLimit, MeasurementCount};
    use crate::document_schema;

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct AtLeastOne(#[schemars(range(min = 1))] u32);

    #[derive(JsonSchema)]
    #[schemars(inline)]
    struct MinusOneOrMore(#[schemars(range(min = -1))] i32);

    document_schema!(MeasurementCount as AtLeastOne);
    document_schema!(FailureLimit as MinusOneOrMore);
}
