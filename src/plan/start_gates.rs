//! PURE: what the gates before the start need to be asked.

use super::{ChecksPlan, definition};
use crate::checks::gates::{StartGates, Values};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::start_gates::DeployedService;
use crate::survey::{ImageFound, RegisteredRevision, Snapshot};

/// The gates before the start, and what they are asked with.
#[derive(Debug)]
pub struct StartGatesPlan {
    /// As they were written.
    pub gates: StartGates,
    /// The services in which the image must run already.
    pub deployed_in: Vec<DeployedService>,
    /// Why closed gates are passed all the same.
    pub override_reason: Option<String>,
    /// Who starts the run.
    pub actor: String,
    /// The smoke tests, for blue.
    pub checks: ChecksPlan,
    /// What serves now.
    pub blue: Option<RegisteredRevision>,
    /// The digests of what will be deployed, as far as they are known before it is pushed.
    pub digests: Vec<String>,
    /// The token with which the commit's checks are read.
    pub github_token: Option<Secret>,
}

impl StartGatesPlan {
    /// The values of the gates' variables.
    pub fn values(&self) -> Values {
        Values {
            version: self.checks.version.clone().unwrap_or_default(),
            environment: self.checks.environment.iter().cloned().collect(),
            plain: self.checks.plain.clone(),
            ..Values::default()
        }
    }
}

/// The gates of a deployment; none where there are none, or where this run continues what an
/// earlier attempt has started, which was held to them when it began.
pub fn start_gates(settings: &Settings, snapshot: &Snapshot) -> Option<StartGatesPlan> {
    let asked = settings.checks.gates.as_ref()?;
    let is_adopted = snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours);
    if is_adopted || !settings.mode.plans_deployment() {
        return None;
    }
    Some(StartGatesPlan {
        gates: asked.gates.clone(),
        deployed_in: asked.deployed_in.clone(),
        override_reason: asked.override_reason.clone(),
        actor: asked.actor.clone(),
        checks: ChecksPlan::new(settings),
        blue: snapshot.live_revision.clone(),
        digests: known_digests(settings, snapshot),
        github_token: settings.control.github_token.clone(),
    })
}

/// An image of the Docker engine has none before it is pushed.
fn known_digests(settings: &Settings, snapshot: &Snapshot) -> Vec<String> {
    let named = |image: &str| image.split_once('@').map(|(_, digest)| digest.to_owned());
    match &snapshot.image {
        Some(ImageFound::Local { source, .. }) => source
            .digest()
            .map(ToString::to_string)
            .into_iter()
            .collect(),
        Some(ImageFound::InRegistry { digest, pinned, .. }) => {
            let digest = digest.as_ref().map(ToString::to_string);
            digest.or_else(|| named(pinned)).into_iter().collect()
        }
        Some(ImageFound::ByName(name)) => named(name).into_iter().collect(),
        None => definition::build_definition(settings, snapshot)
            .map(|(definition, _)| {
                let containers = definition["containerDefinitions"].as_array();
                let images = containers.into_iter().flatten();
                // Where one of them is not known, the others say nothing.
                let digests: Option<Vec<String>> = images
                    .map(|container| named(container["image"].as_str()?))
                    .collect();
                digests.unwrap_or_default()
            })
            .unwrap_or_default(),
    }
}
