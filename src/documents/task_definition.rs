//! A task definition: the few values that other parts read, and the image that is set in it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parse::items;

/// The definition with this image in these containers.
pub fn with_image(definition: &Value, containers: &[String], image: &str) -> Value {
    let mut definition = definition.clone();
    let all = definition["containerDefinitions"].as_array_mut();
    for container in all.into_iter().flatten().filter(|container| {
        container["name"]
            .as_str()
            .is_some_and(|name| containers.iter().any(|wanted| wanted == name))
    }) {
        container["image"] = Value::from(image);
    }
    definition
}

/// A view of a task definition. Whatever is missing or of the wrong type reads as absent.
#[derive(Debug, Clone, Copy)]
pub struct TaskDefinition<'a>(pub &'a Value);

/// The roles of a task definition, as ARNs or names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles<'a> {
    /// `taskRoleArn`: the permissions of the containers.
    pub task: Option<&'a str>,
    /// `executionRoleArn`: the permissions of ECS itself, to pull images, read secrets and write
    /// logs.
    pub execution: Option<&'a str>,
}

impl<'a> TaskDefinition<'a> {
    /// The family's name.
    pub fn family(&self) -> Option<&'a str> {
        text(self.0, "family")
    }

    /// The containers in the order of the definition.
    pub fn containers(&self) -> impl Iterator<Item = ContainerDefinition<'a>> + use<'a> {
        items(self.0, "containerDefinitions")
            .iter()
            .map(ContainerDefinition)
    }

    /// The container of a name.
    pub fn container(&self, name: &str) -> Option<ContainerDefinition<'a>> {
        self.containers()
            .find(|container| container.name() == Some(name))
    }

    /// The containers that end the task when they exit.
    pub fn essential_containers(&self) -> impl Iterator<Item = ContainerDefinition<'a>> + use<'a> {
        self.containers().filter(ContainerDefinition::is_essential)
    }

    /// Every container's name, for a sentence: `api, sidecar`.
    pub fn container_names(&self) -> String {
        self.containers()
            .filter_map(|container| container.name())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Container name and image, for each container that has both.
    pub fn images(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.containers()
            .filter_map(|container| Some((container.name()?, container.image()?)))
    }

    /// The roles, as the definition writes them.
    pub fn roles(&self) -> Roles<'a> {
        Roles {
            task: text(self.0, "taskRoleArn"),
            execution: text(self.0, "executionRoleArn"),
        }
    }

    /// The network mode, when the definition gives one.
    pub fn network_mode(&self) -> Option<&'a str> {
        text(self.0, "networkMode")
    }
}

/// One entry of `containerDefinitions`.
#[derive(Debug, Clone, Copy)]
pub struct ContainerDefinition<'a>(pub &'a Value);

/// Why a log driver is non-blocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonBlocking {
    /// The task definition says so.
    Given,
    /// It says nothing, and ECS's default is meant.
    ByDefault,
}

/// Where a container's log goes with the `awslogs` driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwsLogs<'a> {
    /// The log group.
    pub group: &'a str,
    /// The region, when it is not the task's own.
    pub region: Option<&'a str>,
    /// The prefix of the stream, whose name is then `prefix/container/task-id`. Without a prefix
    /// the stream has the container's id on its instance, which cannot be known from outside.
    pub stream_prefix: Option<&'a str>,
}

impl<'a> ContainerDefinition<'a> {
    /// The name.
    pub fn name(&self) -> Option<&'a str> {
        text(self.0, "name")
    }

    /// The image reference.
    pub fn image(&self) -> Option<&'a str> {
        text(self.0, "image")
    }

    /// Whether the task ends with this container; ECS treats an absent `essential` as true.
    pub fn is_essential(&self) -> bool {
        self.0
            .get("essential")
            .and_then(Value::as_bool)
            .unwrap_or(true)
    }

    /// Whether the container exposes this port, given by number or inside a range.
    pub fn listens_on(&self, port: u64) -> bool {
        items(self.0, "portMappings")
            .iter()
            .any(|mapping| maps_port(mapping, port))
    }

    /// The ports as the definition writes them, for a sentence: `80, 8000-8010`.
    pub fn port_names(&self) -> String {
        let mappings = items(self.0, "portMappings").iter();
        mappings
            .filter_map(|mapping| {
                number(mapping, "containerPort")
                    .map(|port| port.to_string())
                    .or_else(|| text(mapping, "containerPortRange").map(str::to_owned))
            })
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether the log driver drops lines rather than to hold the container up, and its buffer where
    /// that is given. A driver without a mode has the account's, which is non-blocking unless
    /// somebody has changed it.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>
    pub fn non_blocking_log(&self) -> Option<(NonBlocking, Option<&'a str>)> {
        let options = self.0.get("logConfiguration")?.get("options");
        let option = |name| options.and_then(|options| text(options, name));
        let mode = match option("mode") {
            Some("blocking") => return None,
            Some(_) => NonBlocking::Given,
            None => NonBlocking::ByDefault,
        };
        Some((mode, option("max-buffer-size")))
    }

    /// The options of the `awslogs` driver, when that is the container's driver and it names a
    /// group.
    pub fn aws_logs(&self) -> Option<AwsLogs<'a>> {
        let configuration = self.0.get("logConfiguration")?;
        if text(configuration, "logDriver") != Some("awslogs") {
            return None;
        }
        let options = configuration.get("options")?;
        let option = |name| text(options, name);
        Some(AwsLogs {
            group: option("awslogs-group")?,
            region: option("awslogs-region"),
            stream_prefix: option("awslogs-stream-prefix"),
        })
    }
}

