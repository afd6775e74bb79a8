//! PURE: how AWS is called.

use std::time::Duration;

use super::id_token::IdTokenRequest;
use crate::identity::RoleArn;

/// Whether the machine's own credentials may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstanceProfile {
    /// The job has its own credentials.
    #[default]
    Unused,
    /// The workflow allows them when the job has none of its own.
    Used,
}

/// How AWS is called.
#[derive(Debug, Clone, Default)]
pub struct AwsSettings {
    /// The region that is called.
    pub region: String,
    /// How often a read is sent in all.
    pub attempts: u32,
    /// Whether the machine's own credentials may be used.
    pub instance_profile: InstanceProfile,
    /// The role that is assumed; without one the job's credentials are used.
    pub role: Option<RoleRequest>,
    /// The role for a registry of ECR.
    pub registry_role: Option<RegistryRole>,
    /// How often a write that AWS throttles is sent in all; it is repeated for ten minutes when
    /// none.
    pub write_attempts: Option<u32>,
    /// The URL of an HTTP proxy.
    pub proxy: Option<String>,
    /// Accounts of the ECR registries for which a token is requested.
    pub registries: Vec<String>,
}

/// A role that is assumed.
#[derive(Debug, Clone)]
pub struct RoleRequest {
    /// The role.
    pub arn: RoleArn,
    /// The name of its sessions, which CloudTrail shows.
    pub session_name: String,
    /// How long a session lasts.
    pub duration: Duration,
    /// The job's ID token, with which it is assumed; none where other credentials assume it.
    pub id_token: Option<IdTokenRequest>,
}

/// A role that is used for the registry of its own account only.
#[derive(Debug, Clone)]
pub struct RegistryRole {
    /// The role.
    pub request: RoleRequest,
    /// Whose registry is meant where no account is named.
    pub unnamed: UnnamedRegistry,
}

/// Whose registry is meant where no account is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnnamedRegistry {
    /// The one of the role for the registry.
    OfRegistryRole,
    /// The one of the account in which the service is.
    OfService,
}

impl RegistryRole {
    /// Whether the role is used for the registry of an account.
    pub fn covers(&self, account: Option<&str>) -> bool {
        match account {
            Some(account) => account == self.request.arn.account(),
            None => self.unnamed == UnnamedRegistry::OfRegistryRole,
        }
    }
}
