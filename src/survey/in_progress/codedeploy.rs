//! A CodeDeploy deployment in progress.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::{DeploymentInProgress, RunningRollout};
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployStatus};
use crate::aws::ecs_shapes::Service;
use crate::aws::{AwsError, AwsErrorKind};
use crate::identity::{ApplicationName, DeploymentGroupName, DeploymentId, RolloutId};
use crate::rollout_kind::RolloutInProgress;
use crate::run::Run;
use crate::undo::ServiceKey;

/// A deployment of the group; none when it could not be read.
#[derive(Debug, Clone, Default)]
pub struct CodeDeployInProgress(pub Option<Box<CodeDeployDeployment>>);

impl RolloutInProgress for CodeDeployInProgress {
    fn stop_command(&self, id: &RolloutId) -> String {
        format!("by hand: aws deploy stop-deployment --deployment-id {id} --auto-rollback-enabled")
    }

    fn is_over<'r>(
        &'r self,
        run: &'r Run,
        _place: &'r ServiceKey,
        id: &'r RolloutId,
    ) -> LocalBoxFuture<'r, Result<bool, AwsError>> {
        async {
            let status = run.aws.get_deployment(&id.as_str().into()).await?.status;
            Ok(matches!(
                status,
                CodeDeployStatus::Succeeded | CodeDeployStatus::Failed | CodeDeployStatus::Stopped
            ))
        }
        .boxed_local()
    }

    /// It is never unmarked: its description carries the run id.
    fn may_be_unmarked(&self) -> bool {
        false
    }

    fn is_rollback(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|deployment| deployment.rolled_back_deployment.is_some())
    }
}

/// The deployment in progress of a group.
pub async fn find_in_group(
    run: &Run,
    application: &ApplicationName,
    group: &DeploymentGroupName,
    service: &Service,
) -> Option<RunningRollout> {
    let listed = run.aws.list_running_deployments(application, group).await;
    if listed
        .as_ref()
        .is_err_and(|error| error.kind == AwsErrorKind::Refused)
    {
        return None; // there is no such group, which GetDeploymentGroup reports better
    }
    let id = run
        .optional_read(
            "a deployment that runs already is only noticed when CodeDeploy refuses ours",
            listed,
        )?
        .into_iter()
        .next()?;
    let deployment = run.aws.get_deployment(&id).await.ok();
    Some(from_codedeploy(id, deployment, service))
}

fn from_codedeploy(
    id: DeploymentId,
    deployment: Option<CodeDeployDeployment>,
    service: &Service,
) -> RunningRollout {
    let run = deployment
        .as_ref()
        .and_then(|running| run_in_description(&running.description));
    // CodeDeploy shows every API caller as `user`.
    let by = |running: &CodeDeployDeployment| {
        run.as_ref().map_or_else(
            || running.creator.clone(),
            |run| format!("workflow run {run}"),
        )
    };
    let set = service
        .task_sets
        .iter()
        .find(|set| set.external_id.as_ref() == Some(&id));
    let from_content = || {
        deployment
            .as_ref()?
            .content
            .as_deref()
            .and_then(crate::documents::app_spec::read_task_definition)
    };
    RunningRollout {
        revision: set
            .map(|set| set.task_definition.clone())
            .or_else(from_content),
        is_registered: deployment
            .as_ref()
            .is_some_and(|running| has_registered(&running.description)),
        word: deployment.as_ref().map_or_else(
            || "not read".to_owned(),
            |running| running.raw_status.clone(),
        ),
        origin: deployment
            .as_ref()
            .map(|running| format!(", made {} by {}", running.created, by(running)))
            .unwrap_or_default(),
        run,
        id: id.into(),
        is_ours: false,
        hooks_before: None,
        deployment: DeploymentInProgress::CodeDeploy(CodeDeployInProgress(
            deployment.map(Box::new),
        )),
    }
}

/// The run id that `steps::rollout::codedeploy` wrote into a description.
fn run_in_description(description: &str) -> Option<String> {
    let after = description.rsplit_once(crate::aws::codedeploy::RUN_MARK)?.1;
    after
        .split([')', ']', ' ', ','])
        .next()
        .filter(|run| !run.is_empty())
        .map(str::to_owned)
}

/// Whether the description says that the run registered the revision.
pub fn has_registered(description: &str) -> bool {
    let mark = description
        .rsplit_once(crate::aws::codedeploy::RUN_MARK)
        .map(|(_, mark)| mark);
    mark.is_some_and(|mark| mark.contains(crate::aws::codedeploy::REGISTERED_MARK))
}
