//! A rollout of the service that is in progress when the run begins: what it is, since when, and by
//! whom.

use serde_json::Value;

use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::CodeDeployDeployment;
use crate::aws::ecs_rollout_shapes::{Brief, DeploymentStatus, ServiceDeployment};
use crate::aws::ecs_shapes::{self, Service};
use crate::aws::{AwsError, AwsErrorKind};
use crate::documents::deployment_configuration::{
    KnownHooks, Pause, hooks_in, is_registered_in, run_in as run_in_hooks,
};
use crate::run::Run;

/// A rollout in progress.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its id: CodeDeploy's, or the service deployment's ARN, or `ecs-svc/…`.
    pub id: String,
    /// The revision it brings, where that is known.
    pub revision: Option<String>,
    /// The run of ours that started it, where it was one.
    pub run: Option<String>,
    /// Whether that run has registered the revision for it.
    pub is_registered: bool,
    /// AWS's word for where it is.
    pub word: String,
    /// Since when and by whom, as far as AWS tells.
    pub origin: String,
    /// Whether an earlier attempt of this very workflow run started it, so that it is continued.
    pub is_ours: bool,
    /// The hooks of the deployment that succeeded before it, where ours can only be told by that.
    pub hooks_before: Option<Vec<Value>>,
    /// The thing itself.
    pub thing: Thing,
}

/// Whose rollout it is.
#[derive(Debug, Clone)]
pub enum Thing {
    /// CodeDeploy's; none when it could not be read.
    CodeDeploy(Option<Box<CodeDeployDeployment>>),
    /// ECS's own.
    Ecs(Box<ServiceDeployment>),
    /// A deployment of a rolling service.
    Rolling,
}

impl Running {
    /// In a sentence.
    pub fn words(&self) -> String {
        let brings = self
            .revision
            .as_deref()
            .map(|revision| format!(" of {}", short_name(revision)))
            .unwrap_or_default();
        format!(
            "deployment {}{brings} is in progress ({}{})",
            short_name(&self.id),
            self.word,
            self.origin
        )
    }

    /// Marks what an earlier attempt of this workflow run started. A deployment of ECS's that has
    /// no gate of ours carries no run: it is taken for ours when the job is run again, until it is
    /// known to bring another revision.
    pub(super) fn claimed(self, run: &Run) -> Self {
        let may_be_ours = self.is_unmarked() && run.runner.is_rerun();
        let is_ours = may_be_ours || self.is_of_workflow(&run.id);
        Self { is_ours, ..self }
    }

    /// Whether it is this run's, now that the revision to deploy is known: what carries no run and
    /// brings another one is not.
    pub fn is_of(&mut self, revision: &str) -> bool {
        let is_other = self.revision.as_deref() != Some(revision);
        self.is_ours &= !(self.is_unmarked() && is_other);
        self.is_ours
    }

    fn is_unmarked(&self) -> bool {
        self.run.is_none() && matches!(self.thing, Thing::Rolling | Thing::Ecs(_))
    }

    /// Whether it is on its way back already.
    pub fn is_returning(&self) -> bool {
        matches!(&self.thing, Thing::Ecs(deployment) if deployment.status() == DeploymentStatus::Returning)
    }

    /// How a person would stop it.
    pub fn stop_command(&self) -> String {
        match &self.thing {
            Thing::CodeDeploy(_) => format!(
                "by hand: aws deploy stop-deployment --deployment-id {} --auto-rollback-enabled",
                self.id
            ),
            Thing::Ecs(_) => {
                format!(
                    "by hand: aws ecs stop-service-deployment --service-deployment-arn {} --stop-type ROLLBACK",
                    self.id
                )
            }
            Thing::Rolling => {
                "by hand: aws ecs update-service with the task definition that is to stay"
                    .to_owned()
            }
        }
    }

    /// Whether a former attempt of the same workflow run started it: the job is run again.
    pub fn is_of_workflow(&self, ours: &str) -> bool {
        self.run
            .as_deref()
            .is_some_and(|run| is_earlier_attempt(run, ours))
    }
}

/// Whether a run is a former attempt of the workflow run that is ours.
pub fn is_earlier_attempt(run: &str, ours: &str) -> bool {
    let Some((workflow, attempt)) = attempt_of(run) else {
        return false;
    };
    attempt_of(ours).is_some_and(|(own, now)| own == workflow && now > attempt)
}

