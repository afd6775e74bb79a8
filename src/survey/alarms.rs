//! The alarms of a deployment and their states before it: those of the inputs, of the deployment
//! group and of the service, with one request.

use crate::alarm::Alarm;
use crate::aws::codedeploy_shapes::DeploymentGroup;
use crate::aws::ecs_shapes::Service;
use crate::run::Run;
use crate::settings::Settings;

/// The alarms of a deployment.
#[derive(Debug, Clone, Default)]
pub struct SurveyedAlarms {
    /// The alarms with which AWS itself ends a deployment: those of the CodeDeploy group or of the
    /// service.
    pub own: Vec<String>,
    /// The states of these alarms and of those in the inputs; none when they could not be read.
    pub found: Option<Vec<Alarm>>,
}

pub(super) async fn read_alarms(
    run: &Run,
    settings: &Settings,
    group: Option<&DeploymentGroup>,
    service: Option<&Service>,
) -> SurveyedAlarms {
    let own: Vec<String> = group
        .map(|group| group.alarms.clone())
        .or_else(|| service.map(Service::alarms))
        .unwrap_or_default();
    let mut names = settings.checks.alarms.watched.clone();
    names.extend(
        own.iter()
            .filter(|name| !settings.checks.alarms.watched.contains(name))
            .cloned(),
    );
    if names.is_empty() {
        return SurveyedAlarms {
            own,
            found: Some(Vec::new()),
        };
    }
    let found = run.optional_read(
        "alarms that are in ALARM before the start are not noticed",
        run.aws.describe_alarms(&names).await,
    );
    SurveyedAlarms { own, found }
}
