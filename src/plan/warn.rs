//! PURE: what the user should know before a deployment starts, and what refuses nothing.

use super::refuse::{is_rolling, requested_count};
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::registry::ImageName;
use crate::settings::Settings;
use crate::survey::{ImageFound, Snapshot};

/// No test covers a revision that no task runs.
pub(super) fn zero_tasks_warning(settings: &Settings, snapshot: &Snapshot) -> Option<String> {
    let service = snapshot
        .service
        .as_ref()
        .filter(|_| settings.mode.plans_deployment())?;
    let asked = requested_count(settings, service);
    let (count, is_asked) = (asked.unwrap_or(service.desired_count), asked.is_some());
    let why = if is_asked {
        "desired-count: 0"
    } else {
        "the service wants zero tasks"
    };
    (count == 0 && (is_asked || is_rolling(settings, snapshot)))
        .then(|| format!("{why}: no task will run, and nothing will be tested"))
}

/// What the user should know before it starts.
pub(super) fn find_warnings(settings: &Settings, snapshot: &Snapshot) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(service_deployment_warnings(snapshot));
    warnings.extend(
        snapshot
            .service
            .iter()
            .flat_map(|service| super::unused::find_warnings(settings, service)),
    );
    if let Some(ImageFound::ByName(name)) = &snapshot.image {
        warnings.push(image_by_name_warning(name));
    }
    warnings.extend(zero_tasks_warning(settings, snapshot));
    warnings.extend(early_termination_warning(settings, snapshot));
    warnings.extend(
        snapshot
            .service
            .as_ref()
            .and_then(|service| service_warning(service, snapshot)),
    );
    warnings
}

/// Nothing is known about the image but its name.
fn image_by_name_warning(name: &str) -> String {
    let pulled = name
        .parse::<ImageName>()
        .ok()
        .filter(|name| name.host().is_none())
        .and_then(|name| name.pull_name());
    let from = pulled
        .map(|pulled| format!(": ECS pulls {pulled} from Docker Hub"))
        .unwrap_or_default();
    format!(
        "{name} is not in the account's registry{from}; it is deployed by its name, which may come to mean another image; set repository to pin it"
    )
}

fn service_deployment_warnings(snapshot: &Snapshot) -> Vec<String> {
    let Some(service_deployments) = &snapshot.service_deployments else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    let completed = snapshot.service.as_ref().is_some_and(|service| {
        service
            .deployments
            .iter()
            .any(crate::aws::ecs_shapes::RollingDeployment::is_completed)
    });
    if !service_deployments.has_succeeded() && !completed {
        warnings.push("no deployment of the service ever succeeded: there is nothing to go back to when this one fails".to_owned());
    }
    warnings
}

/// Production tests come too late for a rollback if blue is already gone.
fn early_termination_warning(settings: &Settings, snapshot: &Snapshot) -> Option<String> {
    let group = snapshot.group.as_ref()?;
    let checks = &settings.checks;
    let is_tested =
        (checks.suite.is_some() && checks.production_url.is_some()) || checks.analysis.is_some();
    let hasty = is_tested && group.termination_minutes == 0;
    hasty.then(|| format!("group `{}` removes blue right after the shift: if green turns out to be worse, there is no blue to roll back to; let it keep blue for some minutes", settings.rollout.group))
}

fn service_warning(service: &Service, snapshot: &Snapshot) -> Option<String> {
    match service.controller() {
        DeploymentController::Ecs(_) => {
            let running = snapshot
                .running
                .as_ref()
                .filter(|running| running.deployment.is_replaceable() && !running.is_ours)?;
            Some(format!(
                "{}: this run's deployment replaces it, unless it deploys the same revision",
                running.describe()
            ))
        }
        DeploymentController::CodeDeploy => {
            let group = snapshot.group.as_ref()?;
            group.test_listeners.is_empty().then(|| "the deployment group has no test listener, so it cannot be checked that test-url leads to green".to_owned())
        }
        DeploymentController::Other(_) => None,
    }
}
