//! Argo Rollouts' limits: from the phases of a check's measurements to its own. PURE.
//!
//! Errors do not count as measurements. If several limits are exceeded at once, Error takes
//! precedence over Inconclusive, and Inconclusive over Failed.

use crate::analysis::form::MeasurementLimits;
use crate::measurement::Phase;

/// The results of a check's measurements so far, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MeasurementCounts {
    pub(super) successful: u32,
    pub(super) failed: u32,
    pub(super) inconclusive: u32,
    pub(super) consecutive_errors: u32,
    pub(super) consecutive_successes: u32,
}

/// When a check ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndCondition {
    /// After this many measurements.
    Count(u32),
    /// With the first measurement that is good or bad.
    Conclusive,
    /// When the caller ends it.
    OnRequest,
}

impl MeasurementCounts {
    pub(super) fn add(&mut self, phase: Phase) {
        self.consecutive_errors = if phase == Phase::Error {
            self.consecutive_errors + 1
        } else {
            0
        };
        self.consecutive_successes = if phase == Phase::Successful {
            self.consecutive_successes + 1
        } else {
            0
        };
        match phase {
            Phase::Successful => self.successful += 1,
            Phase::Failed => self.failed += 1,
            Phase::Inconclusive => self.inconclusive += 1,
            Phase::Error => {}
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.successful + self.failed + self.inconclusive
    }

    /// Whether any measurement was good or bad.
    pub(super) fn is_conclusive(&self) -> bool {
        self.successful + self.failed > 0
    }

    /// Whether any measurement was good: without one no check is successful, whatever its limits
    /// allow.
    pub(super) fn has_success(&self) -> bool {
        self.successful > 0
    }

    /// The check's phase, if it has ended.
    pub(super) fn assess(
        &self,
        limits: &MeasurementLimits,
        end_condition: EndCondition,
    ) -> Option<Phase> {
        if let Some(phase) = self.exceeded_limit(limits) {
            return Some(phase);
        }
        if limits.consecutive_successes > 0
            && self.consecutive_successes >= limits.consecutive_successes
        {
            return Some(Phase::Successful);
        }
        let is_done = match end_condition {
            EndCondition::Count(count) => self.count() >= count,
            // A bad one that the limits allow is no conclusion.
            EndCondition::Conclusive => {
                self.has_success() || (limits.failures.is_none() && self.is_conclusive())
            }
            EndCondition::OnRequest => false,
        };
        is_done.then(|| self.phase_at_end(limits))
    }

    fn exceeded_limit(&self, limits: &MeasurementLimits) -> Option<Phase> {
        if self.consecutive_errors > limits.consecutive_errors {
            return Some(Phase::Error);
        }
        if self.inconclusive > limits.inconclusives {
            return Some(Phase::Inconclusive);
        }
        limits
            .failures
            .filter(|limit| self.failed > *limit)
            .map(|_| Phase::Failed)
    }

    /// The phase when all measurements were made and no limit was exceeded. Unlike in Argo
    /// Rollouts, a check without a good measurement is not successful; this is the only deviation.
    fn phase_at_end(&self, limits: &MeasurementLimits) -> Phase {
        match (limits.consecutive_successes, limits.failures) {
            (0, _) if self.has_success() => Phase::Successful,
            (0, _) | (_, Some(_)) => Phase::Inconclusive,
            (_, None) => Phase::Failed,
        }
    }

    /// Why it ended, for people.
    pub(super) fn explain(&self, phase: Phase, limits: &MeasurementLimits) -> String {
        let of = format!("of {} measurements", self.count());
        match phase {
            Phase::Failed => format!(
                "{} {of} failed, and at most {} may",
                self.failed,
                limits.failures.unwrap_or_default()
            ),
            Phase::Inconclusive if self.inconclusive > limits.inconclusives => {
                format!(
                    "{} {of} were inconclusive, and at most {} may be",
                    self.inconclusive, limits.inconclusives
                )
            }
            Phase::Inconclusive if limits.consecutive_successes > 0 && self.is_conclusive() => {
                format!(
                    "there never were {} successes in a row",
                    limits.consecutive_successes
                )
            }
            Phase::Inconclusive if self.is_conclusive() => format!("not one {of} was good"),
            Phase::Inconclusive => "no measurement could tell good from bad".to_owned(),
            Phase::Error => format!(
                "{} errors in a row, and at most {} may be",
                self.consecutive_errors, limits.consecutive_errors
            ),
            Phase::Successful => format!("{} {of} were successful", self.successful),
        }
    }
}

#[cfg(test)]
mod tests;
