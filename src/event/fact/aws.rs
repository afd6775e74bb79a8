//! AWS does not accept or answer a request at once.

use serde::{Deserialize, Serialize};

use crate::event::fact::human_duration;
use crate::text::Text;

/// AWS does not accept or answer a request at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum AwsFact {
    /// A write is repeated until AWS accepts it.
    Throttled {
        /// The IAM action.
        action: String,
        /// For how long so far.
        milliseconds: u64,
    },
    /// AWS could not be read, and is read again.
    LooksAgain {
        /// The error of the read.
        why: Text,
    },
    /// The answer to a write is lost, so its effect is looked up.
    AnswerLost {
        /// The error that came instead of an answer.
        error: Text,
        /// The effect that is looked up.
        effect: SoughtEffect,
    },
}

/// The effect of a write whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoughtEffect {
    /// The gate is open.
    GateOpen,
    /// CodeDeploy has the deployment.
    DeploymentCreated,
    /// The service has the deployment.
    DeploymentStarted,
    /// The revision is registered.
    Registered,
    /// The scalable target has this run's tag.
    ScalingTag,
    /// Scale-in is suspended.
    ScaleInSuspended,
}

impl SoughtEffect {
    fn describe(self) -> &'static str {
        match self {
            Self::GateOpen => "the gate is open",
            Self::DeploymentCreated => "the deployment was created all the same",
            Self::DeploymentStarted => "the deployment was started all the same",
            Self::Registered => "it was registered all the same",
            Self::ScalingTag => "the tag was set all the same",
            Self::ScaleInSuspended => "scale-in was suspended all the same",
        }
    }
}

impl AwsFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Throttled {
                action,
                milliseconds,
            } => format!(
                "AWS throttles {action}: it was not taken for {}, and is sent again",
                human_duration(*milliseconds)
            ),
            Self::LooksAgain { why } => format!("{why}; looking again"),
            Self::AnswerLost { error, effect } => {
                format!("{error}; looking whether {}", effect.describe())
            }
        }
    }
}
