//! The median of all differences between a value of green and one of blue.

/// The most values per side that are used: all pairs are held in memory (32 MB).
const MAX_VALUES: usize = 2000;

/// Of sorted values. A side with more than 2,000 is thinned out evenly, which moves the median by
/// less than one of 2,000 ranks.
pub(super) fn median_difference(blue: &[f64], green: &[f64]) -> f64 {
    let (blue, green) = (thin_out(blue), thin_out(green));
    let mut differences: Vec<f64> = green
        .iter()
        .flat_map(|green| blue.iter().map(move |blue| green - blue))
        .collect();
    let middle = differences.len() / 2;
    let even = differences.len().is_multiple_of(2);
    let (below, upper, _) = differences.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below
        .iter()
        .copied()
        .max_by(f64::total_cmp)
        .filter(|_| even);
    lower
        .map_or(*upper, |lower| f64::midpoint(lower, *upper))
        .clamp(f64::MIN, f64::MAX)
}

fn thin_out(values: &[f64]) -> Vec<f64> {
    if values.len() <= MAX_VALUES {
        return values.to_vec();
    }
    (0..MAX_VALUES)
        .map(|place| values[(2 * place + 1) * values.len() / (2 * MAX_VALUES)])
        .collect()
}