/// `1234-2-abcd` → workflow run 1234, attempt 2.
fn attempt_of(run: &str) -> Option<(&str, u32)> {
    let (workflow, rest) = run.split_once('-')?;
    Some((workflow, rest.split('-').next()?.parse().ok()?))
}

/// CodeDeploy's.
pub async fn of_group(
    run: &Run,
    application: &str,
    group: &str,
    service: &Service,
) -> Option<Running> {
    let listed = run.aws.running_deployments(application, group).await;
    if listed
        .as_ref()
        .is_err_and(|error| error.kind == AwsErrorKind::Refused)
    {
        return None; // there is no such group, which GetDeploymentGroup tells better
    }
    let id = run
        .optional_read(
            "a deployment that runs already is only noticed when CodeDeploy refuses ours",
            listed,
        )?
        .into_iter()
        .next()?;
    let deployment = run.aws.get_deployment(&id).await.ok();
    Some(codedeploy(id, deployment, service))
}

fn codedeploy(id: String, deployment: Option<CodeDeployDeployment>, service: &Service) -> Running {
    let run = deployment
        .as_ref()
        .and_then(|running| run_in(&running.description));
    // CodeDeploy calls whoever called it `user`.
    let by = |running: &CodeDeployDeployment| {
        run.as_ref().map_or_else(
            || running.creator.clone(),
            |run| format!("workflow run {run}"),
        )
    };
    let set = service
        .task_sets
        .iter()
        .find(|set| set.external_id.as_deref() == Some(id.as_str()));
    let from_content = || {
        deployment
            .as_ref()?
            .content
            .as_deref()
            .and_then(crate::documents::app_spec::task_definition_of)
    };
    Running {
        revision: set
            .map(|set| set.task_definition.clone())
            .or_else(from_content),
        is_registered: deployment
            .as_ref()
            .is_some_and(|running| has_registered(&running.description)),
        word: deployment
            .as_ref()
            .map_or_else(|| "not read".to_owned(), |running| running.word.clone()),
        origin: deployment
            .as_ref()
            .map(|running| format!(", made {} by {}", running.created, by(running)))
            .unwrap_or_default(),
        run,
        id,
        is_ours: false,
        hooks_before: None,
        thing: Thing::CodeDeploy(deployment.map(Box::new)),
    }
}

/// The run id that `steps::rollout::codedeploy` wrote into a description.
fn run_in(description: &str) -> Option<String> {
    let after = description.rsplit_once(crate::aws::codedeploy::RUN_MARK)?.1;
    after
        .split([')', ']', ' ', ','])
        .next()
        .filter(|run| !run.is_empty())
        .map(str::to_owned)
}

/// Whether the run in a description says that it has registered the revision.
pub fn has_registered(description: &str) -> bool {
    let mark = description
        .rsplit_once(crate::aws::codedeploy::RUN_MARK)
        .map(|(_, mark)| mark);
    mark.is_some_and(|mark| mark.contains(crate::aws::codedeploy::REGISTERED))
}

/// ECS's own; `tagged` is the hook of ours that the service's tag tells of.
pub(super) fn ecs_rollout(
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
        thing: Thing::Ecs(Box::new(deployment)),
    }
}

/// A rolling service's.
pub(super) fn rolling(deployment: &ecs_shapes::RollingDeployment) -> Running {
    Running {
        id: deployment.id.clone(),
        revision: Some(deployment.task_definition.clone()),
        run: None,
        is_registered: false,
        word: deployment.rollout_state.clone().unwrap_or_default(),
        origin: format!(", made {}", crate::clock::at(deployment.created_at)),
        is_ours: false,
        hooks_before: None,
        thing: Thing::Rolling,
    }
}

/// What a deployment that the list shows in progress turns out to be.
pub(super) enum Listed {
    Going(Box<Running>),
    /// It has ended since, with AWS's word for how.
    Over(String),
    Missing,
}

/// Reads what runs, for a service of ECS.
pub(super) async fn read(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn started_by(run: &str) -> Running {
        Running {
            id: "d-1".into(),
            revision: None,
            run: Some(run.into()),
            is_registered: false,
            word: "Ready".into(),
            origin: String::new(),
            is_ours: false,
            hooks_before: None,
            thing: Thing::CodeDeploy(None),
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
