use serde::{Deserialize, Serialize};

/// A role that can be assumed, of this account or of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleOptions {
    /// Its ARN.
    pub arn: String,
    /// `MaxSessionDuration`, in seconds.
    pub max_session_seconds: i64,
    /// The `sub` of the ID tokens that it trusts; with none its account has no provider for them.
    pub subjects: Vec<String>,
    /// The audience that its account's provider knows.
    pub audience: String,
    /// The names of the roles that may assume it by their credentials.
    pub trusts: Vec<String>,
    /// The only IAM actions that its policy allows; all when there are none.
    pub allowed: Vec<String>,
}

impl Default for RoleOptions {
    fn default() -> Self {
        Self {
            arn: String::new(),
            max_session_seconds: 3600,
            subjects: Vec::new(),
            audience: "sts.amazonaws.com".to_owned(),
            trusts: Vec::new(),
            allowed: Vec::new(),
        }
    }
}
