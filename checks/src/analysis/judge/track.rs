//! One check in one stretch of a rollout: green, the shift with its bake, or production.

use std::time::Duration;

use crate::analysis::compare::{Looks, VALUES};
use crate::analysis::form::{Check, Judgement, Measure, Source};
use crate::analysis::question::{Answer, Side};
use crate::measurement::{Measurement, Phase, Weight};
use crate::moment::Moment;

use super::tally::{MeasurementCounts, Until};
use super::weigh::QuestionRole;
use super::window::{Span, news, ready, span};

/// After an error it is tried again as soon as this, as Argo Rollouts does: a source that stumbles
/// is up again soon.
const RETRY: f64 = 10.0;

/// The moments that are one stretch: measurements run on from a step to the bake.
pub(super) const STRETCHES: [&[Moment]; 3] = [
    &[Moment::Green],
    &[Moment::Step, Moment::Bake],
    &[Moment::Production],
];

/// A check's course.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) check: Check,
    pub(super) moments: Vec<Moment>,
    /// When its first moment began.
    pub(super) began: Option<f64>,
    next: f64,
    pub(super) tally: MeasurementCounts,
    pub(super) until: Until,
    pub(super) ended: Option<Phase>,
    pub(super) asking: Option<Asking>,
    /// Comparisons that could decide.
    pub(super) looks: u32,
    /// When the newest data began that a conclusive measurement judged.
    fresh: Option<f64>,
    pub(super) last: Option<Measurement>,
    /// The last value that was measured.
    pub(super) value: Option<String>,
}

/// A measurement whose answers are awaited.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) at: f64,
    pub(super) parts: Vec<(QuestionRole, Side, usize)>,
    pub(super) answers: Vec<(QuestionRole, Side, Answer)>,
    /// What the first question covers.
    pub(super) span: Span,
}

impl Track {
    /// The course of a check in a stretch, if it has any moment there.
    pub(super) fn new(check: &Check, stretch: &[Moment]) -> Option<Self> {
        let moments: Vec<Moment> = stretch
            .iter()
            .copied()
            .filter(|moment| check.on.contains(moment))
            .collect();
        let once = !stretch.contains(&Moment::Step);
        let until = match check.rhythm.count {
            Some(count) => Until::Count(count),
            None if once => Until::Conclusive,
            None => Until::Ended,
        };
        let (tally, began, looks) = (MeasurementCounts::default(), None, 0);
        let track = |moments| Self {
            check: check.clone(),
            moments,
            began,
            next: 0.0,
            tally,
            until,
            ended: None,
            asking: None,
            looks,
            fresh: None,
            last: None,
            value: None,
        };
        (!moments.is_empty()).then(|| track(moments))
    }

    /// Its moment begins; one that runs already goes on.
    pub(super) fn enter(&mut self, now: f64, sources: &[&Source]) {
        if self.began.is_none() {
            // What happens before that is not judged at all: a cold start would stay in the window.
            let began = now + self.check.rhythm.initial_delay.as_secs_f64();
            self.began = Some(began);
            self.next = soonest(
                began,
                sources.iter().map(|source| ready(source.grain, began)),
            );
        }
    }

    /// It will be measured for about so long, and both sides for the time of the shift.
    pub(super) fn expect(&mut self, shift: Duration, watched: Duration) {
        match &mut self.check.judgement {
            Judgement::Comparison(policy) | Judgement::Lines { policy, .. } => {
                policy.looks =
                    looks_to_expect(policy.looks, self.check.rhythm.interval, shift, watched);
            }
            Judgement::Conditions(_) | Judgement::AtMost(_) => {}
        }
    }

    pub(super) fn counts(&self) -> bool {
        self.check.weight == Weight::Counts
    }

    /// When it wants to ask next.
    pub(super) fn next(&self) -> Option<f64> {
        (self.began.is_some() && self.ended.is_none() && self.asking.is_none()).then_some(self.next)
    }

