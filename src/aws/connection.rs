//! PURE: how AWS is called.

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
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// The region that is called.
    pub region: String,
    /// How often a read is sent in all.
    pub attempts: u32,
    /// Whether the machine's own credentials may be used.
    pub instance_profile: InstanceProfile,
    /// How often a write that AWS throttles is sent in all; it is repeated for ten minutes when
    /// none.
    pub write_attempts: Option<u32>,
    /// The URL of an HTTP proxy.
    pub proxy: Option<String>,
    /// Accounts of the ECR registries for which a token is requested.
    pub registries: Vec<String>,
}
