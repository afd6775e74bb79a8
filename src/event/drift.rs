//! Whether a service differs from what the last deployment of this action left on it.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FoundDrift {
    /// Whether it differs.
    pub state: DriftState,
    /// Why that is not known; none where it is.
    pub why: Option<Text>,
    /// The last deployment that is recorded on the service.
    pub since: Option<LastRecord>,
    /// The fields that differ, by AWS's names.
    pub changes: Vec<DriftedField>,
    /// What to do about them.
    pub remedies: Vec<Text>,
    /// What was not compared, and why.
    pub notes: Vec<Text>,
}

/// Whether a service differs from what was deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftState {
    /// It is as it was left.
    None,
    /// It differs.
    Found,
    /// It is being changed now.
    Changing,
    /// Nothing is recorded with which it could be compared.
    Unrecorded,
}

/// The last deployment that is recorded on a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastRecord {
    /// The id of its run.
    pub run: String,
    /// When it ended, RFC 3339.
    pub time: String,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DriftedField {
    /// The field, by AWS's name.
    pub field: String,
    /// What it is now and was then, where that may be shown; else empty.
    pub detail: Text,
    /// The differences inside of it, a line each.
    pub changes: Vec<Text>,
}

impl FoundDrift {
    /// What was found, in a sentence without a full stop.
    pub fn sentence(&self) -> String {
        let since = self.since.as_ref().map_or_else(String::new, |since| {
            format!(" run {} left at {}", since.run, since.time)
        });
        match self.state {
            DriftState::None => format!("nothing differs from what{since}"),
            DriftState::Found => {
                let fields: Vec<&str> = self
                    .changes
                    .iter()
                    .map(|change| change.field.as_str())
                    .collect();
                let verb = if fields.len() == 1 {
                    "differs"
                } else {
                    "differ"
                };
                format!("{} {verb} from what{since}", fields.join(", "))
            }
            DriftState::Changing | DriftState::Unrecorded => {
                let why = self.why.as_ref().map(Text::as_str).unwrap_or_default();
                format!("whether anything was changed by hand is not known: {why}")
            }
        }
    }
}
