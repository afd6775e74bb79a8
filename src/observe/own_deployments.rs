//! Which deployment is ours. A CodeDeploy deployment carries the run's id in its description. A
//! service deployment of ECS is ours when it did not exist before, it deploys our revision, and no
//! other run has marked it.

use crate::aws::AwsError;
use crate::aws::codedeploy::{REGISTERED_MARK, RUN_MARK};
use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::documents::deployment_configuration::marked_run;
use crate::identity::{
    ApplicationName, DeploymentGroupName, DeploymentId, RevisionArn, ServiceDeploymentArn,
};
use crate::run::Run;
use crate::undo::ServiceKey;

/// How many of the newest deployments are searched for one whose answer was lost, besides those in
/// progress.
const MAX_SEARCHED: usize = 10;

/// The deployment of the group that carries a run's id. Those in progress are searched first,
/// because AWS guarantees no order for the others.
pub async fn find_by_run(
    run: &Run,
    application: &ApplicationName,
    group: &DeploymentGroupName,
    mark: &str,
) -> Result<Option<DeploymentId>, AwsError> {
    let running = run.aws.list_running_deployments(application, group).await?;
    let latest = run.aws.list_latest_deployments(application, group).await?;
    for id in running
        .into_iter()
        .chain(latest.into_iter().take(MAX_SEARCHED))
    {
        if has_run_mark(&run.aws.get_deployment(&id).await?.description, mark) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whether a description carries a run's id.
pub fn has_run_mark(description: &str, run: &str) -> bool {
    [
        format!("{RUN_MARK}{run}]"),
        format!("{RUN_MARK}{run}{REGISTERED_MARK}]"),
    ]
    .iter()
    .any(|mark| description.contains(mark))
}

/// How our service deployment is recognized.
#[derive(Debug, Clone, Copy)]
pub struct DeploymentCriteria<'a> {
    /// The service.
    pub place: &'a ServiceKey,
    /// The service deployments that existed before.
    pub existing_deployments: &'a [ServiceDeploymentArn],
    /// The revision that it deploys.
    pub revision: &'a RevisionArn,
    /// The run whose id its hooks carry; none when its hooks carry no id.
    pub run: Option<&'a str>,
}

/// What a search found.
#[derive(Debug)]
pub enum DeploymentSearch {
    /// Our deployment.
    Ours(Box<ServiceDeployment>),
    /// Only a deployment of another run that deploys the same revision: ECS starts nothing for an
    /// update that changes nothing.
    OtherRuns(Box<ServiceDeployment>),
    /// No new deployment that deploys our revision.
    Nothing,
}

impl DeploymentSearch {
    /// Our deployment's ARN.
    pub fn into_arn(self) -> Option<ServiceDeploymentArn> {
        match self {
            Self::Ours(deployment) => Some(deployment.arn),
            Self::OtherRuns(_) | Self::Nothing => None,
        }
    }
}

/// Searches for our deployment, newest first. ECS may drop the run id of a hook, so a deployment
/// without an id counts unless another one carries ours.
pub async fn find_deployment(
    run: &Run,
    wanted: DeploymentCriteria<'_>,
) -> Result<DeploymentSearch, AwsError> {
    let history = run
        .aws
        .list_service_deployments(&wanted.place.cluster, &wanted.place.service)
        .await?;
    let (mut unmarked, mut other) = (None, None);
    for brief in history
        .iter()
        .filter(|brief| !wanted.existing_deployments.contains(&brief.arn))
    {
        let Some(target) = brief.target_service_revision_arn.clone() else {
            continue;
        };
        let target_revisions = run.aws.describe_service_revisions(&[target]).await?;
        if !target_revisions
            .iter()
            .any(|revision| revision.task_definition == *wanted.revision)
        {
            continue;
        }
        let Some(deployment) = run.aws.describe_service_deployment(&brief.arn).await? else {
            continue;
        };
        match (marked_run(&deployment.deployment_configuration), wanted.run) {
            (_, None) => return Ok(DeploymentSearch::Ours(Box::new(deployment))),
            (Some(marked), Some(ours)) if marked == ours => {
                return Ok(DeploymentSearch::Ours(Box::new(deployment)));
            }
            (None, Some(_)) => unmarked = unmarked.or(Some(deployment)),
            (Some(_), Some(_)) => other = other.or(Some(deployment)),
        }
    }
    Ok(match (unmarked, other) {
        (Some(deployment), _) => DeploymentSearch::Ours(Box::new(deployment)),
        (None, Some(deployment)) => DeploymentSearch::OtherRuns(Box::new(deployment)),
        (None, None) => DeploymentSearch::Nothing,
    })
}
