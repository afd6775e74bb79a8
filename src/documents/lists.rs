//! Lists that stand in one input, separated by commas.

/// The parts of a comma list, trimmed; empty parts are nobody's wish and fall away.
pub fn commas(input: &str) -> Vec<String> {
    input.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_trimmed_and_empty_ones_fall_away() {
        assert_eq!(commas(" subnet-1,subnet-2 ,\n subnet-3,, "), ["subnet-1", "subnet-2", "subnet-3"]);
        assert!(commas(" ").is_empty());
    }
}
