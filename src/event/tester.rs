//! A tester, when it begins.

use serde::{Deserialize, Serialize};

use crate::checks::moment::Moment;

/// A tester was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedTester {
    /// Its name.
    pub name: String,
    /// When it runs, in the rollout.
    pub moment: Moment,
    /// Where it runs, in words.
    pub place: String,
}
