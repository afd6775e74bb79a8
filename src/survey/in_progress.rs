//! A rollout of the service that is in progress when the run begins: its revision, since when it
//! runs, and who started it.

use std::ops::Deref;

use serde_json::Value;

use crate::aws::arn::short_name;
use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::identity::{RevisionArn, RolloutId};
use crate::rollout_kind::RolloutInProgress;
use crate::run::Run;

mod codedeploy;
mod ecs;
mod rolling;

pub use codedeploy::{CodeDeployInProgress, find_in_group, has_registered};
pub(super) use ecs::{ListedDeployment, read};
pub use rolling::RollingInProgress;
pub(super) use rolling::from_rolling;

/// A rollout in progress.
#[derive(Debug, Clone)]
pub struct RunningRollout {
    /// Its id: CodeDeploy's, the service deployment's ARN, or `ecs-svc/…`.
    pub id: RolloutId,
    /// The revision it deploys, if that is known.
    pub revision: Option<RevisionArn>,
    /// The run of this action that started it, if there is one.
    pub run: Option<String>,
    /// Whether that run registered the revision for it.
    pub is_registered: bool,
    /// Its status in AWS's spelling.
    pub word: String,
    /// Since when, and who started it, as far as AWS shows.
    pub origin: String,
    /// Whether an earlier attempt of this workflow run started it, so that it is continued.
    pub is_ours: bool,
    /// The hooks of the last successful deployment before it, if our hook can only be recognized by
    /// comparing with them.
    pub hooks_before: Option<Vec<Value>>,
    /// The deployment as AWS shows it.
    pub deployment: DeploymentInProgress,
}

/// The deployment in progress, by its kind.
#[derive(Debug, Clone)]
pub enum DeploymentInProgress {
    /// A CodeDeploy deployment.
    CodeDeploy(CodeDeployInProgress),
    /// A service deployment of ECS.
    Ecs(Box<ServiceDeployment>),
    /// A deployment of a rolling service.
    Rolling(RollingInProgress),
}

impl Deref for DeploymentInProgress {
    type Target = dyn RolloutInProgress;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::CodeDeploy(deployment) => deployment,
            Self::Ecs(deployment) => &**deployment,
            Self::Rolling(deployment) => deployment,
        }
    }
}

impl RunningRollout {
    /// A description for a sentence.
    pub fn describe(&self) -> String {
        let brings = self
            .revision
            .as_ref()
            .map(|revision| format!(" of {}", short_name(revision)))
            .unwrap_or_default();
        format!(
            "deployment {}{brings} is in progress ({}{})",
            short_name(&self.id),
            self.word,
            self.origin
        )
    }

    /// Marks a rollout that an earlier attempt of this workflow run started. An ECS deployment
    /// without a gate of ours carries no run id: when the job is run again, it counts as ours until
    /// it turns out to deploy another revision.
    pub(super) fn claim_if_ours(self, run: &Run) -> Self {
        let may_be_ours = self.is_unmarked() && run.runner.is_rerun();
        let is_ours = may_be_ours || self.is_of_workflow(&run.id);
        Self { is_ours, ..self }
    }

    /// Whether it is this run's, now that the revision to deploy is known: one without a run id
    /// that deploys another revision is not.
    pub fn confirm_ours(&mut self, revision: &RevisionArn) -> bool {
        let is_other = self.revision.as_ref() != Some(revision);
        self.is_ours &= !(self.is_unmarked() && is_other);
        self.is_ours
    }

    fn is_unmarked(&self) -> bool {
        self.run.is_none() && self.deployment.may_be_unmarked()
    }

    /// The command with which a person would stop it.
    pub fn stop_command(&self) -> String {
        self.deployment.stop_command(&self.id)
    }

    /// Whether an earlier attempt of the same workflow run started it, that is, the job is run
    /// again.
    pub fn is_of_workflow(&self, ours: &str) -> bool {
        self.run
            .as_deref()
            .is_some_and(|run| is_earlier_attempt(run, ours))
    }
}

/// Whether a run is an earlier attempt of our workflow run.
pub fn is_earlier_attempt(run: &str, ours: &str) -> bool {
    let Some((workflow, attempt)) = attempt_of(run) else {
        return false;
    };
    attempt_of(ours).is_some_and(|(own, now)| own == workflow && now > attempt)
}

/// `1234-2-abcd` → workflow run 1234, attempt 2.
fn attempt_of(run: &str) -> Option<(&str, u32)> {
    let (workflow, rest) = run.split_once('-')?;
    // Runs by hand (`local-abcd`) have no attempts.
    workflow.parse::<u64>().ok()?;
    Some((workflow, rest.split('-').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started_by(run: &str) -> RunningRollout {
        RunningRollout {
            id: "d-1".into(),
            revision: None,
            run: Some(run.into()),
            is_registered: false,
            word: "Ready".into(),
            origin: String::new(),
            is_ours: false,
            hooks_before: None,
            deployment: DeploymentInProgress::CodeDeploy(CodeDeployInProgress::default()),
        }
    }

    #[test]
    fn a_former_attempt_of_the_same_run_is_ours_and_a_local_run_is_nobody_s() {
        assert!(started_by("77-1-aaaa").is_of_workflow("77-2-bbbb"));
        assert!(!started_by("77-1-aaaa").is_of_workflow("77-1-bbbb"));
        assert!(!started_by("78-1-aaaa").is_of_workflow("77-2-bbbb"));
        assert!(!started_by("local-aaaa").is_of_workflow("local-bbbb"));
    }
}
