//! What can be chosen about the things that a deployment needs to be there. Roles, log groups and
//! target groups are as they should be, unless something else is said here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is in the account besides services.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountOptions {
    /// Who may assume a role, by the role's name; ECS's tasks, ECS and `CodeDeploy` unless it is
    /// here.
    pub trusted: BTreeMap<String, Vec<String>>,
    /// Names of roles that do not exist; every other does.
    pub missing_roles: BTreeSet<String>,
    /// Log groups that do not exist; every other does.
    pub missing_log_groups: BTreeSet<String>,
    /// The objects in S3, as `bucket/key`.
    pub objects: BTreeSet<String>,
    /// ARNs of secrets that are scheduled for deletion.
    pub deleted_secrets: BTreeSet<String>,
    /// When secrets and parameters were changed last, in seconds since 1970, by their ARNs.
    pub changed_secrets: BTreeMap<String, u32>,
    /// Members of target groups that are not as usual, by the group's name.
    pub target_groups: BTreeMap<String, Map<String, Value>>,
    /// Names of target groups that do not exist.
    pub missing_target_groups: BTreeSet<String>,
    /// The quota of vCPUs on Fargate.
    pub fargate_vcpus: f64,
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            trusted: BTreeMap::new(),
            missing_roles: BTreeSet::new(),
            missing_log_groups: BTreeSet::new(),
            objects: BTreeSet::new(),
            deleted_secrets: BTreeSet::new(),
            changed_secrets: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            missing_target_groups: BTreeSet::new(),
            fargate_vcpus: 4_000.0,
        }
    }
}
