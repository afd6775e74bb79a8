//! PURE: how AWS is called.

/// Whether the machine's own credentials may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstanceProfile {
    /// The job brings its own.
    #[default]
    Unused,
    /// The workflow asks for them, where the job has none of its own.
    Used,
}

/// How AWS is called.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// The region.
    pub region: String,
    /// Tries of a read in all.
    pub attempts: u32,
    /// Whether the machine's own credentials may be used.
    pub instance_profile: InstanceProfile,
    /// Tries of a write that AWS throttles; for ten minutes when absent.
    pub write_attempts: Option<u32>,
    /// A proxy.
    pub proxy: Option<String>,
    /// Accounts whose registries a token is asked for.
    pub registries: Vec<String>,
}