    /// What time each source is asked about now; nothing while one of them has no whole period yet.
    pub(super) fn spans(&self, now: f64, sources: &[&Source]) -> Option<Vec<Span>> {
        let began = self.began?;
        sources
            .iter()
            .map(|source| span(source.grain, began, now, self.check.rhythm.window))
            .collect()
    }

    /// One of its sources has no whole period yet.
    pub(super) fn postpone(&mut self, sources: &[&Source]) {
        let began = self.began.unwrap_or_default();
        self.next = soonest(
            self.next,
            sources.iter().map(|source| ready(source.grain, began)),
        );
    }

    /// A measurement was made.
    pub(super) fn measured(
        &mut self,
        asking: &Asking,
        phase: Phase,
        now: f64,
        sources: &[&Source],
    ) {
        self.tally.add(phase);
        let interval = self.check.rhythm.interval.as_secs_f64();
        self.next = match phase {
            Phase::Error => now + RETRY.min(interval),
            Phase::Successful | Phase::Failed | Phase::Inconclusive => soonest(
                asking.at + interval,
                sources.iter().map(|source| news(source.grain, asking.at)),
            ),
        };
        if matches!(phase, Phase::Successful | Phase::Failed) {
            let compares = matches!(
                self.check.judgement,
                Judgement::Comparison(_) | Judgement::Lines { .. }
            );
            self.looks += u32::from(compares);
            self.fresh = Some(
                asking.span.until
                    - sources
                        .iter()
                        .map(|source| source.grain.period.as_secs_f64())
                        .fold(0.0, f64::max),
            );
        }
        self.ended = self.tally.assess(&self.check.limits, self.until);
    }

    /// Whether data that began after `since` were judged, or nothing will be judged any more.
    pub(super) fn settled(&self, since: f64) -> bool {
        self.ended.is_some() || self.fresh.is_some_and(|fresh| fresh >= since)
    }

    /// Its owner ends it.
    pub(super) fn finish(&mut self) {
        self.asking = None;
        let known = if self.tally.is_good() {
            Phase::Successful
        } else {
            Phase::Inconclusive
        };
        self.ended = self.ended.or(Some(known));
    }
}

/// How many looks, or values, are to be expected. The minute in which traffic begins is not whole,
/// and has no value.
pub(in crate::analysis) fn looks_to_expect(
    looks: Looks,
    interval: Duration,
    shift: Duration,
    watched: Duration,
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
        Looks::Values(_) => Looks::Values(times(shift).saturating_sub(1).max(VALUES)),
        Looks::Planned(_) | Looks::Open => Looks::Planned(times(watched)),
    }
}

fn soonest(wanted: f64, possible: impl Iterator<Item = f64>) -> f64 {
    possible.fold(wanted, f64::max)
}

/// The sources of a check, each with its part.
pub(super) fn sources(check: &Check) -> Vec<(QuestionRole, &Source)> {
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
    let counted = sources
        .iter()
        .any(|(part, _)| *part == QuestionRole::Requests);
    if let Some(volume) = check.volume.as_ref().filter(|_| !counted) {
        sources.push((QuestionRole::Requests, &volume.source));
    }
    sources
}

/// The sides that a part is asked about.
pub(super) fn sides(check: &Check, part: QuestionRole) -> &'static [Side] {
    let of_each_point = check
        .volume
        .as_ref()
        .is_some_and(|volume| volume.in_each > 0.0);
    let volume_only = part == QuestionRole::Requests
        && matches!(check.measure, Measure::Value { .. })
        && !of_each_point;
    if check.asks_blue() && !volume_only {
        &[Side::Green, Side::Blue]
    } else {
        &[Side::Green]
    }
}

/// How long a time was asked for.
pub(super) fn length(span: Span) -> Duration {
    Duration::try_from_secs_f64((span.until - span.since).max(0.0)).unwrap_or_default()
}
