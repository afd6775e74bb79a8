//! The alarms of a deployment, as they stand before it: those of the inputs, of the deployment
//! group and of the service, by one read.

use crate::alarm::Alarm;
use crate::aws::codedeploy_shapes::Group;
use crate::aws::ecs_shapes::Service;
use crate::run::Run;
use crate::settings::Settings;

/// The alarms there are.
#[derive(Debug, Clone, Default)]
pub struct Alarms {
    /// Those that end a deployment by AWS's own doing: of the CodeDeploy group, or of the service.
    pub own: Vec<String>,
    /// How those stand, and those of the inputs; none when they could not be read.
    pub found: Option<Vec<Alarm>>,
}

pub(super) async fn alarms(
    run: &Run,
    settings: &Settings,
    group: Option<&Group>,
    service: Option<&Service>,
) -> Alarms {
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
        return Alarms {
            own,
            found: Some(Vec::new()),
        };
    }
    let found = run.optional_read(
        "alarms that ring before the start are not noticed",
        run.aws.alarms(&names).await,
    );
    Alarms { own, found }
}
