//! How much of the allowed rate of false alarms each look may use, so that all looks together never use more.
//!
//! Probabilities of "any of these happens" are at most their sum, whatever the data have in common: so the parts only have to sum up to the whole.
//! That asks for nothing (no normal distribution, no known gaps between the looks), and costs a little power against a boundary made to measure.

/// How often a comparison will be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// About so often. Nine tenths are shared evenly among these looks; the last tenth is kept for looks that nobody planned.
    Planned(u32),
    /// Nobody knows, as with 0 planned. The first look may use a half, the second a sixth, the k-th 1/(k(k+1)): together never more than the whole.
    Open,
}

/// Below which p this look may call green worse. Looks count from 1.
pub(super) fn allowance(alpha: f64, looks: Looks, look: u32) -> f64 {
    match looks {
        Looks::Open | Looks::Planned(0) => alpha * open(look),
        Looks::Planned(planned) if look <= planned => 0.9 * alpha / f64::from(planned),
        Looks::Planned(planned) => 0.1 * alpha * open(look - planned),
    }
}

fn open(look: u32) -> f64 {
    let look = f64::from(look.max(1));
    1.0 / (look * (look + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_never_use_more_than_the_whole() {
        for looks in [Looks::Open, Looks::Planned(1), Looks::Planned(10), Looks::Planned(0)] {
            let sum: f64 = (1..=1_000_000).map(|look| allowance(0.05, looks, look)).sum();
            assert!(sum <= 0.05 && sum > 0.0499, "{looks:?}: {sum}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
    fn a_look_before_the_first_is_the_first() {
        assert_eq!(allowance(0.05, Looks::Open, 0), allowance(0.05, Looks::Open, 1));
    }
}
