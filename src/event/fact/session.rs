//! Sessions of the roles that are assumed.

use serde::{Deserialize, Serialize};

use crate::event::fact::{FactLevel, human_duration};
use crate::text::Text;

/// Sessions of the roles that are assumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum SessionFact {
    /// A role was assumed.
    Begun {
        /// The role's ARN.
        role: String,
        /// The session's name.
        session: String,
        /// The input that names the role.
        input: String,
        /// With what it was assumed.
        by: AssumedBy,
    },
    /// The session was renewed before its end.
    Renewed {
        /// The role's ARN.
        role: String,
    },
    /// The session was not renewed yet.
    NotRenewed {
        /// The role's ARN.
        role: String,
        /// Why not.
        why: Text,
        /// How long it still lasts.
        milliseconds: u64,
    },
}

/// With what a role was assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssumedBy {
    /// The job's ID token.
    IdToken,
    /// Other credentials.
    Credentials,
}

impl AssumedBy {
    fn describe(self) -> &'static str {
        match self {
            Self::IdToken => "with the job's ID token",
            Self::Credentials => {
                "with the credentials there were before, by which a session lasts at most 1 h"
            }
        }
    }
}

impl SessionFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Begun {
                role,
                session,
                input,
                by,
            } => format!(
                "{input}: {role} was assumed {}; its session {session} is renewed as long as the run lasts",
                by.describe()
            ),
            Self::Renewed { role } => format!("the session of {role} is renewed"),
            Self::NotRenewed {
                role,
                why,
                milliseconds,
            } => format!(
                "the session of {role} is not renewed yet, and lasts another {}; it is tried again: {why}",
                human_duration(*milliseconds)
            ),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::NotRenewed { .. } => FactLevel::Warning,
            Self::Begun { .. } | Self::Renewed { .. } => FactLevel::Note,
        }
    }
}
