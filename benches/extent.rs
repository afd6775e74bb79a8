//! How much of everything is measured.

/// The bars, or only that each of them can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// As much as a judgement needs.
    Whole,
    /// As little as possible: what comes out is not judged.
    Short,
}

impl Extent {
    /// One of two sizes.
    pub(crate) fn of<T>(self, whole: T, short: T) -> T {
        match self {
            Self::Whole => whole,
            Self::Short => short,
        }
    }
}
