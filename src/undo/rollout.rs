//! PURE: the trait that the undo of every kind of rollout implements.

use super::saved::UndoOwner;
use super::{Blue, ServiceKey};
use crate::identity::RevisionArn;

/// How a rollout is undone, as data.
pub trait RolloutUndo {
    /// What would be undone, in words.
    fn describe(&self) -> String;

    /// The revision that serves once it is undone.
    fn blue_revision(&self) -> &RevisionArn;

    /// Whether it belongs to this step. Asked of undos from the saved state, which others can
    /// change.
    fn belongs_to(&self, owner: &UndoOwner) -> bool;

    /// The service, and what served before, where weights say which side serves.
    fn traffic_query(&self) -> Option<(&ServiceKey, &Blue)> {
        None
    }

    /// The service on which PAUSE hooks may have been set for it.
    fn hooked_service(&self) -> Option<&ServiceKey> {
        None
    }
}
