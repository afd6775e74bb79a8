//! A service deployment of ECS in progress.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::{DeploymentInProgress, RunningRollout};
use crate::aws::AwsError;
use crate::aws::ecs_rollout_shapes::{
    DeploymentStatus, ServiceDeployment, ServiceDeploymentSummary,
};
use crate::documents::deployment_configuration::{
    HookIdentity, Pause, all_hooks, is_revision_registered, run_of_hooks as run_in_hooks,
};
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn, ServiceRevisionArn};
use crate::rollout_kind::RolloutInProgress;
use crate::run::Run;
use crate::undo::ServiceKey;

impl RolloutInProgress for ServiceDeployment {
    fn stop_command(&self, id: &RolloutId) -> String {
        format!(
            "by hand: aws ecs stop-service-deployment --service-deployment-arn {id} --stop-type ROLLBACK"
        )
    }

    fn is_over<'r>(
        &'r self,
        run: &'r Run,
        _place: &'r ServiceKey,
        _id: &'r RolloutId,
    ) -> LocalBoxFuture<'r, Result<bool, AwsError>> {
        async {
            let now = run.aws.describe_service_deployment(&self.arn).await?;
            Ok(now.is_none_or(|deployment| deployment.is_over()))
        }
        .boxed_local()
    }

    fn is_rolling_back(&self) -> bool {
        self.status() == DeploymentStatus::RollingBack
    }

    fn source_revision(&self) -> Option<&ServiceRevisionArn> {
        self.source_service_revisions
            .first()
            .map(|source| &source.arn)
    }

    fn deployment_configuration(&self) -> Option<&Value> {
        Some(&self.deployment_configuration)
    }
}

/// The rollout in progress; `tagged` is the hook of ours that the service's tag describes.
fn from_ecs(
    deployment: ServiceDeployment,
    revision: Option<RevisionArn>,
    tagged: Option<&Pause>,
) -> RunningRollout {
    let identity = HookIdentity::from_pause(tagged);
    let run = run_in_hooks(&deployment.deployment_configuration, identity).map(str::to_owned);
    let stage = if deployment.stage().is_empty() {
        String::new()
    } else {
        format!(" at {}", deployment.stage())
    };
    let by = run
        .as_deref()
        .map(|run| format!(", by workflow run {run}"))
        .unwrap_or_default();
    RunningRollout {
        id: deployment.arn.clone().into(),
        revision,
        is_registered: is_revision_registered(&deployment.deployment_configuration, identity),
        word: format!("{}{stage}", deployment.raw_status),
        origin: format!(
            ", made {}{by}",
            crate::clock::format_rfc3339(deployment.created_at)
        ),
        run,
        is_ours: false,
        hooks_before: None,
        deployment: DeploymentInProgress::Ecs(Box::new(deployment)),
    }
}

/// What a deployment is that the list shows as in progress.
pub(in crate::survey) enum ListedDeployment {
    InProgress(Box<RunningRollout>),
    /// It has ended since, with AWS's status.
    Ended(String),
    Missing,
}

/// Reads the deployment in progress, for a service with the ECS controller.
pub(in crate::survey) async fn read(
    run: &Run,
    arn: &ServiceDeploymentArn,
    history: &[ServiceDeploymentSummary],
    tagged: Option<&Pause>,
) -> Result<ListedDeployment, AwsError> {
    let Some(deployment) = run.aws.describe_service_deployment(arn).await? else {
        return Ok(ListedDeployment::Missing);
    };
    if deployment.is_over() {
        return Ok(ListedDeployment::Ended(deployment.raw_status));
    }
    let target = run
        .aws
        .describe_service_revisions(&[deployment.target_revision()])
        .await?;
    let revision = target
        .into_iter()
        .next()
        .map(|revision| revision.task_definition);
    let mut running = from_ecs(deployment, revision, tagged);
    if running.is_unmarked() && run.runner.is_rerun() {
        running.hooks_before = hooks_before(run, arn, history).await;
    }
    Ok(ListedDeployment::InProgress(Box::new(running)))
}

/// The hooks of the last successful deployment before it: a hook that is not among them was added
/// for this one.
async fn hooks_before(
    run: &Run,
    arn: &ServiceDeploymentArn,
    history: &[ServiceDeploymentSummary],
) -> Option<Vec<Value>> {
    let mut older = history.iter().skip_while(|brief| brief.arn != *arn);
    let former = older.find(|brief| brief.status() == DeploymentStatus::Successful)?;
    let read = run.aws.describe_service_deployment(&former.arn).await;
    let former = run
        .optional_read(
            "which PAUSE hooks the earlier attempt added is not known",
            read,
        )
        .flatten()?;
    Some(all_hooks(Some(&former.deployment_configuration)))
}
