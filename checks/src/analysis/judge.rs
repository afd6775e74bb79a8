//! The judge of a whole rollout's analysis: what is asked when, and what the answers come to. PURE:
//! no clock, no network.
//!
//! The owner tells it when moments begin ([`Judge::enter`]), asks what is due ([`Judge::due`]),
//! hands in answers ([`Judge::answered`]) and reads the standing. What follows from it is the
//! owner's to decide.

mod fill;
mod standing;
mod tally;
mod track;
mod weigh;
mod window;
mod words;

use std::time::Duration;

use crate::measurement::{CheckKind, Measurement, Phase};
use crate::moment::Moment;
use crate::scrub::register;
use crate::template::Values;
use crate::text::Text;

use super::form::{Analysis, Check, Judgement, Measure, Source};
use super::question::{Answer, Query, Question, Side};
use super::refuse;
use super::sides::Sides;
pub(super) use fill::Filling;
pub use standing::{AnalysisResult, AnalysisStatus};
pub(super) use track::looks_to_expect;
use track::{Asking, STRETCHES, Track, length};
use weigh::{QuestionRole, Weighed, weigh};
use window::Span;

/// The judge of one rollout. It holds secrets, and is not to be printed.
pub struct Judge {
    tracks: Vec<Track>,
    moment: Option<Moment>,
    filling: Filling,
    next_id: usize,
    ended: Option<AnalysisResult>,
}

impl Judge {
    /// A judge that has not seen anything; `values` hold what `${version}`, `${digest}` and
    /// `${env.NAME}` stand for.
    ///
    /// A check that cannot be asked with these sides ([`Analysis::problems`]) is inconclusive from
    /// its first moment on.
    pub fn new(analysis: &Analysis, sides: Sides, values: Values) -> Self {
        let tracks = analysis.checks.iter().flat_map(|check| {
            STRETCHES
                .iter()
                .filter_map(|stretch| Track::new(check, stretch))
        });
        values.confidential().for_each(register);
        Self {
            tracks: tracks.collect(),
            moment: None,
            filling: Filling { sides, values },
            next_id: 0,
            ended: None,
        }
    }

    /// The same, for a rollout that will be watched for about so long, in whose shift both sides
    /// serve: comparisons share their false alarms among so many looks.
    #[must_use]
    pub fn expecting(mut self, shift: Duration, watched: Duration) -> Self {
        self.tracks
            .iter_mut()
            .for_each(|track| track.expect(shift, watched));
        self
    }

    /// A moment begins: users (or tests) reach green from now on, or by another step. What runs
    /// already goes on without a break.
    pub fn enter(&mut self, moment: Moment, now: f64) {
        self.moment = Some(moment);
        let sides = &self.filling.sides;
        for track in self
            .tracks
            .iter_mut()
            .filter(|track| track.moments.contains(&moment))
        {
            let check = track.check.clone();
            let sources: Vec<&Source> = track::sources(&check)
                .into_iter()
                .map(|(_, source)| source)
                .collect();
            track.enter(now, &sources);
            if track.ended.is_none() && refuse::hindrance(&check, sides).is_some() {
                track.ended = Some(Phase::Inconclusive);
            }
        }
        self.assess();
    }

    /// What is to be asked now, all at once. Each question is to be answered by [`Judge::answered`]
    /// under its id, with [`Answer::Failed`] where it could not be asked: a check waits for all of
    /// its answers.
    pub fn due(&mut self, now: f64) -> Vec<Question> {
        let mut questions = Vec::new();
        for at in 0..self.tracks.len() {
            if self.runs(at) && self.tracks[at].next().is_some_and(|next| next <= now) {
                self.ask(at, now, &mut questions);
            }
        }
        questions
    }

    /// Answers that are still awaited will not come: their questions are asked anew.
    pub fn ask_again(&mut self) {
        self.tracks.iter_mut().for_each(|track| track.asking = None);
    }

    /// When something is due next; nothing while all answers are awaited, or when nothing is asked
    /// any more.
    pub fn next_due(&self) -> Option<f64> {
        let times = (0..self.tracks.len())
            .filter(|at| self.runs(*at))
            .filter_map(|at| self.tracks[at].next());
        times.min_by(f64::total_cmp)
    }

