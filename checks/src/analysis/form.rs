//! The analysis as it was read: checks with their queries, their schedule and their conditions.
//!
//! It holds no secrets: only the names of the environment variables that queries use.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::measurement::{Phase, Weight};
use crate::moment::Moment;
use crate::problem::Position;

use super::compare::ComparePolicy;
use super::expression::{Expression, Use};
use crate::template::Template;

/// An analysis that was read without a problem.
#[derive(Debug, Clone)]
pub struct Analysis {
    pub(crate) checks: Vec<Check>,
    pub(crate) environment: BTreeSet<String>,
}

/// What follows if the analysis is inconclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnInconclusive {
    /// Roll back to blue.
    #[default]
    Rollback,
    /// Wait at the gate for a person.
    Pause,
    /// Continue.
    Proceed,
}

#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) on: Vec<Moment>,
    pub(crate) schedule: CheckSchedule,
    pub(crate) limits: MeasurementLimits,
    pub(crate) weight: Weight,
    pub(crate) importance: Importance,
    /// The phase of a measurement without data.
    pub(crate) no_data: Phase,
    pub(crate) volume: Option<Volume>,
    pub(crate) on_inconclusive: OnInconclusive,
    pub(crate) measure: Measure,
    pub(crate) judgement: Judgement,
    pub(crate) at: Position,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckSchedule {
    pub(crate) interval: Duration,
    pub(crate) initial_delay: Duration,
    /// The number of measurements; without it, they continue until the caller ends them.
    pub(crate) count: Option<u32>,
    /// How far back data are evaluated.
    pub(crate) window: Option<Duration>,
}

/// How many bad measurements are tolerated: Argo Rollouts' limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MeasurementLimits {
    /// More failures than this fail the check; none: they never do.
    pub(crate) failures: Option<u32>,
    pub(crate) inconclusives: u32,
    pub(crate) consecutive_errors: u32,
    /// This many successes in a row end the check as successful; 0: never.
    pub(crate) consecutive_successes: u32,
}

/// Whether a check decides alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Importance {
    Critical,
    Advisory,
}

/// How much traffic there must have been.
#[derive(Debug, Clone)]
pub(crate) struct Volume {
    pub(crate) min_requests: f64,
    /// How many requests both sides must have had in a point's time for that point to be compared.
    pub(crate) min_requests_per_point: f64,
    pub(crate) source: Source,
}

#[derive(Debug, Clone)]
pub(crate) enum Measure {
    /// Points, reduced to one number.
    Value {
        source: Source,
        reduce: Reduce,
        unit: Unit,
    },
    /// Errors and requests, and from them a share in percent.
    Share {
        errors: Source,
        requests: Source,
        kind: ShareKind,
    },
    /// Lines of logs, and the requests during which they were written, where those are counted.
    Lines { source: Source, requests: Source },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShareKind {
    Errors,
    Successes,
}

/// How points are reduced to one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduce {
    Last,
    Average,
    Minimum,
    Maximum,
    Sum,
    /// The average, in which a point counts for as much as there were requests in its time.
    ByVolume,
}

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Plain,
    Seconds,
}

/// What the measurement is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Judgement {
    Conditions(Conditions),
    /// Green's errors or samples against blue's; the measure decides which.
    Comparison(ComparePolicy),
    /// At most this many lines.
    AtMost(u64),
    /// Lines, against blue's.
    Lines {
        at_most: u64,
        policy: ComparePolicy,
    },
}

/// Argo Rollouts' two conditions.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    pub(crate) success: Option<Expression>,
    pub(crate) failure: Option<Expression>,
    /// As shown to people.
    pub(crate) text: String,
}

/// A query, and which time a question covers.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) query: QueryTemplate,
    pub(crate) sampling: Sampling,
}

/// Which time a question covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sampling {
    pub(crate) kind: SamplingKind,
    pub(crate) period: Duration,
    /// Younger data may still change.
    pub(crate) delay: Duration,
}

/// Whether time is counted in periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SamplingKind {
    /// Whole periods, from one multiple of the period to another: CloudWatch's points.
    Aligned,
    /// Any time of at least a period.
    Sliding,
}

/// The query of each kind of source, with variables.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum QueryTemplate {
    CloudWatch {
        metrics: Vec<(String, Metric)>,
        expression: Option<Template>,
    },
    Prometheus {
        url: Template,
        headers: Vec<(String, Template)>,
        sigv4: Option<String>,
        query: Template,
    },
    Datadog {
        url: String,
        api_key: Template,
        application_key: Template,
        query: Template,
    },
    Http {
        url: Template,
        headers: Vec<(String, Template)>,
        body: Option<Template>,
        path: String,
    },
    Logs {
        groups: Vec<String>,
        filter: String,
    },
}

/// A CloudWatch metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) stat: String,
    pub(crate) dimensions: Vec<(String, Template)>,
}

impl Analysis {
    /// The environment variables that the document uses.
    pub fn required_env(&self) -> Vec<&str> {
        self.environment.iter().map(String::as_str).collect()
    }

    /// The checks that decide by a comparison of green with blue, with their moments: a service
    /// without a second side cannot have them.
    pub fn checks_needing_blue(&self) -> Vec<(&str, &[Moment])> {
        self.counting_checks()
            .filter(|check| check.needs_blue())
            .map(|check| (check.name.as_str(), check.on.as_slice()))
            .collect()
    }

    fn counting_checks(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.weight == Weight::Counts)
    }

    /// Whether a check may want to wait for a person.
    pub fn needs_gate(&self) -> bool {
        self.counting_checks()
            .any(|check| check.on_inconclusive == OnInconclusive::Pause)
    }

    /// The same analysis after a person has already decided: nothing waits for another decision.
    #[must_use]
    pub fn without_pauses(mut self) -> Self {
        let waits = |check: &&mut Check| check.on_inconclusive == OnInconclusive::Pause;
        self.checks
            .iter_mut()
            .filter(waits)
            .for_each(|check| check.on_inconclusive = OnInconclusive::Proceed);
        self
    }

    /// Whether anything is measured at a moment.
    pub fn runs_on(&self, moment: Moment) -> bool {
        self.checks.iter().any(|check| check.on.contains(&moment))
    }

    /// Whether logs are read.
    pub fn reads_logs(&self) -> bool {
        self.checks
            .iter()
            .any(|check| matches!(check.measure, Measure::Lines { .. }))
    }

    /// The checks' names, in the order of the document.
    pub fn names(&self) -> Vec<&str> {
        self.checks
            .iter()
            .map(|check| check.name.as_str())
            .collect()
    }
}

impl Check {
    pub(crate) fn needs_blue(&self) -> bool {
        match &self.judgement {
            Judgement::Comparison(_) | Judgement::Lines { .. } => true,
            Judgement::AtMost(_) => false,
            Judgement::Conditions(conditions) => conditions.uses(Use::Blue),
        }
    }
}

impl Conditions {
    pub(crate) fn uses(&self, what: Use) -> bool {
        self.success
            .iter()
            .chain(&self.failure)
            .any(|expression| expression.uses(what))
    }
}
