//! CodeDeploy's group, its deployment in progress, and how it shifts traffic.

use super::{ReadError, Snapshot, in_progress, suggestions};
use crate::aws::AwsError;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::identity::{ApplicationName, DeploymentGroupName};
use crate::problem::Problem;
use crate::run::Run;
use crate::settings::Settings;

/// CodeDeploy's group, its deployment in progress, and how it shifts traffic.
pub(super) async fn read_codedeploy(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Result<Snapshot, ReadError> {
    let Some(service) =
        service.filter(|service| service.controller() == DeploymentController::CodeDeploy)
    else {
        return Ok(Snapshot::default());
    };
    let rollout = &settings.rollout;
    let (application, group) = (&rollout.application, &rollout.group);
    let (found, running) = tokio::join!(
        run.aws.get_deployment_group(application, group),
        in_progress::find_in_group(run, application, group, service)
    );
    let found = found.map_err(|error| explain_missing_group(error, application, group))?;
    let routing = suggestions::read_routing(run, settings, found.config.as_deref()).await?;
    Ok(Snapshot {
        group: Some(found),
        running,
        routing,
        ..Snapshot::default()
    })
}

fn explain_missing_group(
    error: AwsError,
    application: &ApplicationName,
    group: &DeploymentGroupName,
) -> ReadError {
    if error.has_code("DeploymentGroupDoesNotExist") {
        let remedy = "set codedeploy-deployment-group; its default is DgpECS-{cluster}-{service}";
        return ReadError::Problem(Problem::new(
            "codedeploy-deployment-group",
            format!("application `{application}` has no group `{group}`"),
            remedy,
        ));
    }
    if error.has_code("ApplicationDoesNotExist") {
        let remedy = "set codedeploy-application; its default is AppECS-{cluster}-{service}";
        return ReadError::Problem(Problem::new(
            "codedeploy-application",
            format!("there is no application `{application}`"),
            remedy,
        ));
    }
    error.into()
}
