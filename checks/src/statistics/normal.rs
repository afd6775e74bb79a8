//! The tail of the normal distribution.

/// How probable a value above `z` is. Relative to the value it is exact to some 1e-15, far into the
/// tail.
pub(super) fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_the_tables() {
        let table = [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_07),
            (-1.0, 0.841_344_746_068_542_9),
            (8.0, 6.220_960_574_271_74e-16),
        ];
        for (z, expected) in table {
            assert!(
                (upper_tail(z) / expected - 1.0).abs() < 1e-14,
                "{z}: {} instead of {expected}",
                upper_tail(z)
            );
        }
    }
}
