//! Creating a deployment: its AppSpec, its description, and adopting it when the answer is lost.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::AwsError;
use crate::aws::codedeploy::NewDeployment;
use crate::documents::app_spec::{self, Content, ServiceParts};
use crate::error::{Explain, Failure};
use crate::event::Event;
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::{AppSpecPlan, CodeDeployWay};
use crate::run::Run;
use crate::settings::{IfRunning, Settings};
use crate::steps::revision::Revision;

/// The official action cuts descriptions here.
const DESCRIPTION: usize = 512;
/// What stands before the run id in a description.
pub const RUN: &str = "ecs-bluegreen run ";
/// What stands after the run id when the run has registered the revision.
pub const REGISTERED: &str = ", registered";
/// The longest job GitHub runs.
const LONGEST_WAIT: Duration = Duration::from_hours(6);
/// How far back a deployment whose answer was lost is looked for, besides those that are in progress.
const LOST: usize = 10;

/// CodeDeploy did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("CodeDeploy did not {what}")]
pub(super) struct CodeDeployError {
    pub(super) what: &'static str,
    pub(super) source: AwsError,
}

impl Explain for CodeDeployError {
    fn reason(&self) -> Reason {
        if self.source.is("DeploymentLimitExceeded") { Reason::AlreadyRunning } else { self.source.reason() }
    }

    fn hint(&self) -> Option<String> {
        let running = self.source.is("DeploymentLimitExceeded");
        running.then(|| "another deployment of the group is in progress: wait for it, or stop it".to_owned()).or_else(|| self.source.hint())
    }
}

pub(super) fn content(way: &CodeDeployWay, revision: &Revision) -> Result<Content, Failure> {
    match &way.app_spec {
        AppSpecPlan::Given(spec) => app_spec::fill(spec, &revision.arn, "codedeploy-appspec").map_err(|problems| {
            let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new(Reason::InvalidInputs, sentences.join("; "))
        }),
        AppSpecPlan::Built(parts) => Ok(Content::of(&app_spec::build(
            &revision.arn,
            &ServiceParts {
                container_name: &parts.container,
                container_port: parts.port,
                platform_version: parts.platform_version.as_deref(),
                capacity_providers: &parts.capacity_providers,
                network: parts.network.as_ref(),
            },
        ))),
    }
}

/// The user's words and our mark, within the limit: the run id is what a lost answer is found by, and whoever ends the deployment
/// learns from it whether the revision was made for it.
pub(super) fn description(given: Option<&str>, run: &str, revision: &Revision) -> String {
    let registered = if revision.registered { REGISTERED } else { "" };
    let mark = format!("[{RUN}{run}{registered}]");
    let Some(given) = given else { return mark };
    let room = DESCRIPTION - mark.chars().count() - 1;
    if given.chars().count() <= room {
        return format!("{given} {mark}");
    }
    let head: String = given.chars().take(room - 1).collect();
    format!("{head}… {mark}")
}

/// With `if-running: wait` another run may have been quicker: its deployment, or the rollback of one, is waited for too.
pub(super) async fn create(run: &Run, settings: &Settings, new: &NewDeployment<'_>) -> Result<String, Failure> {
    let began = Instant::now();
    let mut pace = Pace::new(settings.rollout.pace);
    let error = loop {
        match run.aws.create_deployment(new).await {
            Ok(id) => return Ok(id),
            Err(error) if error.is("DeploymentLimitExceeded") && may_wait(settings, began) => pace.rest().await,
            Err(error) => break error,
        }
    };
    if !error.may_have_landed() {
        run.disarm_newest();
        return Err(CodeDeployError { what: "create the deployment", source: error }.into());
    }
    run.tell(Event::Noted { sentence: format!("{error}; looking whether the deployment was created all the same") });
    match find(run, new.application, new.group, &run.id).await {
        Ok(Some(id)) => Ok(id),
        Ok(None) => run.aws.create_deployment(new).await.map_err(|source| CodeDeployError { what: "create the deployment", source }.into()),
        Err(source) => Err(CodeDeployError { what: "say whether the deployment was created", source }.into()),
    }
}

fn may_wait(settings: &Settings, began: Instant) -> bool {
    settings.control.if_running == IfRunning::Wait && began.elapsed() < settings.rollout.deadline.unwrap_or(LONGEST_WAIT)
}

/// The deployment of the group that carries a run's id. One that is in progress is looked for first: AWS promises no
/// order for the others.
pub async fn find(run: &Run, application: &str, group: &str, mark: &str) -> Result<Option<String>, AwsError> {
    let running = run.aws.running_deployments(application, group).await?;
    let latest = run.aws.latest_deployments(application, group).await?;
    for id in running.into_iter().chain(latest.into_iter().take(LOST)) {
        let description = run.aws.get_deployment(&id).await?.description;
        if [format!("{RUN}{mark}]"), format!("{RUN}{mark}{REGISTERED}]")].iter().any(|ours| description.contains(ours)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_is_cut_but_never_the_run_id() {
        let revision = |registered| Revision { arn: "api:2".into(), definition: serde_json::Value::Null, registered };
        let text = description(Some(&"x".repeat(600)), "7-1-ab", &revision(true));
        assert_eq!(text.chars().count(), DESCRIPTION);
        assert!(text.ends_with("… [ecs-bluegreen run 7-1-ab, registered]"));
        assert_eq!(description(Some("release 4"), "7-1-ab", &revision(false)), "release 4 [ecs-bluegreen run 7-1-ab]");
    }
}
