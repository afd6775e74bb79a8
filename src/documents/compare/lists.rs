//! Matches the items of two lists.

use serde_json::{Map, Value};

use super::equality::to_text;

/// How a list is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKind {
    /// Items are identified by the values of these keys. AWS may reorder them.
    Named(&'static [&'static str]),
    /// A set of texts: the order has no meaning.
    Set,
    /// The order has a meaning.
    Sequence,
    /// A list that is newer than this table.
    Unknown,
}

/// How the list under a key is compared.
pub(super) fn list_kind(key: &str) -> ListKind {
    match key {
        "containerDefinitions"
        | "environment"
        | "secrets"
        | "secretOptions"
        | "ulimits"
        | "volumes"
        | "properties" => ListKind::Named(&["name"]),
        "portMappings" => ListKind::Named(&["containerPort", "containerPortRange", "protocol"]),
        "mountPoints" | "tmpfs" => ListKind::Named(&["containerPath"]),
        "volumesFrom" => ListKind::Named(&["sourceContainer"]),
        "dependsOn" => ListKind::Named(&["containerName"]),
        "extraHosts" => ListKind::Named(&["hostname"]),
        "systemControls" => ListKind::Named(&["namespace"]),
        "resourceRequirements" => ListKind::Named(&["type"]),
        "devices" => ListKind::Named(&["hostPath"]),
        "inferenceAccelerators" => ListKind::Named(&["deviceName"]),
        "placementConstraints" => ListKind::Named(&["type", "expression"]),
        "tags" => ListKind::Named(&["key"]),
        "requiresCompatibilities"
        | "links"
        | "add"
        | "drop"
        | "dockerSecurityOptions"
        | "credentialSpecs"
        | "ignoredExitCodes"
        | "mountOptions"
        | "permissions" => ListKind::Set,
        "command" | "entryPoint" | "dnsServers" | "dnsSearchDomains" | "environmentFiles" => {
            ListKind::Sequence
        }
        _ => ListKind::Unknown,
    }
}

/// The item of `right` that belongs to `left[index]`: the one with the same name; where a name
/// occurs several times, the one with the same position among them.
pub(super) fn find_matching_item<'a>(
    keys: &[&str],
    left: &[Value],
    index: usize,
    right: &'a [Value],
) -> Option<&'a Value> {
    let name = item_name(keys, left.get(index)?);
    let occurrence = left
        .iter()
        .take(index)
        .filter(|item| item_name(keys, item) == name)
        .count();
    right
        .iter()
        .filter(|item| item_name(keys, item) == name)
        .nth(occurrence)
}

/// The name of an item, for comparing and for showing: `80/tcp`.
pub(super) fn item_name(keys: &[&str], item: &Value) -> String {
    let part = |key: &&str| match item.get(key) {
        Some(value) => Some(to_text(value)),
        None if *key == "protocol" => Some("tcp".to_owned()),
        None => None,
    };
    keys.iter().filter_map(part).collect::<Vec<_>>().join("/")
}

/// The entries of an item that are not part of its name.
pub(super) fn entries_without_name(keys: &[&str], item: &Value) -> Map<String, Value> {
    let entries = item.as_object().into_iter().flatten();
    entries
        .filter(|(key, _)| !keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
