//! A statistic set with its distribution: what a period of a metric is, whatever is asked about it.
//! Pure, in bounded memory.

use std::collections::BTreeMap;

/// Buckets of the distribution are one percent wide.
const WIDTH: f64 = 1.01;

/// Values seen, as far as any statistic needs them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    count: u64,
    sum: f64,
    minimum: f64,
    maximum: f64,
    /// How often values were in each bucket, by the logarithm of its lower end. Percentiles need
    /// positive values, as at AWS.
    buckets: BTreeMap<i32, u64>,
}

impl Sample {
    pub(crate) fn from_value(value: f64) -> Self {
        let mut sample = Self::default();
        sample.add(value);
        sample
    }

    /// The same value so many times.
    pub(crate) fn repeated(value: f64, count: u64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far below 2^52"
        )]
        let sum = value * count as f64;
        match count {
            0 => Self::default(),
            _ => Self {
                count,
                sum,
                minimum: value,
                maximum: value,
                buckets: [(bucket_index(value), count)].into(),
            },
        }
    }

    pub(crate) fn add(&mut self, value: f64) {
        (self.minimum, self.maximum) = if self.count == 0 {
            (value, value)
        } else {
            (self.minimum.min(value), self.maximum.max(value))
        };
        self.count += 1;
        self.sum += value;
        *self.buckets.entry(bucket_index(value)).or_default() += 1;
    }

    /// Everything of another as well.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let before = self.count > 0;
        self.minimum = if before {
            self.minimum.min(other.minimum)
        } else {
            other.minimum
        };
        self.maximum = if before {
            self.maximum.max(other.maximum)
        } else {
            other.maximum
        };
        self.count += other.count;
        self.sum += other.sum;
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }

    /// A statistic; none of no values.
    pub(crate) fn statistic(&self, statistic: Statistic) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far below 2^52"
        )]
        let count = self.count as f64;
        (self.count > 0).then_some(())?;
        match statistic {
            Statistic::Sum => Some(self.sum),
            Statistic::Average => Some(self.sum / count),
            Statistic::Minimum => Some(self.minimum),
            Statistic::Maximum => Some(self.maximum),
            Statistic::SampleCount => Some(count),
            Statistic::Percentile(percent) => self.percentile(percent, count),
        }
    }

    /// The value that so many of a hundred did not exceed.
    fn percentile(&self, percent: f64, count: f64) -> Option<f64> {
        if self.minimum < 0.0 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank is between one and the count"
        )]
        let wanted = (count * percent / 100.0).ceil().max(1.0) as u64;
        if wanted >= self.count {
            return Some(self.maximum);
        }
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        found.map(|(bucket, _)| bucket_middle(*bucket).clamp(self.minimum, self.maximum))
    }
}

/// What is not positive is in the lowest bucket.
fn bucket_index(value: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the logarithm of a number is small"
    )]
    let logarithm = value.log(WIDTH).floor() as i32;
    if value > 0.0 { logarithm } else { i32::MIN }
}

fn bucket_middle(bucket: i32) -> f64 {
    if bucket == i32::MIN {
        0.0
    } else {
        WIDTH.powi(bucket) * (1.0 + WIDTH) / 2.0
    }
}

/// What is asked about a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
    Percentile(f64),
}

impl Statistic {
    /// As `Stat` names it; none for what the stage does not play (`tm99`, `IQM`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "Sum" => Some(Self::Sum),
            "Average" => Some(Self::Average),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            "SampleCount" => Some(Self::SampleCount),
            other => {
                let percent: f64 = other.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Percentile(percent))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statistic_is_of_the_values_seen() {
        let mut sample = Sample::default();
        for value in 1..=100 {
            sample.add(f64::from(value));
        }
        let table = [
            ("Sum", 5050.0),
            ("Average", 50.5),
            ("Minimum", 1.0),
            ("Maximum", 100.0),
            ("SampleCount", 100.0),
            ("p100", 100.0),
        ];
        for (name, expected) in table {
            assert_eq!(
                sample.statistic(Statistic::parse(name).unwrap()),
                Some(expected),
                "{name}"
            );
        }
        let p90 = sample.statistic(Statistic::Percentile(90.0)).unwrap();
        assert!((p90 - 90.0).abs() < 1.0, "{p90}");
    }

    #[test]
    fn nothing_seen_has_no_statistic_and_negative_values_no_percentile() {
        assert_eq!(Sample::default().statistic(Statistic::Sum), None);
        assert_eq!(
            Sample::from_value(-1.0).statistic(Statistic::Percentile(50.0)),
            None
        );
        assert_eq!(
            Sample::from_value(-1.0).statistic(Statistic::Minimum),
            Some(-1.0)
        );
    }

    #[test]
    fn two_halves_are_the_whole() {
        let (mut left, right) = (Sample::from_value(3.0), Sample::repeated(1.0, 2));
        left.merge(&right);
        assert_eq!(left.statistic(Statistic::Sum), Some(5.0));
        assert_eq!(left.statistic(Statistic::Minimum), Some(1.0));
        left.merge(&Sample::default());
        assert_eq!(left.statistic(Statistic::SampleCount), Some(3.0));
    }

    #[test]
    fn what_the_stage_does_not_play_is_no_statistic() {
        for text in ["tm99", "p101", "sum", "p", "IQM"] {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }
}
