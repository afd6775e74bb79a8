//! One check in one group of moments: green, the shift with its bake, or production.

use std::time::Duration;

use crate::analysis::compare::{Looks, MIN_VALUES};
use crate::analysis::form::{Check, Judgement, Measure, Source};
use crate::analysis::question::{Answer, Side};
use crate::measurement::{Measurement, Phase, Weight};
use crate::moment::Moment;

use super::evaluate::QuestionRole;
use super::tally::{EndCondition, MeasurementCounts};
use super::window::{Span, first_due, next_new_data, question_span};

/// After an error the next attempt is made this soon, as in Argo Rollouts: most errors of a source
/// are short.
const RETRY_SECONDS: f64 = 10.0;

/// Moments that belong together: measurements continue from the steps into the bake.
pub(super) const MOMENT_GROUPS: [&[Moment]; 3] = [
    &[Moment::Green],
    &[Moment::Step, Moment::Bake],
    &[Moment::Production],
];

/// The state of a check in a group of moments.
#[derive(Debug, Clone)]
pub(super) struct CheckRun {
    pub(super) check: Check,
    pub(super) moments: Vec<Moment>,
    /// When its first moment began.
    pub(super) began_at: Option<f64>,
    next_at: f64,
    pub(super) tally: MeasurementCounts,
    pub(super) end_condition: EndCondition,
    pub(super) final_phase: Option<Phase>,
    pub(super) pending: Option<PendingMeasurement>,
    /// Comparisons that could decide.
    pub(super) looks: u32,
    /// The start of the newest data that a conclusive measurement has evaluated.
    newest_data: Option<f64>,
    pub(super) last_measurement: Option<Measurement>,
    pub(super) last_value: Option<String>,
}

/// A measurement whose answers are pending.
#[derive(Debug, Clone)]
pub(super) struct PendingMeasurement {
    pub(super) asked_at: f64,
    pub(super) questions: Vec<(QuestionRole, Side, usize)>,
    pub(super) answers: Vec<(QuestionRole, Side, Answer)>,
    /// What the first question covers.
    pub(super) span: Span,
}

impl CheckRun {
    /// The state of a check in a group, if it has a moment in it.
    pub(super) fn new(check: &Check, group: &[Moment]) -> Option<Self> {
        let moments: Vec<Moment> = group
            .iter()
            .copied()
            .filter(|moment| check.on.contains(moment))
            .collect();
        let is_gate = !group.contains(&Moment::Step);
        let end_condition = match check.schedule.count {
            Some(count) => EndCondition::Count(count),
            None if is_gate => EndCondition::Conclusive,
            None => EndCondition::OnRequest,
        };
        let (tally, began, looks) = (MeasurementCounts::default(), None, 0);
        let check_run = |moments| Self {
            check: check.clone(),
            moments,
            began_at: began,
            next_at: 0.0,
            tally,
            end_condition,
            final_phase: None,
            pending: None,
            looks,
            newest_data: None,
            last_measurement: None,
            last_value: None,
        };
        (!moments.is_empty()).then(|| check_run(moments))
    }

    /// Its moment begins; a check that already runs continues.
    pub(super) fn enter(&mut self, now: f64, sources: &[&Source]) {
        if self.began_at.is_none() {
            // Earlier data are never evaluated: a cold start would stay in the window.
            let began = now + self.check.schedule.initial_delay.as_secs_f64();
            self.began_at = Some(began);
            self.next_at = earliest_possible(
                began,
                sources
                    .iter()
                    .map(|source| first_due(source.sampling, began)),
            );
        }
    }

