//! Who calls AWS.

use serde::{Deserialize, Serialize};

/// Whose credentials the run uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamedCaller {
    /// The account's number.
    pub account: String,
    /// `role deploy`, `user ci/deployer`, `root`.
    pub who: String,
    /// The session of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl NamedCaller {
    /// The account and who it is. The session's name is left out: it says who assumed a role, not
    /// what the role may do.
    pub fn sentence(&self) -> String {
        format!("AWS account {}, {}", self.account, self.who)
    }
}
