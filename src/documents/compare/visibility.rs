//! Which fields of a task definition are shown with their values. Any other field may hold a
//! secret, whatever its name; only whether it is new, changed or removed is shown.

use serde_json::Value;

use super::path::{FieldPath, PathSegment};

/// A field whose values are shown only when the user asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownField {
    /// The values of environment variables.
    Environment,
    /// The command.
    Command,
    /// The entry point.
    EntryPoint,
    /// The command of the container's health check.
    HealthCheck,
    /// The values of Docker labels.
    DockerLabels,
    /// The values of log options.
    LogOptions,
    /// The values of tags.
    Tags,
}

impl ShownField {
    /// The fields by the words of the input `show-values`.
    pub const WORDS: &[(&str, Self)] = &[
        ("environment", Self::Environment),
        ("command", Self::Command),
        ("entry-point", Self::EntryPoint),
        ("health-check", Self::HealthCheck),
        ("docker-labels", Self::DockerLabels),
        ("log-options", Self::LogOptions),
        ("tags", Self::Tags),
    ];

    fn pattern(self) -> &'static str {
        match self {
            Self::Environment => "containerDefinitions[].environment[].value",
            Self::Command => "containerDefinitions[].command",
            Self::EntryPoint => "containerDefinitions[].entryPoint",
            Self::HealthCheck => "containerDefinitions[].healthCheck.command",
            Self::DockerLabels => "containerDefinitions[].dockerLabels.*",
            Self::LogOptions => "containerDefinitions[].logConfiguration.options.*",
            Self::Tags => "tags[].value",
        }
    }
}

/// Sizes, switches, and identifiers that lead to something without giving it away. `[]` is any
/// item.
const ALWAYS_SHOWN: &[&str] = &[
    "family",
    "cpu",
    "memory",
    "networkMode",
    "taskRoleArn",
    "executionRoleArn",
    "requiresCompatibilities",
    "pidMode",
    "ipcMode",
    "enableFaultInjection",
    "ephemeralStorage.sizeInGiB",
    "runtimePlatform.cpuArchitecture",
    "runtimePlatform.operatingSystemFamily",
    "volumes[].efsVolumeConfiguration.fileSystemId",
    "volumes[].efsVolumeConfiguration.transitEncryption",
    "volumes[].efsVolumeConfiguration.authorizationConfig.iam",
    "containerDefinitions[].image",
    "containerDefinitions[].cpu",
    "containerDefinitions[].memory",
    "containerDefinitions[].memoryReservation",
    "containerDefinitions[].essential",
    "containerDefinitions[].privileged",
    "containerDefinitions[].readonlyRootFilesystem",
    "containerDefinitions[].interactive",
    "containerDefinitions[].pseudoTerminal",
    "containerDefinitions[].disableNetworking",
    "containerDefinitions[].startTimeout",
    "containerDefinitions[].stopTimeout",
    "containerDefinitions[].versionConsistency",
    "containerDefinitions[].portMappings[].containerPort",
    "containerDefinitions[].portMappings[].containerPortRange",
    "containerDefinitions[].portMappings[].hostPort",
    "containerDefinitions[].portMappings[].protocol",
    "containerDefinitions[].portMappings[].appProtocol",
    "containerDefinitions[].portMappings[].name",
    "containerDefinitions[].secrets[].valueFrom",
    "containerDefinitions[].logConfiguration.logDriver",
    "containerDefinitions[].logConfiguration.secretOptions[].valueFrom",
    "containerDefinitions[].dependsOn[].condition",
    "containerDefinitions[].mountPoints[].sourceVolume",
    "containerDefinitions[].mountPoints[].readOnly",
    "containerDefinitions[].volumesFrom[].readOnly",
    "containerDefinitions[].healthCheck.interval",
    "containerDefinitions[].healthCheck.timeout",
    "containerDefinitions[].healthCheck.retries",
    "containerDefinitions[].healthCheck.startPeriod",
    "containerDefinitions[].ulimits[].softLimit",
    "containerDefinitions[].ulimits[].hardLimit",
    "containerDefinitions[].linuxParameters.initProcessEnabled",
    "containerDefinitions[].linuxParameters.sharedMemorySize",
    "containerDefinitions[].linuxParameters.maxSwap",
    "containerDefinitions[].linuxParameters.swappiness",
    "containerDefinitions[].restartPolicy.enabled",
    "containerDefinitions[].restartPolicy.restartAttemptPeriod",
    "containerDefinitions[].restartPolicy.ignoredExitCodes",
];

/// Of a service's deployment configuration.
const SHOWN_OF_CONFIGURATION: &[&str] = &[
    "strategy",
    "bakeTimeInMinutes",
    "minimumHealthyPercent",
    "maximumPercent",
    "canaryConfiguration.canaryPercent",
    "canaryConfiguration.canaryBakeTimeInMinutes",
    "linearConfiguration.stepPercent",
    "linearConfiguration.stepBakeTimeInMinutes",
];

/// Whether this value may be shown: its field is known to hold no secret, or the user asked for it.
pub(super) fn is_shown(path: &FieldPath, value: &Value, also_shown: &[ShownField]) -> bool {
    let mut patterns = ALWAYS_SHOWN
        .iter()
        .chain(SHOWN_OF_CONFIGURATION)
        .copied()
        .chain(also_shown.iter().map(|field| field.pattern()));
    is_plain(value) && patterns.any(|pattern| matches_pattern(pattern, path.segments()))
}

/// A text, a number, a boolean, or a list of them, which is what the listed fields hold. Anything
/// else in such a field is not what it seems to be.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        Value::Array(items) => items
            .iter()
            .all(|item| !item.is_array() && !item.is_object()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn matches_pattern(pattern: &str, steps: &[PathSegment]) -> bool {
    let wanted = pattern
        .split('.')
        .flat_map(|part| match part.strip_suffix("[]") {
            Some(key) => vec![key, "[]"],
            None => vec![part],
        });
    let wanted: Vec<&str> = wanted.collect();
    wanted.len() == steps.len()
        && wanted
            .iter()
            .zip(steps)
            .all(|(wanted, step)| matches_segment(wanted, step))
}

fn matches_segment(wanted: &str, step: &PathSegment) -> bool {
    match step {
        PathSegment::Key(key) => wanted == "*" || wanted == key,
        PathSegment::Index(_) | PathSegment::Name(_) => wanted == "[]",
    }
}
