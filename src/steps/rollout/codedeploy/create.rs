//! Creating a deployment: its AppSpec, its description, and adopting it when the answer is lost.

use crate::aws::AwsError;
use crate::aws::codedeploy::NewDeployment;
use crate::aws::codedeploy::{REGISTERED_MARK, RUN_MARK};
use crate::aws::ecs_shapes::Service;
use crate::documents::app_spec::{self, Content, ServiceParts};
use crate::error::{Explain, Failure};
use crate::event::fact::{AwsFact, SoughtEffect};
use crate::identity::DeploymentId;
use crate::observe::own_deployments::find_by_run;
use crate::outcome::Reason;
use crate::plan::{AppSpecPlan, CodeDeployPlan};
use crate::run::{ArmedUndo, Run};
use crate::steps::revision::Revision;
use crate::steps::rollout::interrupted::Interrupted;
use crate::survey;

/// The official action cuts descriptions here.
const MAX_DESCRIPTION: usize = 512;

#[derive(Debug, thiserror::Error)]
#[error("CodeDeploy did not {what}")]
pub(super) struct CodeDeployError {
    pub(super) what: &'static str,
    pub(super) source: AwsError,
}

impl Explain for CodeDeployError {
    fn reason(&self) -> Reason {
        if self.source.has_code("DeploymentLimitExceeded") {
            Reason::AlreadyRunning
        } else {
            self.source.reason()
        }
    }

    fn hint(&self) -> Option<String> {
        let running = self.source.has_code("DeploymentLimitExceeded");
        running
            .then(|| {
                "another deployment of the group is in progress: wait for it, or stop it".to_owned()
            })
            .or_else(|| self.source.hint())
    }
}

pub(super) fn build_content(
    plan: &CodeDeployPlan,
    revision: &Revision,
) -> Result<Content, Failure> {
    match &plan.app_spec {
        AppSpecPlan::Given(spec) => {
            app_spec::fill_revision(spec, &revision.arn, "codedeploy-appspec").map_err(|problems| {
                let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Failure::new(Reason::InvalidInputs, sentences.join("; "))
            })
        }
        AppSpecPlan::Built(parts) => Ok(Content::from_app_spec(&app_spec::build(
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

/// The user's text and our mark, within the limit: by the run id a deployment whose answer was lost
/// is found, and a run that ends the deployment learns whether the revision was made for it.
pub(super) fn build_description(given: Option<&str>, run: &str, revision: &Revision) -> String {
    let registered = if revision.registered {
        REGISTERED_MARK
    } else {
        ""
    };
    let mark = format!("[{RUN_MARK}{run}{registered}]");
    let Some(given) = given else { return mark };
    let available = MAX_DESCRIPTION - mark.chars().count() - 1;
    if given.chars().count() <= available {
        return format!("{given} {mark}");
    }
    let head: String = given.chars().take(available - 1).collect();
    format!("{head}… {mark}")
}

/// Sends one CreateDeployment. Another run may have been quicker: a group has one deployment at a
/// time, or the rollback of one.
pub(super) async fn create(
    run: &Run,
    armed: ArmedUndo<'_>,
    new: &NewDeployment<'_>,
) -> Result<DeploymentId, Interrupted> {
    let error = match run.aws.create_deployment(new).await {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    if !error.may_have_landed() {
        armed.disarm();
        let is_busy = error.has_code("DeploymentLimitExceeded");
        let failure = Failure::from(CodeDeployError {
            what: "create the deployment",
            source: error,
        });
        return Err(if is_busy {
            Interrupted::Busy(explain_busy(run, new, failure).await)
        } else {
            failure.into()
        });
    }
    run.emit(AwsFact::AnswerLost {
        error: error.to_string().into(),
        effect: SoughtEffect::DeploymentCreated,
    });
    match find_by_run(run, new.application, new.group, &run.id).await {
        Ok(Some(id)) => Ok(id),
        Ok(None) => {
            let again = run.aws.create_deployment(new).await;
            again.map_err(|source| {
                Failure::from(CodeDeployError {
                    what: "create the deployment",
                    source,
                })
                .into()
            })
        }
        Err(source) => Err(Failure::from(CodeDeployError {
            what: "say whether the deployment was created",
            source,
        })
        .into()),
    }
}

/// Adds to the failure which deployment is in progress, and who started it.
async fn explain_busy(run: &Run, new: &NewDeployment<'_>, failure: Failure) -> Failure {
    match survey::find_in_group(run, new.application, new.group, &Service::default()).await {
        Some(running) => failure
            .with_cause(running.describe())
            .with_hint(running.stop_command()),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_is_cut_but_never_the_run_id() {
        let revision = |registered| Revision {
            arn: "api:2".into(),
            definition: serde_json::Value::Null,
            registered,
        };
        let text = build_description(Some(&"x".repeat(600)), "7-1-ab", &revision(true));
        assert_eq!(text.chars().count(), MAX_DESCRIPTION);
        assert!(text.ends_with("… [ecs-bluegreen run 7-1-ab, registered]"));
        assert_eq!(
            build_description(Some("release 4"), "7-1-ab", &revision(false)),
            "release 4 [ecs-bluegreen run 7-1-ab]"
        );
    }
}
