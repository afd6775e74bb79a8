//! Which side serves production, where that was observed, and where test-url leads.

use serde::{Deserialize, Serialize};

use crate::checks::moment::Moment;
use crate::identity::RevisionArn;
use crate::text::Text;

/// Production traffic of each side, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// On blue, in percent.
    pub blue: f64,
    /// On green, in percent.
    pub green: f64,
}

/// Where traffic was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedBy {
    /// The weights of the load balancer's listener rules.
    Listener,
    /// The task sets of the ECS service.
    TaskSets,
    /// The ECS deployment, for services that move no weights.
    Deployment,
    /// The controller's own status, if nothing else could be read.
    Controller,
}

impl ObservedBy {
    /// A description for a sentence.
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
    /// The revision that served before.
    Blue,
    /// The new revision.
    Green,
}

/// Production traffic, confirmed by a read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedTraffic {
    /// The revision that serves.
    pub revision: RevisionArn,
    /// `blue` or `green`.
    pub side: Serving,
    /// Where that was observed.
    pub observed_by: ObservedBy,
}

/// Whether what answers at test-url is green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "kebab-case")]
pub enum TestUrl {
    /// The rules of the listener behind it forward to green alone.
    LeadsToGreen,
    /// The new version answered there, where another one answered before.
    TellsNewVersion,
    /// It is not known.
    Unproven {
        /// The reason.
        why: Text,
    },
}

impl TestUrl {
    /// Whether nothing shows that green answers there.
    pub fn is_unproven(&self) -> bool {
        matches!(self, Self::Unproven { .. })
    }
}

/// Where the requests of a checkpoint's tests went, for a sentence. It says "green" only when
/// test-url is known to lead to green.
pub fn describe_target(moment: Moment, test_url: Option<&TestUrl>) -> String {
    match (moment, test_url) {
        (Moment::Green, Some(TestUrl::Unproven { .. })) => "at test-url".to_owned(),
        _ => format!("on {moment}"),
    }
}
