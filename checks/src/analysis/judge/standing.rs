//! From the checks to the whole analysis. PURE.
//!
//! A critical check that ends badly ends the analysis: the worst of them stands. Checks that are
//! not critical decide together: when more than half of them, and at least two, ended badly.
//! `dry-run` never decides.

use crate::analysis::form::{Importance, OnInconclusive};
use crate::analysis::refuse;
use crate::analysis::sides::Sides;
use crate::measurement::{Measurement, Phase};

use super::track::Track;

/// How an analysis stands.
#[derive(Debug, Clone, PartialEq)]
pub enum AnalysisStatus {
    /// It goes on.
    Running,
    /// It is over.
    Ended(Box<AnalysisResult>),
}

/// What an analysis came to.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisResult {
    /// Good, bad, neither, or not to be measured.
    pub phase: Phase,
    /// The check that decided; nobody did where all was well.
    pub check: Option<String>,
    /// Why, in words: `2 of 9 measurements failed, and at most 1 may`.
    pub why: String,
    /// The last measurement of that check.
    pub measurement: Option<Measurement>,
    /// The last value of that check; the last measurement may have none.
    pub value: Option<String>,
    /// What is wanted where the phase is inconclusive.
    pub on_inconclusive: OnInconclusive,
}

/// What is bad enough to end it.
pub(super) fn bad(tracks: &[Track], sides: &Sides) -> Option<AnalysisResult> {
    let counting = || {
        tracks
            .iter()
            .filter(|track| track.counts() && track.began.is_some())
    };
    let critical = counting()
        .filter(|track| track.check.importance == Importance::Critical)
        .filter(|track| is_bad(track));
    if let Some(worst) = worst(critical) {
        return Some(ended(worst, why(worst, sides)));
    }
    let advisory: Vec<&Track> = counting()
        .filter(|track| track.check.importance == Importance::Advisory)
        .collect();
    let violated: Vec<&Track> = advisory
        .iter()
        .copied()
        .filter(|track| is_bad(track))
        .collect();
    if violated.len() < 2 || violated.len() * 2 <= advisory.len() {
        return None;
    }
    let worst = worst(violated.iter().copied())?;
    let most = format!(
        "{} of {} checks that are not critical ended badly, this one because {}",
        violated.len(),
        advisory.len(),
        why(worst, sides)
    );
    Some(ended(worst, most))
}

/// Nothing was.
pub(super) fn good(tracks: &[Track]) -> AnalysisResult {
    let counting = || {
        tracks
            .iter()
            .filter(|track| track.counts() && track.began.is_some())
    };
    let measurements: u32 = counting().map(|track| track.tally.count()).sum();
    let over: Vec<&str> = counting()
        .filter(|track| is_passed_over(track))
        .map(|track| track.check.name.as_str())
        .collect();
    let over = if over.is_empty() {
        String::new()
    } else {
        format!("; {} could not tell, and was passed over", over.join(", "))
    };
    let why = format!(
        "{measurements} measurements of {} checks passed no limit{over}",
        counting().count()
    );
    AnalysisResult {
        phase: Phase::Successful,
        check: None,
        why,
        measurement: None,
        value: None,
        on_inconclusive: OnInconclusive::default(),
    }
}

/// What was measured where no limit was passed: that nothing is wrong is only said of what was
/// measured to be good.
pub(super) fn found(tracks: &[Track]) -> String {
    let counting = || {
        tracks
            .iter()
            .filter(|track| track.counts() && track.began.is_some())
    };
    let is_unknown = |track: &&Track| {
        is_passed_over(track) || (track.tally.inconclusive > 0 && !track.tally.knows())
    };
    let unknown: Vec<&str> = counting()
        .filter(is_unknown)
        .map(|track| track.check.name.as_str())
        .collect();
    let failed: u32 = counting().map(|track| track.tally.failed).sum();
    let measured: u32 = counting().map(|track| track.tally.count()).sum();
    match (unknown.is_empty(), failed) {
        (true, 0) if measured == 0 => "nothing was measured".to_owned(),
        (true, 0) => "nothing was found wrong".to_owned(),
        (true, _) => format!("no limit was passed: {failed} of {measured} measurements failed"),
        (false, 0) => format!("{} could not tell good from bad", unknown.join(", ")),
        (false, _) => format!(
            "{} could not tell good from bad; {failed} of {measured} measurements failed",
            unknown.join(", ")
        ),
    }
}

/// One that knows neither good nor bad is passed over where that is wanted; the others go on.
fn is_bad(track: &Track) -> bool {
    track.ended.is_some_and(|phase| phase != Phase::Successful) && !is_passed_over(track)
}

fn is_passed_over(track: &Track) -> bool {
    track.ended == Some(Phase::Inconclusive)
        && track.check.on_inconclusive == OnInconclusive::Proceed
}

/// The first of the worst.
fn worst<'t>(tracks: impl Iterator<Item = &'t Track>) -> Option<&'t Track> {
    tracks.reduce(|worst, track| {
        if track.ended > worst.ended {
            track
        } else {
            worst
        }
    })
}

fn why(track: &Track, sides: &Sides) -> String {
    if let Some(hindrance) = refuse::hindrance(&track.check, sides) {
        return format!("it cannot be asked here: {}", hindrance.message);
    }
    let phase = track.ended.unwrap_or(Phase::Inconclusive);
    track.tally.why(phase, &track.check.limits)
}

fn ended(track: &Track, why: String) -> AnalysisResult {
    AnalysisResult {
        phase: track.ended.unwrap_or(Phase::Inconclusive),
        check: Some(track.check.name.clone()),
        why,
        measurement: track.last.clone(),
        value: track.value.clone(),
        on_inconclusive: track.check.on_inconclusive,
    }
}
