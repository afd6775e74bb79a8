//! PURE: the container and the port that the load balancer reaches are in the definition.

use serde_json::Value;

use super::{LineResult, Subject};
use crate::aws::ecs_shapes::{DeploymentController, LoadBalancer, Service};
use crate::documents::task_definition::TaskDefinition;
use crate::settings::AppSpecSource;

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let (Some(service), Some(definition)) = (&subject.snapshot.service, subject.definition) else {
        return vec![LineResult::skipped(
            "no service is given, or no task definition could be made",
        )];
    };
    let is_in_app_spec = service.controller() == DeploymentController::CodeDeploy
        && !matches!(subject.settings.rollout.app_spec, AppSpecSource::Built);
    if is_in_app_spec {
        return vec![LineResult::skipped("the AppSpec names them")];
    }
    let reached: Vec<(&str, u16)> = balancers(service)
        .iter()
        .filter_map(|balancer| {
            Some((
                balancer.container_name.as_deref()?,
                balancer.container_port?,
            ))
        })
        .collect();
    if reached.is_empty() {
        return vec![LineResult::skipped("no load balancer reaches the service")];
    }
    let findings: Vec<LineResult> = reached
        .iter()
        .filter_map(|(name, port)| look_at(service, definition, name, *port))
        .collect();
    if findings.is_empty() {
        let names: Vec<String> = reached
            .iter()
            .map(|(name, port)| format!("{name}:{port}"))
            .collect();
        return vec![LineResult::Ok(format!(
            "{} is in the definition",
            names.join(", ")
        ))];
    }
    findings
}

fn balancers(service: &Service) -> &[LoadBalancer] {
    service
        .primary_task_set()
        .map_or(&service.load_balancers, |set| &set.load_balancers)
}

fn look_at(service: &Service, definition: &Value, name: &str, port: u16) -> Option<LineResult> {
    let task = TaskDefinition(definition);
    let Some(container) = task.container(name) else {
        // CodeDeploy's AppSpec cannot be built then, which is refused already.
        let is_told = service.controller() == DeploymentController::CodeDeploy;
        return (!is_told).then(|| {
            LineResult::failed(
                "task-definition",
                format!(
                    "the service's load balancer needs container `{name}`, but the definition has {}",
                    task.container_names()
                ),
                "name the container as the service does",
            )
        });
    };
    (!container.listens_on(u64::from(port))).then(|| {
        let there = container.port_names();
        let has = if there.is_empty() {
            "it has no portMappings".to_owned()
        } else {
            format!("it has {there}")
        };
        LineResult::failed(
            "task-definition",
            format!("the load balancer reaches container `{name}` at port {port}, and {has}"),
            format!("add {{ \"containerPort\": {port} }} to its portMappings"),
        )
    })
}
