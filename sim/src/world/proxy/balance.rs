//! The weighted choice of a listener. Pure: the same weights give the same sequence.
//!
//! Smooth weighted round-robin, so that any `sum of weights` requests in a row are split exactly,
//! and as evenly spread as can be.

/// Names with weights, and the position of the rotation.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    weight: i64,
    credit: i64,
}

impl Rotation {
    /// A rotation from its beginning; names of weight 0 are never chosen.
    pub(super) fn new(weights: &[(String, u32)]) -> Self {
        let weighted = weights.iter().filter(|(_, weight)| *weight > 0);
        Self {
            entries: weighted
                .map(|(name, weight)| Entry {
                    name: name.clone(),
                    weight: i64::from(*weight),
                    credit: 0,
                })
                .collect(),
        }
    }

    /// The next name; none when no name has a weight.
    pub(super) fn next(&mut self) -> Option<&str> {
        let total: i64 = self.entries.iter().map(|entry| entry.weight).sum();
        for entry in &mut self.entries {
            entry.credit += entry.weight;
        }
        // `rev`, because `max_by_key` takes the last of equals and the first is to win.
        let chosen = self
            .entries
            .iter_mut()
            .rev()
            .max_by_key(|entry| entry.credit)?;
        chosen.credit -= total;
        Some(&chosen.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(weights: &[(&str, u32)], requests: usize) -> Vec<usize> {
        let owned: Vec<_> = weights
            .iter()
            .map(|(name, weight)| ((*name).to_owned(), *weight))
            .collect();
        let mut rotation = Rotation::new(&owned);
        let chosen: Vec<String> = (0..requests)
            .filter_map(|_| rotation.next().map(str::to_owned))
            .collect();
        weights
            .iter()
            .map(|(name, _)| chosen.iter().filter(|one| one == name).count())
            .collect()
    }

    #[test]
    fn weights_are_kept_exactly() {
        assert_eq!(counts(&[("blue", 90), ("green", 10)], 100), [90, 10]);
        assert_eq!(counts(&[("blue", 50), ("green", 50)], 10), [5, 5]);
        assert_eq!(counts(&[("blue", 1), ("green", 2)], 9), [3, 6]);
    }

    #[test]
    fn weight_zero_is_never_chosen() {
        assert_eq!(counts(&[("blue", 0), ("green", 100)], 7), [0, 7]);
        assert_eq!(counts(&[("blue", 0), ("green", 0)], 7), [0, 0]);
        assert_eq!(counts(&[], 7), Vec::<usize>::new());
    }

    #[test]
    fn the_smaller_share_is_spread_not_bunched() {
        let mut rotation = Rotation::new(&[("blue".to_owned(), 90), ("green".to_owned(), 10)]);
        let first_ten: Vec<_> = (0..10)
            .filter_map(|_| rotation.next().map(str::to_owned))
            .collect();
        assert_eq!(first_ten.iter().filter(|name| *name == "green").count(), 1);
    }
}