fn maps_port(mapping: &Value, port: u64) -> bool {
    let single = number(mapping, "containerPort") == Some(port);
    single || text(mapping, "containerPortRange").is_some_and(|range| is_in_range(range, port))
}

fn is_in_range(range: &str, port: u64) -> bool {
    let bounds = range
        .split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
    bounds.is_some_and(|(first, last): (u64, u64)| (first..=last).contains(&port))
}

/// The text under a key.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The whole number under a key, even if it is written as a text.
pub(super) fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition() -> Value {
        json!({
            "family": "api",
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "containerDefinitions": [
                { "name": "api", "image": "api:1", "portMappings": [{ "containerPort": 80 }, { "containerPortRange": "8000-8010" }],
                  "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/api", "awslogs-stream-prefix": "ecs" } } },
                { "name": "sidecar", "image": "sidecar:2", "essential": false, "logConfiguration": { "logDriver": "splunk" } },
            ],
        })
    }

    #[test]
    fn the_facts_are_read_from_the_definition() {
        let value = definition();
        let definition = TaskDefinition(&value);
        assert_eq!(definition.family(), Some("api"));
        assert_eq!(definition.container_names(), "api, sidecar");
        assert_eq!(
            definition.images().collect::<Vec<_>>(),
            [("api", "api:1"), ("sidecar", "sidecar:2")]
        );
        assert_eq!(
            definition.roles(),
            Roles {
                task: None,
                execution: Some("arn:aws:iam::123456789012:role/execution")
            }
        );
        assert_eq!(
            definition
                .essential_containers()
                .filter_map(|container| container.name())
                .collect::<Vec<_>>(),
            ["api"]
        );
        assert_eq!(definition.network_mode(), None);
    }

    #[test]
    fn a_container_listens_on_its_ports_and_ranges() {
        let value = definition();
        let container = TaskDefinition(&value).container("api").unwrap();
        assert!(
            container.listens_on(80) && container.listens_on(8000) && container.listens_on(8010)
        );
        assert!(!container.listens_on(81) && !container.listens_on(8011));
        assert_eq!(container.port_names(), "80, 8000-8010");
    }

    #[test]
    fn log_options_are_read_for_the_awslogs_driver_only() {
        let value = definition();
        let logs = |name| TaskDefinition(&value).container(name).unwrap().aws_logs();
        assert_eq!(
            logs("api"),
            Some(AwsLogs {
                group: "/ecs/api",
                region: None,
                stream_prefix: Some("ecs")
            })
        );
        assert_eq!(logs("sidecar"), None);
    }

    #[test]
    fn a_log_driver_without_a_mode_is_non_blocking_by_default() {
        let log = |configuration: Value| {
            let container = json!({ "name": "app", "logConfiguration": configuration });
            ContainerDefinition(&container)
                .non_blocking_log()
                .map(|(mode, buffer)| (mode, buffer.map(str::to_owned)))
        };
        let options = |options: Value| log(json!({ "logDriver": "awslogs", "options": options }));
        assert_eq!(options(json!({})), Some((NonBlocking::ByDefault, None)));
        assert_eq!(options(json!({ "mode": "blocking" })), None);
        assert_eq!(
            options(json!({ "mode": "non-blocking", "max-buffer-size": "25m" })),
            Some((NonBlocking::Given, Some("25m".to_owned())))
        );
        assert_eq!(
            ContainerDefinition(&json!({ "name": "app" })).non_blocking_log(),
            None
        );
    }

    #[test]
    fn nonsense_reads_as_absent() {
        for value in [
            json!(null),
            json!([]),
            json!({"containerDefinitions": {"a": 1}, "family": 5}),
            json!({"containerDefinitions": [1, null, {}]}),
        ] {
            let definition = TaskDefinition(&value);
            assert_eq!(
                (definition.family(), definition.images().count()),
                (None, 0)
            );
        }
    }
}
