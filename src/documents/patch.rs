//! PURE: what the configuration file changes in a task definition, by container and for the whole
//! task. It is merged before the inputs of the workflow are, so that those win.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clean::items_mut;
use super::pairs::Pair;
use super::render;
use super::task_definition::{TaskDefinition, text};
use crate::problem::{Position, Problem};

/// A field of the task definition that the file may set.
#[derive(Debug, Clone, Copy)]
pub struct PatchField {
    /// Its key in the file.
    pub key: &'static str,
    /// Its name in the task definition.
    pub name: &'static str,
    /// What it may be.
    pub kind: PatchKind,
    /// Its description.
    pub text: &'static str,
}

/// What a field may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// A mapping of names to texts: names that the task definition has besides stay.
    Pairs,
    /// A list of texts.
    Words,
    /// A whole number from 1.
    Number,
}

/// The fields of a container.
pub const CONTAINER_FIELDS: [PatchField; 8] = [
    PatchField {
        key: "environment",
        name: "environment",
        kind: PatchKind::Pairs,
        text: "Environment variables by name. One that is a secret in the task definition is no longer.",
    },
    PatchField {
        key: "secrets",
        name: "secrets",
        kind: PatchKind::Pairs,
        text: "Secrets by name: the ARN in Secrets Manager or Parameter Store.",
    },
    PatchField {
        key: "docker-labels",
        name: "dockerLabels",
        kind: PatchKind::Pairs,
        text: "Docker labels by name.",
    },
    PatchField {
        key: "command",
        name: "command",
        kind: PatchKind::Words,
        text: "The command, word by word, in the place of the one there was.",
    },
    PatchField {
        key: "cpu",
        name: "cpu",
        kind: PatchKind::Number,
        text: "CPU units of the container; 1024 are one vCPU.",
    },
    PatchField {
        key: "memory",
        name: "memory",
        kind: PatchKind::Number,
        text: "MiB of memory at which the container is killed.",
    },
    PatchField {
        key: "memory-reservation",
        name: "memoryReservation",
        kind: PatchKind::Number,
        text: "MiB of memory that are reserved for the container.",
    },
    PatchField {
        key: "stop-timeout",
        name: "stopTimeout",
        kind: PatchKind::Number,
        text: "Seconds between SIGTERM and SIGKILL.",
    },
];

/// The fields of the whole task.
pub const TASK_FIELDS: [PatchField; 3] = [
    PatchField {
        key: "cpu",
        name: "cpu",
        kind: PatchKind::Number,
        text: "CPU units of the task; 1024 are one vCPU.",
    },
    PatchField {
        key: "memory",
        name: "memory",
        kind: PatchKind::Number,
        text: "MiB of memory of the task.",
    },
    PatchField {
        key: "ephemeral-storage",
        name: "ephemeralStorage",
        kind: PatchKind::Number,
        text: "GiB of the task's disk on Fargate, 21 to 200.",
    },
];

/// What a field is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchValue {
    /// Names and their values.
    Pairs(Vec<Pair>),
    /// A list of texts.
    Words(Vec<String>),
    /// A number.
    Number(u32),
}

/// Fields by their names in the task definition.
pub type PatchedFields = BTreeMap<&'static str, PatchValue>;

/// What is changed in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerPatch {
    /// Where the file names the container.
    pub position: Position,
    /// Its fields.
    pub fields: PatchedFields,
}

/// What is changed in a task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionPatch {
    /// By container.
    pub containers: BTreeMap<String, ContainerPatch>,
    /// For the whole task.
    pub task: PatchedFields,
}

impl DefinitionPatch {
    /// Adds another one, which wins.
    pub fn merge(&mut self, other: Self) {
        merge_fields(&mut self.task, other.task);
        for (name, patch) in other.containers {
            match self.containers.get_mut(&name) {
                Some(existing) => {
                    existing.position = patch.position;
                    merge_fields(&mut existing.fields, patch.fields);
                }
                None => drop(self.containers.insert(name, patch)),
            }
        }
    }
}

fn merge_fields(fields: &mut PatchedFields, others: PatchedFields) {
    for (name, value) in others {
        let PatchValue::Pairs(added) = value else {
            fields.insert(name, value);
            continue;
        };
        // A name is a variable or a secret: what is said last counts.
        for list in ["environment", "secrets"] {
            if let (true, Some(PatchValue::Pairs(pairs))) =
                (is_variable_list(name), fields.get_mut(list))
            {
                pairs.retain(|pair| added.iter().all(|new| new.name != pair.name));
            }
        }
        match fields.get_mut(name) {
            Some(PatchValue::Pairs(pairs)) => {
                pairs.retain(|pair| added.iter().all(|new| new.name != pair.name));
                pairs.extend(added);
            }
            _ => drop(fields.insert(name, PatchValue::Pairs(added))),
        }
    }
}

