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
        /// The id of the earlier run.
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
        /// The tag's value now.
        emptied: TagValue,
        /// Why it could not be removed.
        error: Text,
    },
    /// AWS does not accept the mark of this run.
    Unmarked {
        /// AWS's error.
        error: Text,
    },
    /// The hooks of the rollout could not be restored.
    StillSet,
}

/// The value of the tag that could not be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagValue {
    /// None: it was emptied.
    Empty,
    /// The settings of a hook of this action.
    Form,
}

impl TagValue {
    fn describe_effect(self) -> &'static str {
        match self {
            Self::Empty => "where it changes nothing",
            Self::Form => {
                "and a hook with the settings that it names would be mistaken for one of this action: remove the tag"
            }
        }
    }
}

impl HooksFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::LeftBehind { run } => format!("PAUSE hooks that workflow run {run} left on the service are to be removed"),
            Self::TagLeftBehind { tag } => format!("the tag {tag} of an earlier run is to be removed"),
            Self::TagStays { tag, emptied, error } => format!("the tag {tag} is still on the service, {}: {error}", emptied.describe_effect()),
            Self::Unmarked { error } => format!("{error}; the hooks are sent without hookDetails"),
            Self::StillSet => "temporary changes of the service could not be restored; the post step and the next run try again".to_owned(),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::LeftBehind { .. } | Self::TagStays { .. } | Self::StillSet => FactLevel::Warning,
            Self::TagLeftBehind { .. } | Self::Unmarked { .. } => FactLevel::Note,
        }
    }
}
