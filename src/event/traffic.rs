//! Which side serves production, who says so, and where test-url leads.

use serde::{Deserialize, Serialize};

use crate::checks::moment::Moment;
use crate::identity::RevisionArn;
use crate::text::Text;

/// Percent of production traffic on each side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// On blue, in percent.
    pub blue: f64,
    /// On green, in percent.
    pub green: f64,
}

/// Who answers for a statement about traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedBy {
    /// The weights of the load balancer's listener rules.
    Listener,
    /// The task sets of the ECS service.
    TaskSets,
    /// The ECS deployment, for services that move no weights.
    Deployment,
    /// The controller's own word, where nothing else could be read.
    Controller,
}

impl ObservedBy {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Listener => "observed at the load balancer's listeners",
            Self::TaskSets => "observed at the service's task sets",
            Self::Deployment => "observed at the service's deployments",
            Self::Controller => "as the controller says; nothing else could be read",
        }
    }
}

/// Which side serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serving {
    /// What served before.
    Blue,
    /// What was brought in.
    Green,
}

/// Production traffic, confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedTraffic {
    /// Which revision serves.
    pub revision: RevisionArn,
    /// `blue` or `green`.
    pub side: Serving,
    /// Who says so.
    pub observed_by: ObservedBy,
}

/// Whether what answers at test-url is green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "kebab-case")]
pub enum TestUrl {
    /// The rules of the listener behind it forward to green alone.
    LeadsToGreen,
    /// The new version was told there, where another one was told before.
    TellsNewVersion,
    /// That is not known.
    Unproven {
        /// Why.
        why: Text,
    },
}

impl TestUrl {
    /// Whether nothing shows that green answers there.
    pub fn is_unproven(&self) -> bool {
        matches!(self, Self::Unproven { .. })
    }
}

/// Where a check of a moment was sent, in words: only what is known to be green is called so.
pub fn describe_target(moment: Moment, test_url: Option<&TestUrl>) -> String {
    match (moment, test_url) {
        (Moment::Green, Some(TestUrl::Unproven { .. })) => "at test-url".to_owned(),
        _ => format!("on {moment}"),
    }
}
