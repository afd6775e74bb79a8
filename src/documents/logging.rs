//! PURE: whether the log configurations of a task definition can work.

use serde_json::Value;

use super::task_definition::{ContainerDefinition, TaskDefinition, text};

/// The drivers that ECS knows (`LogDriver` of its API).
const DRIVERS: [&str; 8] = [
    "awslogs",
    "awsfirelens",
    "splunk",
    "json-file",
    "syslog",
    "journald",
    "gelf",
    "fluentd",
];
/// Those that Fargate has.
const ON_FARGATE: [&str; 3] = ["awslogs", "awsfirelens", "splunk"];

/// What is wrong with a container's log configuration, and what to do.
pub fn problems(definition: &Value, is_fargate: IsOnFargate) -> Vec<(String, String)> {
    let task = TaskDefinition(definition);
    let has_router = task
        .containers()
        .any(|container| container.0.get("firelensConfiguration").is_some());
    task.containers()
        .filter_map(|container| {
            let name = container.name().unwrap_or_default();
            let (why, remedy) = problem(container, is_fargate, has_router)?;
            Some((format!("container `{name}` {why}"), remedy))
        })
        .collect()
}

/// Whether the tasks run on Fargate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsOnFargate {
    /// They do.
    Yes,
    /// They do not, or it is not known.
    No,
}

fn problem(
    container: ContainerDefinition<'_>,
    is_fargate: IsOnFargate,
    has_router: bool,
) -> Option<(String, String)> {
    let configuration = container.0.get("logConfiguration")?;
    let driver = text(configuration, "logDriver")?;
    let option = |name: &str| {
        configuration
            .get("options")
            .and_then(|options| text(options, name))
    };
    if !DRIVERS.contains(&driver) {
        let remedy = format!("use one of {}", DRIVERS.join(", "));
        return Some((
            format!("has the log driver `{driver}`, which ECS does not have"),
            remedy,
        ));
    }
    if is_fargate == IsOnFargate::Yes && !ON_FARGATE.contains(&driver) {
        let remedy = format!("use one of {}", ON_FARGATE.join(", "));
        return Some((
            format!("has the log driver `{driver}`, which Fargate does not have"),
            remedy,
        ));
    }
    if driver == "awsfirelens" && !has_router {
        return Some((
            "logs to awsfirelens, and no container has a firelensConfiguration".to_owned(),
            "add the log router's container (aws-for-fluent-bit), or use the driver awslogs"
                .to_owned(),
        ));
    }
    let lacks = |name: &str| driver == "awslogs" && option(name).is_none();
    if lacks("awslogs-group") {
        return Some((
            "logs to awslogs without a group".to_owned(),
            "set the option awslogs-group".to_owned(),
        ));
    }
    // On Fargate streams need a prefix, and the region has no default.
    let missing = ["awslogs-region", "awslogs-stream-prefix"]
        .into_iter()
        .find(|name| lacks(name))
        .filter(|_| is_fargate == IsOnFargate::Yes)?;
    Some((
        format!("logs to awslogs without the option {missing}, which Fargate needs"),
        format!("set the option {missing}"),
    ))
}

/// A log group that must exist before a container starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededLogGroup {
    /// The container.
    pub container: String,
    /// The group's name.
    pub group: String,
    /// Its region, when it is not the task's own.
    pub region: Option<String>,
}

/// The log groups that must exist: a container with `awslogs-create-group` makes its own.
pub fn needed_groups(definition: &Value) -> Vec<NeededLogGroup> {
    TaskDefinition(definition)
        .containers()
        .filter_map(|container| {
            let logs = container.aws_logs()?;
            let creates = container.0["logConfiguration"]["options"]["awslogs-create-group"]
                .as_str()
                .is_some_and(|value| value.eq_ignore_ascii_case("true"));
            (!creates).then(|| NeededLogGroup {
                container: container.name().unwrap_or_default().to_owned(),
                group: logs.group.to_owned(),
                region: logs.region.map(str::to_owned),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(logging: &Value, is_fargate: IsOnFargate) -> Option<String> {
        let definition =
            json!({ "containerDefinitions": [{ "name": "app", "logConfiguration": logging }] });
        problems(&definition, is_fargate)
            .into_iter()
            .next()
            .map(|(why, _)| why)
    }

    #[test]
    fn what_cannot_log_is_named() {
        let whole = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p" } });
        let short = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g" } });
        let table = [
            (whole, IsOnFargate::Yes, None),
            (short.clone(), IsOnFargate::No, None),
            (
                short,
                IsOnFargate::Yes,
                Some("logs to awslogs without the option awslogs-region"),
            ),
            (
                json!({ "logDriver": "awslog" }),
                IsOnFargate::No,
                Some("has the log driver `awslog`"),
            ),
            (
                json!({ "logDriver": "json-file" }),
                IsOnFargate::Yes,
                Some("has the log driver `json-file`, which Fargate"),
            ),
            (json!({ "logDriver": "json-file" }), IsOnFargate::No, None),
            (
                json!({ "logDriver": "awslogs" }),
                IsOnFargate::No,
                Some("logs to awslogs without a group"),
            ),
            (
                json!({ "logDriver": "awsfirelens" }),
                IsOnFargate::Yes,
                Some("logs to awsfirelens, and no container"),
            ),
        ];
        for (logging, is_fargate, expected) in table {
            let found = told(&logging, is_fargate);
            let begin = expected.map(|begin| format!("container `app` {begin}"));
            assert_eq!(found.is_some(), begin.is_some(), "{logging}: {found:?}");
            assert!(
                found
                    .unwrap_or_default()
                    .starts_with(&begin.unwrap_or_default()),
                "{logging}"
            );
        }
    }

    #[test]
    fn a_group_that_the_driver_makes_need_not_exist() {
        let container = |create: &str| {
            json!({ "containerDefinitions": [{ "name": "app", "logConfiguration": { "logDriver": "awslogs",
                "options": { "awslogs-group": "g", "awslogs-create-group": create } } }] })
        };
        assert_eq!(needed_groups(&container("true")), []);
        assert_eq!(needed_groups(&container("false"))[0].group, "g");
    }
}
