//! Evaluates the analysis of one rollout: which questions are due when, and the verdict on the
//! answers. PURE: no clock, no network.
//!
//! The caller reports when a moment begins ([`Judge::enter`]), gets the due questions
//! ([`Judge::due_questions`]), passes answers in ([`Judge::record_answers`]) and reads
//! [`Judge::status`]. What follows from it is the caller's decision. One file, because the judge is
//! one state machine.

mod check_run;
mod display;
mod evaluate;
mod fill;
mod status;
mod tally;
mod window;

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
pub(super) use check_run::expected_looks;
use check_run::{CheckRun, MOMENT_GROUPS, PendingMeasurement, span_duration};
use evaluate::{Evaluation, QuestionRole, evaluate};
pub(super) use fill::QueryFiller;
pub use status::{AnalysisResult, AnalysisStatus};
use window::Span;

/// The judge of one rollout. It holds secrets, and is not to be printed.
pub struct Judge {
    check_runs: Vec<CheckRun>,
    moment: Option<Moment>,
    filler: QueryFiller,
    next_id: usize,
    result: Option<AnalysisResult>,
}

impl Judge {
    /// A judge without measurements; `values` has the values of `${version}`, `${digest}` and
    /// `${env.NAME}`.
    ///
    /// A check that cannot be measured with these sides ([`Analysis::unsupported_checks`]) is
    /// inconclusive from its first moment on.
    pub fn new(analysis: &Analysis, sides: Sides, values: Values) -> Self {
        let check_runs = analysis.checks.iter().flat_map(|check| {
            MOMENT_GROUPS
                .iter()
                .filter_map(|group| CheckRun::new(check, group))
        });
        values.secret_values().for_each(register);
        Self {
            check_runs: check_runs.collect(),
            moment: None,
            filler: QueryFiller { sides, values },
            next_id: 0,
            result: None,
        }
    }

    /// The same, with the expected duration of the rollout and of its shift (both sides serve):
    /// comparisons divide alpha among the expected number of looks.
    #[must_use]
    pub fn with_expected_looks(mut self, shift: Duration, duration: Duration) -> Self {
        self.check_runs
            .iter_mut()
            .for_each(|check_run| check_run.plan_looks(shift, duration));
        self
    }

    /// A moment begins: from now on users (or tests) reach green, or the next traffic step. Checks
    /// that are already running continue.
    pub fn enter(&mut self, moment: Moment, now: f64) {
        self.moment = Some(moment);
        let sides = &self.filler.sides;
        for check_run in self
            .check_runs
            .iter_mut()
            .filter(|check_run| check_run.moments.contains(&moment))
        {
            let check = check_run.check.clone();
            let sources: Vec<&Source> = check_run::sources_with_roles(&check)
                .into_iter()
                .map(|(_, source)| source)
                .collect();
            check_run.enter(now, &sources);
            if check_run.final_phase.is_none() && refuse::find_obstacle(&check, sides).is_some() {
                check_run.final_phase = Some(Phase::Inconclusive);
            }
        }
        self.update_result();
    }

    /// The questions to ask now, all at once. Each must be answered by [`Judge::record_answers`]
    /// under its id, with [`Answer::Failed`] where it could not be asked: a check waits for all of
    /// its answers.
    pub fn due_questions(&mut self, now: f64) -> Vec<Question> {
        let mut questions = Vec::new();
        for index in 0..self.check_runs.len() {
            if self.is_running(index)
                && self.check_runs[index]
                    .next_due()
                    .is_some_and(|next| next <= now)
            {
                self.ask(index, now, &mut questions);
            }
        }
        questions
    }

    /// Pending answers will not arrive: their questions are asked again.
    pub fn ask_again(&mut self) {
        self.check_runs
            .iter_mut()
            .for_each(|check_run| check_run.pending = None);
    }

    /// When the next question is due; `None` while all answers are pending, or if no question is
    /// left.
    pub fn next_due(&self) -> Option<f64> {
        let times = (0..self.check_runs.len())
            .filter(|index| self.is_running(*index))
            .filter_map(|index| self.check_runs[index].next_due());
        times.min_by(f64::total_cmp)
    }

