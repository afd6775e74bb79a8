//! Finds values in an `AppSpec`, whose keys people write in any case.

use serde_json::{Map, Value};

use crate::documents::task_definition::{ContainerDefinition, TaskDefinition, number, text};
use crate::problem::Problem;

/// JSON pointers to the properties of every resource, or the official message about what is
/// missing.
pub(super) fn find_targets(app_spec: &Value) -> Result<Vec<String>, String> {
    let (key, resources) = find_entry(app_spec, "resources")?;
    let resources = resources.as_array().ok_or_else(|| {
        format!("AppSpec file must include property 'resources' as a list, `{key}` is none")
    })?;
    let mut targets = Vec::new();
    for (index, resource) in resources.iter().enumerate() {
        for (name, contents) in resource.as_object().into_iter().flatten() {
            let (properties_key, properties) = find_entry(contents, "properties")?;
            find_entry(properties, "taskDefinition")?;
            targets.push(format!(
                "/{}/{index}/{}/{}",
                escape_pointer(key),
                escape_pointer(name),
                escape_pointer(properties_key)
            ));
        }
    }
    if targets.is_empty() {
        Err(format!("AppSpec file has no resource in `{key}`"))
    } else {
        Ok(targets)
    }
}

fn find_entry<'a>(value: &'a Value, name: &str) -> Result<(&'a str, &'a Value), String> {
    let found = value
        .as_object()
        .and_then(|entries| entries.iter().find(|(key, _)| is_same_key(key, name)));
    found
        .map(|(key, value)| (key.as_str(), value))
        .ok_or_else(|| format!("AppSpec file must include property '{name}'"))
}

/// The key as it is written in these entries.
pub(super) fn key_of(entries: &Map<String, Value>, name: &str) -> Option<String> {
    entries.keys().find(|key| is_same_key(key, name)).cloned()
}

fn is_same_key(key: &str, name: &str) -> bool {
    key.to_lowercase() == name.to_lowercase()
}

fn escape_pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The container and port to which traffic goes.
pub(super) struct LoadBalancerInfo {
    container: String,
    port: Option<u64>,
}

/// The load balancer part of the properties at a pointer, when it names a container.
pub(super) fn find_load_balancer(app_spec: &Value, pointer: &str) -> Option<LoadBalancerInfo> {
    let (_, information) = find_entry(app_spec.pointer(pointer)?, "loadBalancerInfo").ok()?;
    let entries = information.as_object()?;
    let container = text(information, &key_of(entries, "containerName")?)?.to_owned();
    Some(LoadBalancerInfo {
        container,
        port: key_of(entries, "containerPort").and_then(|key| number(information, &key)),
    })
}

/// CodeDeploy accepts an `AppSpec` without them, but then its green never receives traffic.
pub(super) fn check_load_balancer(app_spec: &Value, pointer: &str, input: &str) -> Option<Problem> {
    let missing = match find_load_balancer(app_spec, pointer) {
        Some(LoadBalancerInfo { port: Some(_), .. }) => return None,
        Some(_) => "ContainerPort in LoadBalancerInfo",
        None => "LoadBalancerInfo with ContainerName and ContainerPort",
    };
    let resource = pointer
        .split('/')
        .nth(3)
        .unwrap_or_default()
        .replace("~1", "/")
        .replace("~0", "~");
    let message = format!(
        "the resource `{}` has no {missing}, so no traffic could be sent to green",
        resource.escape_debug()
    );
    let remedy = "Add LoadBalancerInfo: {ContainerName: …, ContainerPort: …} to its Properties, as the service's load balancer has them";
    Some(Problem::new(input, message, remedy))
}

impl LoadBalancerInfo {
    /// What does not match the task definition; none if all of it does.
    pub(super) fn find_problem(
        &self,
        definition: TaskDefinition<'_>,
        input: &str,
    ) -> Option<Problem> {
        match definition.container(&self.container) {
            None => Some(self.no_container_problem(definition, input)),
            Some(container) => self
                .port
                .filter(|port| !container.listens_on(*port))
                .map(|port| self.no_port_problem(port, container, input)),
        }
    }

    fn no_container_problem(&self, definition: TaskDefinition<'_>, input: &str) -> Problem {
        let message = format!(
            "ContainerName `{}` is not in the task definition",
            self.container
        );
        Problem::new(
            input,
            message,
            format!(
                "The task definition has the containers {}",
                definition.container_names()
            ),
        )
    }

    fn no_port_problem(
        &self,
        port: u64,
        container: ContainerDefinition<'_>,
        input: &str,
    ) -> Problem {
        let message = format!(
            "ContainerPort {port} is not in the portMappings of container `{}`",
            self.container
        );
        let remedy = match container.port_names() {
            ports if ports.is_empty() => {
                format!("Add a port mapping with containerPort {port} to the container")
            }
            ports => format!("The container has the ports {ports}"),
        };
        Problem::new(input, message, remedy)
    }
}
