//! When a check runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document_words;

/// When a check runs, which also decides whether it reaches green or production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// At the gate: green, through the test listener, before users reach it.
    Green,
    /// While traffic shifts: at every step of it.
    Step,
    /// After the shift: what users reach.
    Production,
    /// Until blue is removed: production, while a rollback is still quick.
    Bake,
}

/// The words of a form, in the order in which the moments come.
pub const MOMENTS: &[(&str, Moment)] = &[
    ("green", Moment::Green),
    ("step", Moment::Step),
    ("production", Moment::Production),
    ("bake", Moment::Bake),
];

document_words!(Moment: MOMENTS);

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Green => "green",
            Self::Step => "production at a step",
            Self::Production => "production",
            Self::Bake => "production in the bake",
        })
    }
}
