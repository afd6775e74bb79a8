//! Gates of a rollout that behave differently than expected.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// What a user can do so that test-url is proven to lead to green.
const GIVE_PROOF: &str = "give the load balancer's own name in test-url, or let a test expect `version: true` (docs/smoke-tests.md)";

/// Gates of a rollout that behave differently than expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum GateFact {
    /// Green's gate is open already.
    OpenedBefore,
    /// The gate was to be opened, but is open already.
    WaitsNoMore,
    /// The gate was still closed after it was opened.
    OpenedAgain,
    /// ECS waits for a hook of somebody else.
    ForeignHook {
        /// The stage; empty if ECS does not show it.
        stage: Text,
        /// The hook's id.
        hook: Text,
    },
    /// Green's tests are not run again before the gate is opened.
    TestedRecently,
    /// ECS does not show green.
    NoTaskSet,
    /// The tests passed, but possibly against something other than green.
    NotProven {
        /// Why it is not known.
        why: Text,
    },
}

impl GateFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::OpenedBefore => "green's gate was opened before; the rollout is followed".to_owned(),
            Self::WaitsNoMore => "the gate does not wait any more; looking why".to_owned(),
            Self::OpenedAgain => "the gate was still closed; it was opened again".to_owned(),
            Self::ForeignHook { stage, hook } => {
                let stage = if stage.is_empty() {
                    "a stage that it does not show"
                } else {
                    stage
                };
                format!("ECS waits at {stage} for somebody else's answer (hook {hook})")
            },
            Self::TestedRecently => "green has waited at its gate for less than 5 minutes: its tests are not run again".to_owned(),
            Self::NoTaskSet => "ECS shows no task set of the deployment; green is taken to be what test-url leads to".to_owned(),
            Self::NotProven { why } => format!("what passed at test-url is not proven to have reached green: {why}; {GIVE_PROOF}"),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::NotProven { .. } => FactLevel::Warning,
            Self::OpenedBefore
            | Self::WaitsNoMore
            | Self::OpenedAgain
            | Self::ForeignHook { .. }
            | Self::TestedRecently
            | Self::NoTaskSet => FactLevel::Note,
        }
    }
}
