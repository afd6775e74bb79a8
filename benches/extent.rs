//! How much of everything is measured.

/// The bars, or only that each of them can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// As much as a judgement needs.
    Full,
    /// As little as possible: the results are not compared with the limits.
    Short,
}

impl Extent {
    /// One of two sizes.
    pub(crate) fn choose<T>(self, full: T, short: T) -> T {
        match self {
            Self::Full => full,
            Self::Short => short,
        }
    }
}