    /// Sets the expected number of looks, from the expected durations of the rollout and of its
    /// shift.
    pub(super) fn plan_looks(&mut self, shift: Duration, duration: Duration) {
        match &mut self.check.judgement {
            Judgement::Comparison(policy) | Judgement::Lines { policy, .. } => {
                policy.looks =
                    expected_looks(policy.looks, self.check.schedule.interval, shift, duration);
            }
            Judgement::Conditions(_) | Judgement::AtMost(_) => {}
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.check.weight == Weight::Counts
    }

    /// When its next question is due.
    pub(super) fn next_due(&self) -> Option<f64> {
        (self.began_at.is_some() && self.final_phase.is_none() && self.pending.is_none())
            .then_some(self.next_at)
    }

    /// The time that each source is asked about now; `None` while one of them has no whole period
    /// yet.
    pub(super) fn spans(&self, now: f64, sources: &[&Source]) -> Option<Vec<Span>> {
        let began = self.began_at?;
        sources
            .iter()
            .map(|source| question_span(source.sampling, began, now, self.check.schedule.window))
            .collect()
    }

    /// Moves the next question to when all its sources have a whole period.
    pub(super) fn postpone(&mut self, sources: &[&Source]) {
        let began = self.began_at.unwrap_or_default();
        self.next_at = earliest_possible(
            self.next_at,
            sources
                .iter()
                .map(|source| first_due(source.sampling, began)),
        );
    }

    /// Records a complete measurement.
    pub(super) fn record_phase(
        &mut self,
        pending: &PendingMeasurement,
        phase: Phase,
        now: f64,
        sources: &[&Source],
    ) {
        self.tally.add(phase);
        let interval = self.check.schedule.interval.as_secs_f64();
        self.next_at = match phase {
            Phase::Error => now + RETRY_SECONDS.min(interval),
            Phase::Successful | Phase::Failed | Phase::Inconclusive => earliest_possible(
                pending.asked_at + interval,
                sources
                    .iter()
                    .map(|source| next_new_data(source.sampling, pending.asked_at)),
            ),
        };
        if matches!(phase, Phase::Successful | Phase::Failed) {
            let compares = matches!(
                self.check.judgement,
                Judgement::Comparison(_) | Judgement::Lines { .. }
            );
            self.looks += u32::from(compares);
            self.newest_data = Some(
                pending.span.until
                    - sources
                        .iter()
                        .map(|source| source.sampling.period.as_secs_f64())
                        .fold(0.0, f64::max),
            );
        }
        self.final_phase = self.tally.assess(&self.check.limits, self.end_condition);
    }

    /// Whether data newer than `since` were evaluated, or the check has ended.
    pub(super) fn is_settled(&self, since: f64) -> bool {
        self.final_phase.is_some() || self.newest_data.is_some_and(|fresh| fresh >= since)
    }

    /// The caller ends it.
    pub(super) fn finish(&mut self) {
        self.pending = None;
        let phase = if self.tally.has_success() {
            Phase::Successful
        } else {
            Phase::Inconclusive
        };
        self.final_phase = self.final_phase.or(Some(phase));
    }
}

/// How many looks, or values, are to be expected. The minute in which traffic begins is not whole,
/// and has no value.
pub(in crate::analysis) fn expected_looks(
    looks: Looks,
    interval: Duration,
    shift: Duration,
    duration: Duration,
) -> Looks {
    let times = |length: Duration| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` keeps what is out of range at the nearest bound"
        )]
        let times = (length.as_secs_f64() / interval.as_secs_f64().max(1.0)).ceil() as u32;
        times
    };
    match looks {
        Looks::Values(_) => Looks::Values(times(shift).saturating_sub(1).max(MIN_VALUES)),
        Looks::Planned(_) | Looks::Unplanned => Looks::Planned(times(duration)),
    }
}

fn earliest_possible(wanted: f64, possible: impl Iterator<Item = f64>) -> f64 {
    possible.fold(wanted, f64::max)
}

/// The sources of a check, each with its part.
pub(super) fn sources_with_roles(check: &Check) -> Vec<(QuestionRole, &Source)> {
    let mut sources = match &check.measure {
        Measure::Value { source, .. } => vec![(QuestionRole::Value, source)],
        Measure::Share {
            errors, requests, ..
        } => vec![
            (QuestionRole::Errors, errors),
            (QuestionRole::Requests, requests),
        ],
        Measure::Lines { source, .. } => vec![(QuestionRole::Lines, source)],
    };
    let has_requests = sources
        .iter()
        .any(|(role, _)| *role == QuestionRole::Requests);
    if let Some(volume) = check.volume.as_ref().filter(|_| !has_requests) {
        sources.push((QuestionRole::Requests, &volume.source));
    }
    sources
}

/// The sides that a part is asked about.
pub(super) fn sides_to_ask(check: &Check, role: QuestionRole) -> &'static [Side] {
    let is_per_point = check
        .volume
        .as_ref()
        .is_some_and(|volume| volume.min_requests_per_point > 0.0);
    let is_volume_only = role == QuestionRole::Requests
        && matches!(check.measure, Measure::Value { .. })
        && !is_per_point;
    if check.needs_blue() && !is_volume_only {
        &[Side::Green, Side::Blue]
    } else {
        &[Side::Green]
    }
}

pub(super) fn span_duration(span: Span) -> Duration {
    Duration::try_from_secs_f64((span.until - span.since).max(0.0)).unwrap_or_default()
}
