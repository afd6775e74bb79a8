//! From the checks to the whole analysis. PURE.
//!
//! A critical check that ends badly ends the analysis; of several, the worst decides. Non-critical
//! checks decide together: when more than half of them, and at least two, ended badly. `dry-run`
//! never decides.

use crate::analysis::form::{Importance, OnInconclusive};
use crate::analysis::refuse;
use crate::analysis::sides::Sides;
use crate::measurement::{Measurement, Phase};

use super::check_run::CheckRun;

/// The status of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub enum AnalysisStatus {
    /// Not ended yet.
    Running,
    /// Ended, with this result.
    Ended(Box<AnalysisResult>),
}

/// The result of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisResult {
    /// Good, bad, neither, or not to be measured.
    pub phase: Phase,
    /// The check that decided; none if the analysis was successful.
    pub check: Option<String>,
    /// Why, in words: `2 of 9 measurements failed, and at most 1 may`.
    pub reason: String,
    /// The last measurement of that check.
    pub measurement: Option<Measurement>,
    /// The last value of that check; the last measurement may have none.
    pub value: Option<String>,
    /// The setting of that check for an inconclusive result.
    pub on_inconclusive: OnInconclusive,
}

/// The result, if a check or several together end the analysis.
pub(super) fn find_failure(check_runs: &[CheckRun], sides: &Sides) -> Option<AnalysisResult> {
    let counting = || {
        check_runs
            .iter()
            .filter(|check_run| check_run.is_counted() && check_run.began_at.is_some())
    };
    let critical = counting()
        .filter(|check_run| check_run.check.importance == Importance::Critical)
        .filter(|check_run| has_ended_badly(check_run));
    if let Some(worst) = find_worst(critical) {
        return Some(build_result(worst, explain(worst, sides)));
    }
    let advisory: Vec<&CheckRun> = counting()
        .filter(|check_run| check_run.check.importance == Importance::Advisory)
        .collect();
    let failed: Vec<&CheckRun> = advisory
        .iter()
        .copied()
        .filter(|check_run| has_ended_badly(check_run))
        .collect();
    if failed.len() < 2 || failed.len() * 2 <= advisory.len() {
        return None;
    }
    let worst = find_worst(failed.iter().copied())?;
    let reason = format!(
        "{} of {} checks that are not critical ended badly, this one because {}",
        failed.len(),
        advisory.len(),
        explain(worst, sides)
    );
    Some(build_result(worst, reason))
}

/// The result where no check ended badly.
pub(super) fn build_success(check_runs: &[CheckRun]) -> AnalysisResult {
    let counting = || {
        check_runs
            .iter()
            .filter(|check_run| check_run.is_counted() && check_run.began_at.is_some())
    };
    let measurements: u32 = counting().map(|check_run| check_run.tally.count()).sum();
    let ignored: Vec<&str> = counting()
        .filter(|check_run| is_ignored(check_run))
        .map(|check_run| check_run.check.name.as_str())
        .collect();
    let ignored = if ignored.is_empty() {
        String::new()
    } else {
        format!(
            "; {} could not reach a verdict, and was ignored",
            ignored.join(", ")
        )
    };
    let reason = format!(
        "{measurements} measurements of {} checks passed no limit{ignored}",
        counting().count()
    );
    AnalysisResult {
        phase: Phase::Successful,
        check: None,
        reason,
        measurement: None,
        value: None,
        on_inconclusive: OnInconclusive::default(),
    }
}

/// The findings where no limit was exceeded; "nothing was found wrong" is said only if something
/// was measured to be good.
pub(super) fn describe_findings(check_runs: &[CheckRun]) -> String {
    let counting = || {
        check_runs
            .iter()
            .filter(|check_run| check_run.is_counted() && check_run.began_at.is_some())
    };
    let is_inconclusive = |track: &&CheckRun| {
        is_ignored(track) || (track.tally.inconclusive > 0 && !track.tally.is_conclusive())
    };
    let inconclusive: Vec<&str> = counting()
        .filter(is_inconclusive)
        .map(|check_run| check_run.check.name.as_str())
        .collect();
    let failed: u32 = counting().map(|check_run| check_run.tally.failed).sum();
    let measured: u32 = counting().map(|check_run| check_run.tally.count()).sum();
    match (inconclusive.is_empty(), failed) {
        (true, 0) if measured == 0 => "nothing was measured".to_owned(),
        (true, 0) => "nothing was found wrong".to_owned(),
        (true, _) => format!("no limit was passed: {failed} of {measured} measurements failed"),
        (false, 0) => format!("{} could not tell good from bad", inconclusive.join(", ")),
        (false, _) => format!(
            "{} could not tell good from bad; {failed} of {measured} measurements failed",
            inconclusive.join(", ")
        ),
    }
}

/// An inconclusive check with `on-inconclusive: proceed` is ignored; the others decide.
fn has_ended_badly(check_run: &CheckRun) -> bool {
    check_run
        .final_phase
        .is_some_and(|phase| phase != Phase::Successful)
        && !is_ignored(check_run)
}

fn is_ignored(check_run: &CheckRun) -> bool {
    check_run.final_phase == Some(Phase::Inconclusive)
        && check_run.check.on_inconclusive == OnInconclusive::Proceed
}

/// The first of the worst.
fn find_worst<'t>(check_runs: impl Iterator<Item = &'t CheckRun>) -> Option<&'t CheckRun> {
    check_runs.reduce(|worst, check_run| {
        if check_run.final_phase > worst.final_phase {
            check_run
        } else {
            worst
        }
    })
}

fn explain(check_run: &CheckRun, sides: &Sides) -> String {
    if let Some(obstacle) = refuse::find_obstacle(&check_run.check, sides) {
        return format!("it cannot be asked here: {}", obstacle.message);
    }
    let phase = check_run.final_phase.unwrap_or(Phase::Inconclusive);
    check_run.tally.explain(phase, &check_run.check.limits)
}

fn build_result(check_run: &CheckRun, reason: String) -> AnalysisResult {
    AnalysisResult {
        phase: check_run.final_phase.unwrap_or(Phase::Inconclusive),
        check: Some(check_run.check.name.clone()),
        reason,
        measurement: check_run.last_measurement.clone(),
        value: check_run.last_value.clone(),
        on_inconclusive: check_run.check.on_inconclusive,
    }
}