    /// Records answers and returns the measurements that are now complete; `time` is now in RFC
    /// 3339.
    pub fn record_answers(
        &mut self,
        answers: &[(usize, Answer)],
        now: f64,
        time: &str,
    ) -> Vec<Measurement> {
        for (id, answer) in answers {
            for pending in self
                .check_runs
                .iter_mut()
                .filter_map(|check_run| check_run.pending.as_mut())
            {
                pending.record_answer(*id, answer);
            }
        }
        let measurements = (0..self.check_runs.len())
            .filter_map(|index| self.measure(index, now, time))
            .collect();
        self.update_result();
        measurements
    }

    /// Whether every counting check of this moment has evaluated data newer than `since`, or has
    /// ended: the step may end then.
    pub fn is_settled(&self, since: f64) -> bool {
        let mut running = (0..self.check_runs.len())
            .filter(|index| self.is_running(*index))
            .map(|index| &self.check_runs[index]);
        running.all(|check_run| !check_run.is_counted() || check_run.is_settled(since))
    }

    /// Whether every check of this moment with an end of its own has ended: the gate may open.
    pub fn is_complete(&self) -> bool {
        let mut running = (0..self.check_runs.len())
            .filter(|index| self.is_running(*index))
            .map(|index| &self.check_runs[index]);
        running.all(|check_run| {
            check_run.end_condition == tally::EndCondition::OnRequest
                || check_run.final_phase.is_some()
        })
    }

    /// The status of the analysis.
    pub fn status(&self) -> AnalysisStatus {
        self.result
            .clone()
            .map_or(AnalysisStatus::Running, |ended| {
                AnalysisStatus::Ended(Box::new(ended))
            })
    }

    /// The findings so far, as text, for an analysis that was not ended by a check.
    pub fn describe_findings(&self) -> String {
        status::describe_findings(&self.check_runs)
    }

    /// Ends the analysis: successful unless a check failed, or one that had begun never became
    /// conclusive.
    pub fn finish(&mut self) -> AnalysisStatus {
        self.check_runs
            .iter_mut()
            .filter(|check_run| check_run.began_at.is_some())
            .for_each(CheckRun::finish);
        self.update_result();
        self.result = self
            .result
            .take()
            .or_else(|| Some(status::build_success(&self.check_runs)));
        self.status()
    }

    fn is_running(&self, index: usize) -> bool {
        let check_run = &self.check_runs[index];
        self.result.is_none()
            && check_run.began_at.is_some()
            && self
                .moment
                .is_some_and(|moment| check_run.moments.contains(&moment))
    }

    fn update_result(&mut self) {
        if self.result.is_none() {
            self.result = status::find_failure(&self.check_runs, &self.filler.sides);
        }
    }

    fn ask(&mut self, index: usize, now: f64, questions: &mut Vec<Question>) {
        let check = self.check_runs[index].check.clone();
        let sources = self.sources_to_ask(&check);
        let only_sources: Vec<&Source> = sources.iter().map(|(_, source)| *source).collect();
        let Some(mut spans) = self.check_runs[index].spans(now, &only_sources) else {
            return self.check_runs[index].postpone(&only_sources);
        };
        // Lines are compared with the requests of the same time.
        if let ([(QuestionRole::Lines, _), (QuestionRole::Requests, _)], [lines, requests]) =
            (sources.as_slice(), spans.as_mut_slice())
        {
            *lines = *requests;
        }
        let Some(first_span) = spans.first().copied() else {
            return;
        };
        let mut questions_asked = Vec::new();
        for ((role, source), span) in sources.iter().zip(spans) {
            for side in check_run::sides_to_ask(&check, *role) {
                questions_asked.push((
                    *role,
                    *side,
                    self.add_question(source, *side, span, questions),
                ));
            }
        }
        self.check_runs[index].pending = Some(PendingMeasurement {
            asked_at: now,
            questions: questions_asked,
            answers: Vec::new(),
            span: first_span,
        });
    }

