//! Runs the analysis: asks the questions that are due, reports the answers, and says when it has
//! ended.
//!
//! `Judge` decides what is asked when and what the answers mean; the engine decides what follows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::checks::analysis::{AnalysisResult, AnalysisStatus, Judge};
use crate::checks::measurement::Phase;
use crate::checks::moment::Moment;
use crate::clock;
use crate::error::Failure;
use crate::event::Event;
use crate::observe::metric_sources::MetricSources;
use crate::outcome::Reason;
use crate::run::Run;

/// An analysis under way.
pub struct Analysis<'a> {
    run: &'a Run,
    sources: MetricSources<'a>,
    judge: Mutex<Judge>,
}

impl<'a> Analysis<'a> {
    /// An analysis that has measured nothing yet.
    pub fn new(run: &'a Run, sources: MetricSources<'a>, judge: Judge) -> Self {
        Self {
            run,
            sources,
            judge: Mutex::new(judge),
        }
    }

    /// Starts a moment; questions whose answers were abandoned are asked again.
    pub fn enter(&self, moment: Moment) {
        let mut judge = self.lock_judge();
        judge.ask_again();
        judge.enter(moment, clock::epoch_seconds());
    }

    /// Measures until the analysis has ended.
    pub async fn wait_for_end(&self) -> AnalysisResult {
        loop {
            if let Some(ended) = self.measure_until(|_| false).await {
                return ended;
            }
        }
    }

    /// Measures until everything that ends by itself has ended; how all of it ended, where it did.
    pub async fn complete(&self) -> Option<AnalysisResult> {
        self.measure_until(Judge::is_complete).await
    }

    /// Measures until the time after `since` was evaluated; how all of it ended, where it did.
    pub async fn wait_for_verdict_since(&self, since: f64) -> Option<AnalysisResult> {
        self.measure_until(|judge| judge.is_settled(since)).await
    }

    /// What was found so far where nothing ends it, in words.
    pub fn describe_findings(&self) -> String {
        self.lock_judge().describe_findings()
    }

    /// Ends the analysis with what was measured so far.
    pub fn finish(&self) -> Option<AnalysisResult> {
        into_result(self.lock_judge().finish())
    }

    async fn measure_until(&self, is_enough: impl Fn(&Judge) -> bool) -> Option<AnalysisResult> {
        self.lock_judge().ask_again();
        loop {
            let (status, is_enough) = {
                let judge = self.lock_judge();
                (judge.status(), is_enough(&judge))
            };
            match into_result(status) {
                Some(ended) => return Some(ended),
                None if is_enough => return None,
                None => self.measure_next().await,
            }
        }
    }

    /// Waits until a question is due, asks it, and reports the answer.
    async fn measure_next(&self) {
        let Some(next) = self.lock_judge().next_due() else {
            return std::future::pending().await;
        };
        tokio::time::sleep(
            Duration::try_from_secs_f64(next - clock::epoch_seconds()).unwrap_or_default(),
        )
        .await;
        let questions = self.lock_judge().due_questions(clock::epoch_seconds());
        if questions.is_empty() {
            return;
        }
        let answers = self.sources.ask(questions).await;
        let measurements =
            self.lock_judge()
                .record_answers(&answers, clock::epoch_seconds(), &clock::now().0);
        for measurement in measurements {
            self.run.emit(Event::Checked {
                measurement: Box::new(measurement),
            });
        }
    }

    fn lock_judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn into_result(status: AnalysisStatus) -> Option<AnalysisResult> {
    match status {
        AnalysisStatus::Running => None,
        AnalysisStatus::Ended(ended) => Some(*ended),
    }
}

/// The failure of an analysis that did not succeed; none where it did.
pub fn to_failure(ended: &AnalysisResult) -> Option<Failure> {
    let (reason, hint) = match ended.phase {
        Phase::Successful => return None,
        Phase::Failed => (
            Reason::AnalysisFailed,
            "the summary has the last measurements of every check, with what was asked",
        ),
        Phase::Error => (
            Reason::AnalysisFailed,
            "let the source answer, or mark the check `dry-run: true` until it does",
        ),
        Phase::Inconclusive => (
            Reason::Inconclusive,
            "give it more traffic or time, lower min-request-volume, or choose what follows with on-inconclusive (docs/analysis.md#a-quiet-service)",
        ),
    };
    let mut failure = Failure::new(reason, describe_result(ended)).with_cause(ended.reason.clone());
    if let Some(measurement) = &ended.measurement {
        failure.chain.extend(measurement.note.clone());
        failure = failure.with_cause(format!("asked: {}", measurement.query));
    }
    Some(failure.with_hint(hint))
}

/// What was found where, and what was wanted.
pub fn describe_result(ended: &AnalysisResult) -> String {
    let check = ended.check.as_deref().unwrap_or("the analysis");
    let Some(measurement) = &ended.measurement else {
        return format!("analysis \"{check}\" is {}", ended.phase);
    };
    let found = match (measurement.value.as_str(), &ended.value) {
        ("", Some(before)) => format!("{before} earlier, and no value in the last measurement"),
        ("", None) => measurement
            .note
            .as_deref()
            .unwrap_or("nothing was measured")
            .to_owned(),
        (value, _) => value.to_owned(),
    };
    match ended.phase {
        Phase::Successful | Phase::Failed => {
            format!(
                "analysis \"{check}\" {} on {}: {found}, wanted {}",
                ended.phase, measurement.moment, measurement.condition
            )
        }
        Phase::Inconclusive => format!(
            "analysis \"{check}\" is inconclusive on {}: {found}",
            measurement.moment
        ),
        Phase::Error => format!(
            "analysis \"{check}\" could not be measured on {}",
            measurement.moment
        ),
    }
}
