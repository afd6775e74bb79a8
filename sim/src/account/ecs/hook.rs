//! A lifecycle hook that a deployment has reached.

use super::HookAction;

/// How far a hook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookStatus {
    AwaitingAction,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

impl HookStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingAction => "AWAITING_ACTION",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }

    /// It still holds the deployment.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::AwaitingAction | Self::InProgress)
    }
}

/// One of `lifecycleHookDetails`. A stage that comes again has hooks with new ids.
#[derive(Debug, Clone)]
pub(crate) struct HookDetail {
    pub(crate) id: String,
    /// The Lambda function; none for a pause.
    pub(crate) function: Option<String>,
    pub(crate) status: HookStatus,
    pub(crate) expires_ms: i64,
    pub(crate) timeout_action: HookAction,
}
