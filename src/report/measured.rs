//! The measurements of each check: counts, and the last few of them. Its size does not grow with
//! the rollout's length.

use serde::Serialize;

use crate::checks::measurement::{CheckKind, Measurement, Phase, Weight};

/// How many measurements of a check are kept; Argo Rollouts keeps as many.
const MAX_MEASUREMENTS: usize = 10;

/// A check and its measurements.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckReport {
    /// The check's name.
    pub check: String,
    /// Its kind.
    pub kind: CheckKind,
    /// Whether its result affects the verdict.
    pub weight: Weight,
    /// The number of good measurements.
    pub successful: u64,
    /// The number of bad measurements.
    pub failed: u64,
    /// The number of measurements that were neither.
    pub inconclusive: u64,
    /// The number of measurements that failed.
    pub errors: u64,
    /// The last ones, oldest first.
    pub measurements: Vec<Measurement>,
}

impl CheckReport {
    fn new(measurement: &Measurement) -> Self {
        Self {
            check: measurement.check.clone(),
            kind: measurement.kind,
            weight: measurement.weight,
            successful: 0,
            failed: 0,
            inconclusive: 0,
            errors: 0,
            measurements: Vec::new(),
        }
    }

    /// The number of all measurements.
    pub fn count(&self) -> u64 {
        self.successful + self.failed + self.inconclusive + self.errors
    }

    /// The newest.
    pub fn last(&self) -> Option<&Measurement> {
        self.measurements.last()
    }

    fn add(&mut self, measurement: Measurement) {
        let count = match measurement.phase {
            Phase::Successful => &mut self.successful,
            Phase::Failed => &mut self.failed,
            Phase::Inconclusive => &mut self.inconclusive,
            Phase::Error => &mut self.errors,
        };
        *count += 1;
        if self.measurements.len() == MAX_MEASUREMENTS {
            self.measurements.remove(0);
        }
        self.measurements.push(measurement);
    }
}

/// Adds a measurement to those of its check.
pub(super) fn add_measurement(checks: &mut Vec<CheckReport>, measurement: &Measurement) {
    let is_its =
        |report: &CheckReport| report.check == measurement.check && report.kind == measurement.kind;
    let at = checks.iter().position(is_its).unwrap_or_else(|| {
        checks.push(CheckReport::new(measurement));
        checks.len() - 1
    });
    checks[at].add(measurement.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::moment::Moment;
    use crate::text::Text;

    fn measurement(check: &str, phase: Phase, value: &str) -> Measurement {
        Measurement {
            check: check.into(),
            kind: CheckKind::Metric,
            moment: Moment::Step,
            query: Text::default(),
            value: value.into(),
            condition: Text::default(),
            phase,
            note: None,
            weight: Weight::Counts,
            time: String::new(),
        }
    }

    #[test]
    fn every_measurement_is_counted_and_the_last_ten_are_kept() {
        let mut checks = Vec::new();
        for number in 0..25 {
            add_measurement(
                &mut checks,
                &measurement(
                    "errors",
                    if number % 2 == 0 {
                        Phase::Successful
                    } else {
                        Phase::Failed
                    },
                    &number.to_string(),
                ),
            );
        }
        add_measurement(&mut checks, &measurement("latency", Phase::Error, ""));
        assert_eq!(
            (
                checks.len(),
                checks[0].count(),
                checks[0].successful,
                checks[1].errors
            ),
            (2, 25, 13, 1)
        );
        let kept: Vec<&str> = checks[0]
            .measurements
            .iter()
            .map(|kept| kept.value.as_str())
            .collect();
        assert_eq!((kept.len(), kept[0], kept[9]), (10, "15", "24"));
    }
}
