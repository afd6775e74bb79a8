//! The PAUSE hooks that this action sets on a service, and their tag.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// The PAUSE hooks that this action sets on a service, and their tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum HooksFact {
    /// An earlier run has left its hooks.
    LeftBehind {
        /// The earlier run.
        run: String,
    },
    /// An earlier run has left its tag.
    TagLeftBehind {
        /// The tag's key.
        tag: String,
    },
    /// The tag could not be removed.
    TagStays {
        /// The tag's key.
        tag: String,
        /// What it says now.
        emptied: TagValue,
        /// Why it could not be removed.
        error: Text,
    },
    /// AWS does not take the mark of this run.
    Unmarked {
        /// What it said.
        error: Text,
    },
    /// What was set for the rollout could not be restored.
    StillSet,
}

/// What the tag says where it could not be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagValue {
    /// Nothing: it was emptied.
    Empty,
    /// Which form a hook of this action has.
    Form,
}

impl TagValue {
    fn describe_effect(self) -> &'static str {
        match self {
            Self::Empty => "where it changes nothing",
            Self::Form => {
                "and a hook of the form that it names would be taken for one of this action's: remove the tag"
            }
        }
    }
}

impl HooksFact {
    /// What people read.
    pub fn sentence(&self) -> String {
        match self {
            Self::LeftBehind { run } => format!("PAUSE hooks that workflow run {run} left on the service are to be removed"),
            Self::TagLeftBehind { tag } => format!("the tag {tag} of an earlier run is to be removed"),
            Self::TagStays { tag, emptied, error } => format!("the tag {tag} is still on the service, {}: {error}", emptied.describe_effect()),
            Self::Unmarked { error } => format!("{error}; the hooks are sent without hookDetails"),
            Self::StillSet => "what was set on the service for this rollout is still there; the post step and the next run try again".to_owned(),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::LeftBehind { .. } | Self::TagStays { .. } | Self::StillSet => FactLevel::Warning,
            Self::TagLeftBehind { .. } | Self::Unmarked { .. } => FactLevel::Note,
        }
    }
}
