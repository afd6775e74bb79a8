//! The order of the values of both sides: all that the test uses.

/// Values that are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TieGroup {
    pub(super) blue: usize,
    pub(super) green: usize,
}

impl TieGroup {
    pub(super) fn size(self) -> usize {
        self.blue + self.green
    }
}

/// The values of both sides in ascending order, as groups of equal values.
pub(super) struct Order {
    pub(super) groups: Vec<TieGroup>,
    pub(super) blue: usize,
    pub(super) green: usize,
    /// Twice the number of pairs in which green's value is the greater one, with ties counted by
    /// half: an integer even then.
    pub(super) twice_u: usize,
}

impl Order {
    pub(super) fn from_sorted(blue: &[f64], green: &[f64]) -> Self {
        let groups = group_ties(blue, green);
        let mut before = 0;
        let mut twice_u = 0;
        for group in &groups {
            twice_u += group.green * (2 * before + group.blue);
            before += group.blue;
        }
        Self {
            groups,
            blue: blue.len(),
            green: green.len(),
            twice_u,
        }
    }

    pub(super) fn has_no_ties(&self) -> bool {
        self.groups.iter().all(|group| group.size() == 1)
    }

    pub(super) fn u(&self) -> f64 {
        to_float(self.twice_u) / 2.0
    }

    pub(super) fn mean_u(&self) -> f64 {
        self.pairs() / 2.0
    }

    pub(super) fn probability(&self) -> f64 {
        self.u() / self.pairs()
    }

    /// The standard deviation of U under the null hypothesis; ties reduce it.
    pub(super) fn deviation_of_u(&self) -> f64 {
        let all = to_float(self.blue + self.green);
        let ties: f64 = self
            .groups
            .iter()
            .map(|group| to_float(group.size()))
            .map(|size| size.powi(3) - size)
            .sum();
        (self.pairs() / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0))))
            .max(0.0)
            .sqrt()
    }

    fn pairs(&self) -> f64 {
        to_float(self.blue) * to_float(self.green)
    }
}

fn group_ties(mut blue: &[f64], mut green: &[f64]) -> Vec<TieGroup> {
    let mut groups = Vec::new();
    while let Some(least) = smallest(blue, green) {
        let group = TieGroup {
            blue: count_leading(blue, least),
            green: count_leading(green, least),
        };
        (blue, green) = (&blue[group.blue..], &green[group.green..]);
        groups.push(group);
    }
    groups
}

fn smallest(blue: &[f64], green: &[f64]) -> Option<f64> {
    blue.first()
        .into_iter()
        .chain(green.first())
        .copied()
        .reduce(f64::min)
}

fn count_leading(values: &[f64], same: f64) -> usize {
    values.partition_point(|value| *value <= same)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "values and pairs of them are far fewer than 2^53"
)]
pub(super) fn to_float(count: usize) -> f64 {
    count as f64
}
