//! PURE: inputs that are given and that this service's controller does not use. The official action
//! ignores them silently, so they are no reason to refuse; but their author expects them to have an
//! effect.

use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::settings::Settings;

/// A sentence for each kind of unused input.
pub(super) fn find_warnings(settings: &Settings, service: &Service) -> Vec<String> {
    if !settings.mode.plans_deployment() {
        return Vec::new();
    }
    match service.controller() {
        DeploymentController::CodeDeploy => codedeploy_warnings(settings),
        DeploymentController::Ecs(_) => ecs_warnings(settings),
        DeploymentController::Other(_) => Vec::new(),
    }
}

fn codedeploy_warnings(settings: &Settings) -> Vec<String> {
    let rollout = &settings.rollout;
    let given = [
        ("desired-count", rollout.desired_count.is_some()),
        (
            "propagate-tags",
            rollout
                .propagate_tags
                .as_deref()
                .is_some_and(|word| word != "NONE"),
        ),
        (
            "enable-ecs-managed-tags",
            rollout.enable_ecs_managed_tags == Some(true) && settings.task.is_none(),
        ),
        (
            "service-managed-ebs-volume",
            rollout.volume.configuration.is_some(),
        ),
    ];
    let given: Vec<&str> = given
        .into_iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(input, _)| input)
        .collect();
    let unread = unused_inputs_sentence(
        &given,
        "the service is deployed by CodeDeploy, which takes this from the service; use `aws ecs update-service`",
    );
    let idle = rollout.unread_app_spec.map(|name| {
        format!(
            "{name} is in the workspace and is not read: the AppSpec is built from the service; set codedeploy-appspec: {name} to use it"
        )
    });
    unread.into_iter().chain(idle).collect()
}

fn ecs_warnings(settings: &Settings) -> Vec<String> {
    unused_inputs_sentence(
        &settings.rollout.codedeploy_inputs,
        "the service is deployed by ECS itself, not by CodeDeploy",
    )
    .into_iter()
    .collect()
}

fn unused_inputs_sentence(given: &[&str], why: &str) -> Option<String> {
    let is = if given.len() == 1 { "is" } else { "are" };
    (!given.is_empty()).then(|| format!("{} {is} given and not used: {why}", given.join(", ")))
}
