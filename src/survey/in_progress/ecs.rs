//! A service deployment of ECS's own that is in progress.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::{DeploymentInProgress, Running};
use crate::aws::AwsError;
use crate::aws::ecs_rollout_shapes::{Brief, DeploymentStatus, ServiceDeployment};
use crate::documents::deployment_configuration::{
    KnownHooks, Pause, hooks_in, is_registered_in, run_in as run_in_hooks,
};
use crate::rollout_kind::RolloutInProgress;
use crate::run::Run;
use crate::undo::ServiceKey;

impl RolloutInProgress for ServiceDeployment {
    fn stop_command(&self, id: &str) -> String {
        format!(
            "by hand: aws ecs stop-service-deployment --service-deployment-arn {id} --stop-type ROLLBACK"
        )
    }

    fn is_over<'r>(
        &'r self,
        run: &'r Run,
        _place: &'r ServiceKey,
        id: &'r str,
    ) -> LocalBoxFuture<'r, Result<bool, AwsError>> {
        async {
            let now = run.aws.describe_service_deployment(id).await?;
            Ok(now.is_none_or(|deployment| deployment.is_over()))
        }
        .boxed_local()
    }

    fn is_returning(&self) -> bool {
        self.status() == DeploymentStatus::Returning
    }

    fn source(&self) -> Option<&str> {
        self.source_service_revisions
            .first()
            .map(|source| source.arn.as_str())
    }

    fn configuration(&self) -> Option<&Value> {
        Some(&self.deployment_configuration)
    }
}

/// What is known of it; `tagged` is the hook of ours that the service's tag tells of.
fn ecs_rollout(
    deployment: ServiceDeployment,
    revision: Option<String>,
    tagged: Option<&Pause>,
) -> Running {
    let known = KnownHooks::by_form(tagged);
    let run = run_in_hooks(&deployment.deployment_configuration, known).map(str::to_owned);
    let stage = if deployment.stage().is_empty() {
        String::new()
    } else {
        format!(" at {}", deployment.stage())
    };
    let by = run
        .as_deref()
        .map(|run| format!(", by workflow run {run}"))
        .unwrap_or_default();
    Running {
        id: deployment.arn.clone(),
        revision,
        is_registered: is_registered_in(&deployment.deployment_configuration, known),
        word: format!("{}{stage}", deployment.word),
        origin: format!(", made {}{by}", crate::clock::at(deployment.created_at)),
        run,
        is_ours: false,
        hooks_before: None,
        deployment: DeploymentInProgress::Ecs(Box::new(deployment)),
    }
}

/// What a deployment that the list shows in progress turns out to be.
pub(in crate::survey) enum Listed {
    Going(Box<Running>),
    /// It has ended since, with AWS's word for how.
    Over(String),
    Missing,
}

/// Reads what runs, for a service of ECS.
pub(in crate::survey) async fn read(
    run: &Run,
    arn: &str,
    history: &[Brief],
    tagged: Option<&Pause>,
) -> Result<Listed, AwsError> {
    let Some(deployment) = run.aws.describe_service_deployment(arn).await? else {
        return Ok(Listed::Missing);
    };
    if deployment.is_over() {
        return Ok(Listed::Over(deployment.word));
    }
    let target = run
        .aws
        .describe_service_revisions(&[deployment.target().to_owned()])
        .await?;
    let revision = target
        .into_iter()
        .next()
        .map(|revision| revision.task_definition);
    let mut running = ecs_rollout(deployment, revision, tagged);
    if running.is_unmarked() && run.runner.is_rerun() {
        running.hooks_before = hooks_before(run, arn, history).await;
    }
    Ok(Listed::Going(Box::new(running)))
}

/// What the deployment that succeeded before it had: a hook that is not among them came with it.
async fn hooks_before(run: &Run, arn: &str, history: &[Brief]) -> Option<Vec<Value>> {
    let mut older = history.iter().skip_while(|brief| brief.arn != arn);
    let former = older.find(|brief| brief.status() == DeploymentStatus::Successful)?;
    let read = run.aws.describe_service_deployment(&former.arn).await;
    let former = run
        .optional_read(
            "which PAUSE hooks the earlier attempt added is not known",
            read,
        )
        .flatten()?;
    Some(hooks_in(Some(&former.deployment_configuration)))
}