fn is_variable_list(name: &str) -> bool {
    matches!(name, "environment" | "secrets")
}

/// The task definition with the changes; or the containers that it does not have.
pub fn apply(definition: &Value, patch: &DefinitionPatch) -> Result<Value, Vec<Problem>> {
    let known = TaskDefinition(definition);
    let problems: Vec<Problem> = patch
        .containers
        .iter()
        .filter(|(name, _)| known.container(name).is_none())
        .map(|(name, patch)| unknown_container_problem(name, patch, known))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut patched = definition.clone();
    for container in items_mut(&mut patched, "containerDefinitions") {
        let name = text(container, "name").map(str::to_owned);
        if let Some(patch) = name.and_then(|name| patch.containers.get(&name)) {
            change_container(container, &patch.fields);
        }
    }
    for (name, value) in &patch.task {
        if let (PatchValue::Number(number), Some(entries)) = (value, patched.as_object_mut()) {
            entries.insert((*name).to_owned(), task_value(name, *number));
        }
    }
    Ok(patched)
}

/// The sizes of a task are texts.
fn task_value(name: &str, number: u32) -> Value {
    match name {
        "ephemeralStorage" => json!({ "sizeInGiB": number }),
        _ => number.to_string().into(),
    }
}

fn change_container(container: &mut Value, fields: &PatchedFields) {
    for (name, value) in fields {
        match value {
            PatchValue::Pairs(pairs) => render::set_pairs(container, name, pairs),
            PatchValue::Words(words) => render::set(container, name, Some(words.clone())),
            PatchValue::Number(number) => render::set(container, name, Some(*number)),
        }
    }
}

fn unknown_container_problem(
    name: &str,
    patch: &ContainerPatch,
    definition: TaskDefinition<'_>,
) -> Problem {
    let message = format!(
        "the task definition has no container `{}`",
        name.escape_debug()
    );
    let remedy = format!(
        "The task definition has the containers {}",
        definition.container_names()
    );
    Problem::new("config", message, remedy).at_position(patch.position.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn pairs(given: &[(&str, &str)]) -> PatchValue {
        let pair = |(name, value): &(&str, &str)| Pair {
            name: (*name).to_owned(),
            value: Secret::new(*value),
        };
        PatchValue::Pairs(given.iter().map(pair).collect())
    }

    fn patch(container: &str, fields: &[(&'static str, PatchValue)]) -> DefinitionPatch {
        let position = Position {
            origin: "deploy.yml".to_owned(),
            line: 4,
            column: 7,
        };
        let fields = fields.iter().cloned().collect();
        DefinitionPatch {
            containers: [(container.to_owned(), ContainerPatch { position, fields })].into(),
            task: PatchedFields::new(),
        }
    }

    #[test]
    fn fields_are_set_and_what_is_not_named_stays() {
        let definition = json!({ "family": "api", "cpu": "256", "containerDefinitions": [
            { "name": "api", "cpu": 128, "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
              "secrets": [{ "name": "C", "valueFrom": "arn" }] }, { "name": "log" }] });
        let mut first = patch(
            "api",
            &[
                ("environment", pairs(&[("B", "3"), ("C", "4")])),
                ("cpu", PatchValue::Number(64)),
            ],
        );
        first.task.insert("memory", PatchValue::Number(2048));
        first
            .task
            .insert("ephemeralStorage", PatchValue::Number(40));
        let patched = apply(&definition, &first).unwrap();
        let expected = json!({ "family": "api", "cpu": "256", "memory": "2048", "ephemeralStorage": { "sizeInGiB": 40 }, "containerDefinitions": [
            { "name": "api", "cpu": 64, "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "3" }, { "name": "C", "value": "4" }] },
            { "name": "log" }] });
        assert_eq!(patched, expected);
    }

    #[test]
    fn what_is_said_last_counts_also_between_variables_and_secrets() {
        let mut first = patch("api", &[("environment", pairs(&[("A", "1"), ("B", "1")]))]);
        first.merge(patch(
            "api",
            &[
                ("secrets", pairs(&[("A", "arn")])),
                ("environment", pairs(&[("C", "2")])),
            ],
        ));
        let fields = &first.containers["api"].fields;
        assert_eq!(fields["environment"], pairs(&[("B", "1"), ("C", "2")]));
        assert_eq!(fields["secrets"], pairs(&[("A", "arn")]));
    }

    #[test]
    fn a_container_that_is_not_there_is_told_with_its_place() {
        let definition = json!({ "containerDefinitions": [{ "name": "api" }] });
        let found = apply(&definition, &patch("app", &[])).unwrap_err();
        assert_eq!(
            found[0].to_string(),
            "config: deploy.yml:4:7: the task definition has no container `app`"
        );
    }
}