    /// Takes answers, and tells the measurements that they make whole; `time` is now in RFC 3339.
    pub fn answered(
        &mut self,
        answers: &[(usize, Answer)],
        now: f64,
        time: &str,
    ) -> Vec<Measurement> {
        for (id, answer) in answers {
            for asking in self
                .tracks
                .iter_mut()
                .filter_map(|track| track.asking.as_mut())
            {
                asking.take(*id, answer);
            }
        }
        let measurements = (0..self.tracks.len())
            .filter_map(|at| self.measure(at, now, time))
            .collect();
        self.assess();
        measurements
    }

    /// Whether every check of this moment that counts has judged data from after `since`, or is
    /// over: a step may end then.
    pub fn settled(&self, since: f64) -> bool {
        let mut running = (0..self.tracks.len())
            .filter(|at| self.runs(*at))
            .map(|at| &self.tracks[at]);
        running.all(|track| !track.counts() || track.settled(since))
    }

    /// Whether every check of this moment that ends by itself is over: the gate at green, or
    /// production's, may open.
    pub fn complete(&self) -> bool {
        let mut running = (0..self.tracks.len())
            .filter(|at| self.runs(*at))
            .map(|at| &self.tracks[at]);
        running.all(|track| track.until == tally::Until::Ended || track.ended.is_some())
    }

    /// How things stand.
    pub fn standing(&self) -> AnalysisStatus {
        self.ended.clone().map_or(AnalysisStatus::Running, |ended| {
            AnalysisStatus::Ended(Box::new(ended))
        })
    }

    /// What was found so far where nothing ends the analysis, in words.
    pub fn found(&self) -> String {
        standing::found(&self.tracks)
    }

    /// The owner ends the analysis: good unless something is wrong, or something that began never
    /// knew good from bad.
    pub fn finish(&mut self) -> AnalysisStatus {
        self.tracks
            .iter_mut()
            .filter(|track| track.began.is_some())
            .for_each(Track::finish);
        self.assess();
        self.ended = self
            .ended
            .take()
            .or_else(|| Some(standing::good(&self.tracks)));
        self.standing()
    }

    fn runs(&self, at: usize) -> bool {
        let track = &self.tracks[at];
        self.ended.is_none()
            && track.began.is_some()
            && self
                .moment
                .is_some_and(|moment| track.moments.contains(&moment))
    }

    fn assess(&mut self) {
        if self.ended.is_none() {
            self.ended = standing::bad(&self.tracks, &self.filling.sides);
        }
    }

    fn ask(&mut self, at: usize, now: f64, questions: &mut Vec<Question>) {
        let check = self.tracks[at].check.clone();
        let sources = self.asked(&check);
        let plain: Vec<&Source> = sources.iter().map(|(_, source)| *source).collect();
        let Some(mut spans) = self.tracks[at].spans(now, &plain) else {
            return self.tracks[at].postpone(&plain);
        };
        // Lines are held against the requests of the same time.
        if let ([(QuestionRole::Lines, _), (QuestionRole::Requests, _)], [lines, requests]) =
            (sources.as_slice(), spans.as_mut_slice())
        {
            *lines = *requests;
        }
        let Some(first) = spans.first().copied() else {
            return;
        };
        let mut parts = Vec::new();
        for ((part, source), span) in sources.iter().zip(spans) {
            for side in track::sides(&check, *part) {
                parts.push((*part, *side, self.question(source, *side, span, questions)));
            }
        }
        self.tracks[at].asking = Some(Asking {
            at: now,
            parts,
            answers: Vec::new(),
            span: first,
        });
    }

