//! A benchmark: its limit, what was measured, and whether the limit was met. Pure.

use ecs_bluegreen_sim::rehearse::table::align_with_rule;

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Benchmark {
    name: String,
    limit_text: String,
    measured: String,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
    NotMeasured,
    NoLimit,
}

impl Benchmark {
    /// A measured value that must not exceed what is asked; `note` says what else is worth knowing.
    pub(crate) fn at_most(name: &str, measured: f64, limit: f64, unit: &str, note: &str) -> Self {
        let verdict = if measured <= limit {
            Verdict::Met
        } else {
            Verdict::Missed
        };
        let note = if note.is_empty() {
            String::new()
        } else {
            format!(" ({note})")
        };
        Self {
            name: name.to_owned(),
            limit_text: format!("≤ {limit} {unit}"),
            measured: format!("{measured:.1} {unit}{note}"),
            verdict,
        }
    }

    /// A bar that this machine cannot measure.
    pub(crate) fn not_measured(name: &str, asked: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            limit_text: asked.to_owned(),
            measured: why.to_owned(),
            verdict: Verdict::NotMeasured,
        }
    }

    /// Something worth knowing for which no limit is asked.
    pub(crate) fn without_limit(name: &str, measured: &str) -> Self {
        Self {
            name: name.to_owned(),
            limit_text: String::new(),
            measured: measured.to_owned(),
            verdict: Verdict::NoLimit,
        }
    }

    /// Whether nothing is wrong with it.
    pub(crate) fn is_met(&self) -> bool {
        self.verdict != Verdict::Missed
    }

    fn row(&self) -> Vec<String> {
        let kept = match self.verdict {
            Verdict::Met => "OK",
            Verdict::Missed => "NOT",
            Verdict::NotMeasured => "–",
            Verdict::NoLimit => "",
        };
        [&self.name, &self.limit_text, &self.measured, kept]
            .map(ToString::to_string)
            .to_vec()
    }
}

pub(crate) fn table(bars: &[Benchmark]) -> Vec<String> {
    let head = ["bar", "asked", "measured", ""].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head)
        .chain(bars.iter().map(Benchmark::row))
        .collect();
    std::iter::once(String::new())
        .chain(align_with_rule(&rows))
        .collect()
}

/// The value in the middle, or between the two in the middle; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = |index: usize| values.get(index).copied().unwrap_or_default();
    f64::midpoint(
        middle(values.len().saturating_sub(1) / 2),
        middle(values.len() / 2),
    )
}

/// The smallest value that is not exceeded by this share of all values; 0 of none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into some hundreds"
)]
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// The greatest value; 0 of none.
pub(crate) fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_kept_up_to_its_limit() {
        assert!(Benchmark::at_most("a", 20.0, 20.0, "ms", "").is_met());
        assert!(!Benchmark::at_most("a", 20.1, 20.0, "ms", "").is_met());
        assert!(Benchmark::not_measured("a", "≤ 1", "no engine").is_met());
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(
            (
                percentile(&values, 0.5),
                percentile(&values, 0.95),
                percentile(&[], 0.5)
            ),
            (10.0, 19.0, 0.0)
        );
    }

    #[test]
    fn the_median_is_not_moved_by_one_bad_run() {
        assert_eq!(
            (
                median(&[3.0, 1.0, 90.0]),
                median(&[4.0, 2.0]),
                worst(&[3.0, 90.0])
            ),
            (3.0, 3.0, 90.0)
        );
    }
}
