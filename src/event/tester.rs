//! The start of a tester.

use serde::{Deserialize, Serialize};

use crate::checks::moment::Moment;

/// A tester was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedTester {
    /// The tester's name.
    pub name: String,
    /// The moment of the rollout at which it runs.
    pub moment: Moment,
    /// Where it runs, for a sentence.
    pub place: String,
}