    /// The sources of a check; comparisons of lines ask for requests too, where they are counted on
    /// both sides.
    fn asked<'c>(&self, check: &'c Check) -> Vec<(QuestionRole, &'c Source)> {
        let mut sources = track::sources(check);
        if let (Measure::Lines { requests, .. }, Judgement::Lines { .. }) =
            (&check.measure, &check.judgement)
        {
            let counted = [Side::Green, Side::Blue]
                .iter()
                .all(|side| refuse::can_be_asked(requests, *side, &self.filling.sides));
            sources.extend(counted.then_some((QuestionRole::Requests, requests)));
        }
        sources
    }

    /// Asks, or finds the same question among those that are asked now.
    fn question(
        &mut self,
        source: &Source,
        side: Side,
        span: Span,
        questions: &mut Vec<Question>,
    ) -> usize {
        let query = self.filling.query(source, side);
        let Span { since, until } = span;
        let same = questions.iter().find(|other| {
            (other.since, other.until) == (since, until) && alike(&other.query, &query)
        });
        if let Some(same) = same {
            return same.id;
        }
        let id = self.next_id;
        self.next_id += 1;
        questions.push(Question {
            id,
            query,
            since,
            until,
        });
        id
    }

    fn measure(&mut self, at: usize, now: f64, time: &str) -> Option<Measurement> {
        let asking = self.tracks[at].asking.take_if(|asking| asking.is_whole())?;
        let check = self.tracks[at].check.clone();
        let weighed = weigh(
            &check,
            &asking.answers,
            self.tracks[at].looks + 1,
            length(asking.span),
        );
        let sources: Vec<&Source> = self
            .asked(&check)
            .into_iter()
            .map(|(_, source)| source)
            .collect();
        self.tracks[at].measured(&asking, weighed.phase, now, &sources);
        let measurement = self.measurement(&check, weighed, &asking, time);
        if !measurement.value.is_empty() {
            self.tracks[at].value = Some(measurement.value.clone().into());
        }
        self.tracks[at].last = Some(measurement.clone());
        Some(measurement)
    }

    fn measurement(
        &self,
        check: &Check,
        weighed: Weighed,
        asking: &Asking,
        time: &str,
    ) -> Measurement {
        let moment = self.moment.unwrap_or(Moment::Step);
        Measurement {
            check: check.name.clone(),
            kind: kind(check),
            moment,
            query: self.query(check, asking).into(),
            value: weighed.value.into(),
            condition: condition(check).into(),
            phase: weighed.phase,
            note: weighed.note.map(Text::from),
            weight: check.weight,
            time: time.to_owned(),
        }
    }

    /// What was asked, and over which time.
    fn query(&self, check: &Check, asking: &Asking) -> String {
        let sources = track::sources(check).into_iter().filter(|(part, _)| {
            *part != QuestionRole::Requests || matches!(check.measure, Measure::Share { .. })
        });
        let shown: Vec<String> = sources
            .map(|(_, source)| self.filling.shown(source, Side::Green))
            .collect();
        let side = if check.asks_blue() {
            "green and blue"
        } else {
            "green"
        };
        let covered = length(asking.span);
        let over = if covered.is_zero() {
            String::new()
        } else {
            format!(", {}", crate::duration::Human(covered))
        };
        format!("{} ({side}{over})", shown.join(" of "))
    }
}

impl Asking {
    fn take(&mut self, id: usize, answer: &Answer) {
        let mine = self.parts.iter().filter(|(_, _, asked)| *asked == id);
        let answers: Vec<_> = mine
            .map(|(part, side, _)| (*part, *side, answer.clone()))
            .collect();
        self.answers.extend(answers);
    }

    fn is_whole(&self) -> bool {
        self.answers.len() >= self.parts.len()
    }
}

/// CloudWatch's queries hold no secrets and can be compared; one metric is asked for once.
fn alike(one: &Query, other: &Query) -> bool {
    matches!((one, other), (Query::CloudWatch(one), Query::CloudWatch(other)) if one == other)
}

fn kind(check: &Check) -> CheckKind {
    match (&check.measure, &check.judgement) {
        (Measure::Lines { .. }, _) => CheckKind::Logs,
        (_, Judgement::Comparison(_)) => CheckKind::Comparison,
        (
            Measure::Value { .. } | Measure::Share { .. },
            Judgement::Conditions(_) | Judgement::AtMost(_) | Judgement::Lines { .. },
        ) => CheckKind::Metric,
    }
}

fn condition(check: &Check) -> String {
    match &check.judgement {
        Judgement::Conditions(conditions) => conditions.shown.clone(),
        Judgement::Comparison(policy) => format!(
            "green no worse than blue (alpha {})",
            words::number(policy.alpha)
        ),
        Judgement::AtMost(most) => format!("at most {}", words::lines(*most)),
        Judgement::Lines { policy, .. } => {
            format!(
                "green at most {} times blue (alpha {})",
                words::number(policy.allowed_increase),
                words::number(policy.alpha)
            )
        }
    }
}

#[cfg(test)]
mod tests;
