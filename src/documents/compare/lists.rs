//! Which items of two lists belong together.

use serde_json::{Map, Value};

use super::same::text_of;

/// How the order of a list is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Items have names: the keys that make one up. AWS may reorder them.
    Named(&'static [&'static str]),
    /// Texts without an order.
    Set,
    /// The order is the meaning.
    Sequence,
    /// A list that is newer than this table.
    Unknown,
}

/// How the list under a key is to be taken.
pub(super) fn kind_of(key: &str) -> Kind {
    match key {
        "containerDefinitions" | "environment" | "secrets" | "secretOptions" | "ulimits" | "volumes" | "properties" => {
            Kind::Named(&["name"])
        }
        "portMappings" => Kind::Named(&["containerPort", "containerPortRange", "protocol"]),
        "mountPoints" | "tmpfs" => Kind::Named(&["containerPath"]),
        "volumesFrom" => Kind::Named(&["sourceContainer"]),
        "dependsOn" => Kind::Named(&["containerName"]),
        "extraHosts" => Kind::Named(&["hostname"]),
        "systemControls" => Kind::Named(&["namespace"]),
        "resourceRequirements" => Kind::Named(&["type"]),
        "devices" => Kind::Named(&["hostPath"]),
        "inferenceAccelerators" => Kind::Named(&["deviceName"]),
        "placementConstraints" => Kind::Named(&["type", "expression"]),
        "tags" => Kind::Named(&["key"]),
        "requiresCompatibilities"
        | "links"
        | "add"
        | "drop"
        | "dockerSecurityOptions"
        | "credentialSpecs"
        | "ignoredExitCodes"
        | "mountOptions"
        | "permissions" => Kind::Set,
        "command" | "entryPoint" | "dnsServers" | "dnsSearchDomains" | "environmentFiles" => Kind::Sequence,
        _ => Kind::Unknown,
    }
}

/// The item of `right` that belongs to `left[index]`: with the same name, and where a name stands twice, in the same turn.
pub(super) fn partner<'a>(keys: &[&str], left: &[Value], index: usize, right: &'a [Value]) -> Option<&'a Value> {
    let name = name_of(keys, left.get(index)?);
    let turn = left.iter().take(index).filter(|item| name_of(keys, item) == name).count();
    right.iter().filter(|item| name_of(keys, item) == name).nth(turn)
}

/// The name of an item, for comparing and for showing: `80/tcp`.
pub(super) fn name_of(keys: &[&str], item: &Value) -> String {
    let part = |key: &&str| match item.get(key) {
        Some(value) => Some(text_of(value)),
        None if *key == "protocol" => Some("tcp".to_owned()),
        None => None,
    };
    keys.iter().filter_map(part).collect::<Vec<_>>().join("/")
}

/// The entries of an item that do not belong to its name.
pub(super) fn beyond_the_name(keys: &[&str], item: &Value) -> Map<String, Value> {
    let entries = item.as_object().into_iter().flatten();
    entries.filter(|(key, _)| !keys.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect()
}
