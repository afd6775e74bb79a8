//! The service's last deployment, for a gate that was answered already.

use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::CodeDeployStatus;
use crate::aws::ecs_rollout_shapes::DeploymentStatus;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::documents::app_spec::read_task_definition;
use crate::documents::deployment_configuration::{HookIdentity, is_revision_registered};
use crate::error::Failure;
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn};
use crate::outcome::Reason;
use crate::plan::HistoryQuery;
use crate::run::Run;
use crate::survey::{Snapshot, has_registered};

/// How many deployments are read back in search of a good one.
pub(super) const HISTORY_LIMIT: usize = 20;

/// A deployment that has ended.
#[derive(Debug, Clone)]
pub struct LastDeployment {
    /// Id or ARN, whichever its kind has.
    pub id: RolloutId,
    /// The status, in AWS's word.
    pub word: String,
    /// Whether it succeeded.
    pub end: DeploymentEnd,
    /// The revision that it deployed, where the deployment says that its run registered it.
    pub registered_revision: Option<RevisionArn>,
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentEnd {
    /// Green serves.
    Succeeded,
    /// Blue serves, or what serves is not known.
    Failed {
        /// The reason in the outputs.
        reason: Reason,
    },
}

/// Finds the named deployment, or the newest one.
pub async fn find_last(
    run: &Run,
    query: &HistoryQuery,
    snapshot: &Snapshot,
) -> Result<Option<LastDeployment>, Failure> {
    if is_codedeploy(snapshot) {
        return Ok(find_last_in_group(run, query).await?);
    }
    let history = snapshot
        .service_deployments
        .iter()
        .flat_map(|service_deployments| &service_deployments.history);
    let is_meant = |arn: &ServiceDeploymentArn| {
        query
            .deployment
            .as_ref()
            .is_none_or(|meant| short_name(meant) == short_name(arn))
    };
    let Some(brief) = history.into_iter().find(|brief| is_meant(&brief.arn)) else {
        return Ok(None);
    };
    let Some(deployment) = run.aws.describe_service_deployment(&brief.arn).await? else {
        return Ok(None);
    };
    let expired = deployment
        .failed_hook()
        .is_some_and(|hook| hook.status == "TIMED_OUT");
    let end = match deployment.status() {
        DeploymentStatus::Successful => DeploymentEnd::Succeeded,
        _ if expired => DeploymentEnd::Failed {
            reason: Reason::Expired,
        },
        _ => DeploymentEnd::Failed {
            reason: Reason::AlreadyAnswered,
        },
    };
    // A definition that cannot be read is left registered.
    let tagged = snapshot.service.as_ref().and_then(Service::tagged_pause);
    let is_registered = is_revision_registered(
        &deployment.deployment_configuration,
        HookIdentity::from_pause(tagged.as_ref()),
    );
    let revisions = if is_registered && end != DeploymentEnd::Succeeded {
        run.aws
            .describe_service_revisions(&[deployment.target_revision()])
            .await
            .unwrap_or_default()
    } else {
        Vec::new()
    };
    let registered = revisions
        .into_iter()
        .next()
        .map(|revision| revision.task_definition);
    Ok(Some(LastDeployment {
        id: deployment.arn.clone().into(),
        word: deployment.raw_status,
        end,
        registered_revision: registered,
    }))
}

async fn find_last_in_group(
    run: &Run,
    query: &HistoryQuery,
) -> Result<Option<LastDeployment>, AwsError> {
    let group = &query.group;
    let ids = match &query.deployment {
        Some(meant) => vec![meant.as_str().into()],
        None => {
            run.aws
                .list_latest_deployments(&group.application, &group.group)
                .await?
        }
    };
    for id in ids.into_iter().take(HISTORY_LIMIT) {
        let deployment = run.aws.get_deployment(&id).await?;
        if deployment.rolled_back_deployment.is_some() && query.deployment.is_none() {
            continue; // the deployment that it rolls back says more
        }
        let code = deployment
            .error
            .as_ref()
            .map(|(code, _)| code.as_str())
            .unwrap_or_default();
        let end = match deployment.status {
            CodeDeployStatus::Succeeded => DeploymentEnd::Succeeded,
            CodeDeployStatus::Stopped if matches!(code, "" | "TIMEOUT") => DeploymentEnd::Failed {
                reason: Reason::Expired,
            },
            CodeDeployStatus::Stopped
            | CodeDeployStatus::Failed
            | CodeDeployStatus::InProgress
            | CodeDeployStatus::Ready => DeploymentEnd::Failed {
                reason: Reason::AlreadyAnswered,
            },
        };
        let registered = deployment
            .content
            .as_deref()
            .and_then(read_task_definition)
            .filter(|_| has_registered(&deployment.description));
        return Ok(Some(LastDeployment {
            id: id.into(),
            word: deployment.raw_status,
            end,
            registered_revision: registered,
        }));
    }
    Ok(None)
}

pub(super) fn is_codedeploy(snapshot: &Snapshot) -> bool {
    snapshot
        .service
        .as_ref()
        .map(crate::aws::ecs_shapes::Service::controller)
        == Some(DeploymentController::CodeDeploy)
}