    /// The sources of a check; comparisons of lines ask for requests too, where they are counted on
    /// both sides.
    fn sources_to_ask<'c>(&self, check: &'c Check) -> Vec<(QuestionRole, &'c Source)> {
        let mut sources = check_run::sources_with_roles(check);
        if let (Measure::Lines { requests, .. }, Judgement::Lines { .. }) =
            (&check.measure, &check.judgement)
        {
            let counted = [Side::Green, Side::Blue]
                .iter()
                .all(|side| refuse::can_be_asked(requests, *side, &self.filler.sides));
            sources.extend(counted.then_some((QuestionRole::Requests, requests)));
        }
        sources
    }

    /// Asks, or finds the same question among those that are asked now.
    fn add_question(
        &mut self,
        source: &Source,
        side: Side,
        span: Span,
        questions: &mut Vec<Question>,
    ) -> usize {
        let query = self.filler.fill(source, side);
        let Span { since, until } = span;
        let same = questions.iter().find(|other| {
            (other.since, other.until) == (since, until) && is_same_query(&other.query, &query)
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

    fn measure(&mut self, index: usize, now: f64, time: &str) -> Option<Measurement> {
        let pending = self.check_runs[index]
            .pending
            .take_if(|asking| asking.is_complete())?;
        let check = self.check_runs[index].check.clone();
        let evaluation = evaluate(
            &check,
            &pending.answers,
            self.check_runs[index].looks + 1,
            span_duration(pending.span),
        );
        let sources: Vec<&Source> = self
            .sources_to_ask(&check)
            .into_iter()
            .map(|(_, source)| source)
            .collect();
        self.check_runs[index].record_phase(&pending, evaluation.phase, now, &sources);
        let measurement = self.build_measurement(&check, evaluation, &pending, time);
        if !measurement.value.is_empty() {
            self.check_runs[index].last_value = Some(measurement.value.clone().into());
        }
        self.check_runs[index].last_measurement = Some(measurement.clone());
        Some(measurement)
    }

    fn build_measurement(
        &self,
        check: &Check,
        evaluation: Evaluation,
        pending: &PendingMeasurement,
        time: &str,
    ) -> Measurement {
        let moment = self.moment.unwrap_or(Moment::Step);
        Measurement {
            check: check.name.clone(),
            kind: check_kind(check),
            moment,
            query: self.describe_query(check, pending).into(),
            value: evaluation.value.into(),
            condition: describe_condition(check).into(),
            phase: evaluation.phase,
            note: evaluation.note.map(Text::from),
            weight: check.weight,
            time: time.to_owned(),
        }
    }

    /// What was asked, and over which time.
    fn describe_query(&self, check: &Check, pending: &PendingMeasurement) -> String {
        let sources = check_run::sources_with_roles(check)
            .into_iter()
            .filter(|(role, _)| {
                *role != QuestionRole::Requests || matches!(check.measure, Measure::Share { .. })
            });
        let descriptions: Vec<String> = sources
            .map(|(_, source)| self.filler.describe(source, Side::Green))
            .collect();
        let side = if check.needs_blue() {
            "green and blue"
        } else {
            "green"
        };
        let duration = span_duration(pending.span);
        let over = if duration.is_zero() {
            String::new()
        } else {
            format!(", {}", crate::duration::HumanDuration(duration))
        };
        format!("{} ({side}{over})", descriptions.join(" of "))
    }
}

impl PendingMeasurement {
    fn record_answer(&mut self, id: usize, answer: &Answer) {
        let matching = self.questions.iter().filter(|(_, _, asked)| *asked == id);
        let answers: Vec<_> = matching
            .map(|(role, side, _)| (*role, *side, answer.clone()))
            .collect();
        self.answers.extend(answers);
    }

    fn is_complete(&self) -> bool {
        self.answers.len() >= self.questions.len()
    }
}

/// CloudWatch's queries hold no secrets and can be compared; one metric is asked for once.
fn is_same_query(one: &Query, other: &Query) -> bool {
    matches!((one, other), (Query::CloudWatch(one), Query::CloudWatch(other)) if one == other)
}

fn check_kind(check: &Check) -> CheckKind {
    match (&check.measure, &check.judgement) {
        (Measure::Lines { .. }, _) => CheckKind::Logs,
        (_, Judgement::Comparison(_)) => CheckKind::Comparison,
        (
            Measure::Value { .. } | Measure::Share { .. },
            Judgement::Conditions(_) | Judgement::AtMost(_) | Judgement::Lines { .. },
        ) => CheckKind::Metric,
    }
}

fn describe_condition(check: &Check) -> String {
    match &check.judgement {
        Judgement::Conditions(conditions) => conditions.text.clone(),
        Judgement::Comparison(policy) => format!(
            "green no worse than blue (alpha {})",
            display::format_number(policy.alpha)
        ),
        Judgement::AtMost(most) => format!("at most {}", display::format_line_count(*most)),
        Judgement::Lines { policy, .. } => {
            format!(
                "green at most {} times blue (alpha {})",
                display::format_number(policy.allowed_increase),
                display::format_number(policy.alpha)
            )
        }
    }
}

#[cfg(test)]
mod tests;
