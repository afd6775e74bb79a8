//! The deployment that a run has started or taken over, and whether it was seen to its end.

use crate::clock;
use crate::identity::RevisionArn;
use crate::undo::ServiceKey;

/// A deployment of this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDeployment {
    /// The service.
    pub place: ServiceKey,
    /// The revision that is deployed.
    pub revision: RevisionArn,
    /// When it began, in seconds since 1970.
    pub began_at: u64,
    /// Whether its end was seen.
    pub end: SeenEnd,
}

/// Whether a run saw its deployment end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenEnd {
    /// It goes on, was rolled back, or was lost sight of.
    NotSeen,
    /// Its revision serves all of production, observed.
    Seen,
}

impl OwnDeployment {
    /// A deployment that begins now.
    pub fn begin(place: ServiceKey, revision: RevisionArn) -> Self {
        Self {
            place,
            revision,
            began_at: epoch_now(),
            end: SeenEnd::NotSeen,
        }
    }
}

/// Whole seconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of the epoch are positive and far below the limit"
)]
pub fn epoch_now() -> u64 {
    clock::epoch_seconds() as u64
}
