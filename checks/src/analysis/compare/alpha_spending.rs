//! Alpha spending: how much of the false-alarm rate each look may use.
//!
//! The sum over all looks never exceeds alpha (Bonferroni), which holds for any data: no normality,
//! no fixed spacing of looks. It costs a little power compared with a group-sequential boundary.

use crate::statistics::{Direction, lowest_p};

/// How often a comparison will be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// About this many looks. They share 90 % of alpha evenly; the last 10 % is reserved for
    /// unplanned looks.
    Planned(u32),
    /// Values that arrive one by one, about this many per side. Only a number of values with which
    /// the test could reject counts as a look, and it may also use what the numbers before it could
    /// not. 90 % of alpha accrues evenly per value; 10 % is reserved for values beyond the plan.
    Values(u32),
    /// Unknown (the same as 0 planned). Look k may use 1/(k(k+1)) of alpha: a half, a sixth, …; the
    /// sum never exceeds 1.
    Unplanned,
}

/// The significance level of this look. Looks count from 1.
pub(super) fn allowance(alpha: f64, looks: Looks, look: u32) -> f64 {
    match looks {
        Looks::Unplanned | Looks::Planned(0) | Looks::Values(_) => alpha * open_share(look),
        Looks::Planned(planned) if look <= planned => 0.9 * alpha / f64::from(planned),
        Looks::Planned(planned) => 0.1 * alpha * open_share(look - planned),
    }
}

/// The significance level at this number of values per side, and the number of the look; `None` if
/// so few values cannot reject. It depends on the number of values only, so looking again at the
/// same values uses no alpha.
pub(super) fn allowance_for_values(
    alpha: f64,
    planned: u32,
    values: usize,
    direction: Direction,
) -> Option<(f64, u32)> {
    let (mut unused, mut looks) = (0.0, 0);
    for count in 1..=u32::try_from(values).unwrap_or(u32::MAX) {
        unused += value_share(alpha, planned.max(1), count);
        let per_side = usize::try_from(count).unwrap_or(usize::MAX);
        if lowest_p(per_side, per_side, direction) < unused {
            looks += 1;
            if per_side == values {
                return Some((unused, looks));
            }
            unused = 0.0;
        }
    }
    None
}

/// The alpha that one more value adds.
fn value_share(alpha: f64, planned: u32, count: u32) -> f64 {
    if count <= planned {
        0.9 * alpha / f64::from(planned)
    } else {
        0.1 * alpha * open_share(count - planned)
    }
}

fn open_share(look: u32) -> f64 {
    let look = f64::from(look.max(1));
    1.0 / (look * (look + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_never_use_more_than_the_whole() {
        for looks in [
            Looks::Unplanned,
            Looks::Planned(1),
            Looks::Planned(10),
            Looks::Planned(0),
        ] {
            let sum: f64 = (1..=1_000_000)
                .map(|look| allowance(0.05, looks, look))
                .sum();
            assert!(sum <= 0.05 && sum > 0.0499, "{looks:?}: {sum}");
        }
    }

    #[test]
    fn looks_at_values_never_use_more_than_the_whole_and_begin_where_they_can_decide() {
        for planned in [0, 1, 4, 5, 9, 14, 27] {
            let looks: Vec<(usize, f64)> = (1..300)
                .filter_map(|values| {
                    Some((
                        values,
                        allowance_for_values(0.025, planned, values, Direction::Increase)?.0,
                    ))
                })
                .collect();
            let sum: f64 = looks.iter().map(|(_, allowance)| allowance).sum();
            assert!(sum <= 0.025, "{planned}: {sum}");
            assert!(
                looks.iter().all(|(values, allowance)| lowest_p(
                    *values,
                    *values,
                    Direction::Increase
                ) < *allowance),
                "{planned}"
            );
        }
        let first = |planned| {
            (1..20).find(|values| {
                allowance_for_values(0.025, planned, *values, Direction::Increase).is_some()
            })
        };
        assert_eq!(
            [4, 5, 9, 14, 27].map(first),
            [Some(4), Some(4), Some(5), Some(5), Some(5)]
        );
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
    fn a_look_before_the_first_is_the_first() {
        assert_eq!(
            allowance(0.05, Looks::Unplanned, 0),
            allowance(0.05, Looks::Unplanned, 1)
        );
    }

    #[test]
    fn a_look_may_use_its_part() {
        let table = [
            (Looks::Unplanned, 1, 0.05 / 2.0),
            (Looks::Unplanned, 3, 0.05 / 12.0),
            (Looks::Planned(0), 3, 0.05 / 12.0),
            (Looks::Planned(10), 1, 0.0045),
            (Looks::Planned(10), 10, 0.0045),
            (Looks::Planned(10), 11, 0.005 / 2.0),
            (Looks::Planned(10), 12, 0.005 / 6.0),
        ];
        for (looks, look, expected) in table {
            let found = allowance(0.05, looks, look);
            assert!(
                (found - expected).abs() < 1e-15,
                "{looks:?} {look}: {found}"
            );
        }
    }

    #[test]
    fn a_look_at_values_may_use_what_those_before_it_could_not() {
        let (early, late) = (0.9 * 0.025 / 4.0, 0.1 * 0.025);
        let table = [
            (3, None),
            (4, Some((4.0 * early, 1))),
            (5, None),
            (6, Some((late / 2.0 + late / 6.0, 2))),
            (7, None),
        ];
        for (values, expected) in table {
            let found = allowance_for_values(0.025, 4, values, Direction::Increase);
            let same = match (found, expected) {
                (Some((found, look)), Some((expected, place))) => {
                    (found - expected).abs() < 1e-15 && look == place
                }
                (None, None) => true,
                (_, _) => false,
            };
            assert!(same, "{values}: {found:?}");
        }
    }
}
