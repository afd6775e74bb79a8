//! The record of a deployment, with which later runs find what was changed by hand.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// The record of a deployment on its service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum DriftFact {
    /// AWS did not take the record, or could not be asked.
    NotRecorded {
        /// Why.
        why: Text,
    },
    /// Another revision is the service's own already, so the record would be wrong.
    Overtaken {
        /// The service's revision.
        revision: String,
    },
}

impl DriftFact {
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NotRecorded { why } => format!(
                "what was deployed is not recorded on the service, so mode: drift cannot compare with it: {why}"
            ),
            Self::Overtaken { revision } => format!(
                "what was deployed is not recorded on the service: {revision} is its revision by now"
            ),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::NotRecorded { .. } | Self::Overtaken { .. } => FactLevel::Note,
        }
    }
}
