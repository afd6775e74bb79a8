//! What one look at a gate showed.

/// Whether a gate is open, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateFinding {
    /// It is open.
    Open {
        /// What was found, as a phrase.
        found: String,
    },
    /// It is closed.
    Closed {
        /// Why, as a phrase.
        why: String,
        /// When or by what it opens, as a phrase.
        opens: String,
        /// When it opens, in seconds since the epoch, where that is known.
        opens_at: Option<i64>,
    },
    /// It cannot be read, so that nobody knows.
    Unreadable {
        /// Why, as a phrase.
        why: String,
        /// What to do about it, as a phrase.
        remedy: String,
    },
}

impl GateFinding {
    /// An open gate.
    pub fn open(found: impl Into<String>) -> Self {
        Self::Open {
            found: found.into(),
        }
    }

    /// A closed gate that something else than the time opens.
    pub fn closed(why: impl Into<String>, opens: impl Into<String>) -> Self {
        Self::Closed {
            why: why.into(),
            opens: opens.into(),
            opens_at: None,
        }
    }

    /// A gate that cannot be read.
    pub fn unreadable(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unreadable {
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}
