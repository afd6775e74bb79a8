//! What must be true of a task definition before it is worth sending to AWS.
//!
//! Our own steps need the family, and containers with names. Types, keys and variables are refused
//! when they cannot mean what was written. Fields that are newer than this program are left to AWS.

use std::collections::HashSet;

use serde_json::Value;

use super::task_definition::text;
use super::typing::{self, MisspelledKeys};
use super::variables;
use crate::problem::Problem;

/// All problems with the shape of a task definition.
pub fn find_problems(definition: &Value, input: &str, misspelled: MisspelledKeys) -> Vec<Problem> {
    if let Some(problem) = find_wrong_document(definition, input) {
        return vec![problem];
    }
    let mut problems = typing::definition_problems(definition, input, misspelled);
    if problems
        .iter()
        .any(|problem| problem.message.starts_with("keys are not spelled"))
    {
        return problems;
    }
    let is_reported = |path: &str, problems: &[Problem]| {
        problems
            .iter()
            .any(|problem| problem.message.starts_with(&format!("`{path}` is")))
    };
    if text(definition, "family").is_none()
        && !definition["family"].is_number()
        && !is_reported("family", &problems)
    {
        let remedy = "Add `family`, the name under which revisions are counted";
        problems.insert(
            0,
            Problem::new(
                input,
                "Invalid task definition: `family` is missing",
                remedy,
            ),
        );
    }
    match definition
        .get("containerDefinitions")
        .and_then(Value::as_array)
    {
        Some(containers) if !containers.is_empty() => {
            problems.extend(container_problems(containers, input));
        }
        Some(_) => problems.push(no_containers_problem(
            "Invalid task definition: containerDefinitions is empty",
            input,
        )),
        None => {
            problems.retain(|problem| !problem.message.starts_with("`containerDefinitions` is"));
            let message = "Invalid task definition format: containerDefinitions section is not present or is not an array";
            problems.push(no_containers_problem(message, input));
        }
    }
    problems
}

/// Documents that people give by mistake, recognized by keys that only they have.
fn find_wrong_document(definition: &Value, input: &str) -> Option<Problem> {
    if definition.get("containerDefinitions").is_some() || definition.get("family").is_some() {
        return None;
    }
    let has = |key: &str| definition.get(key).is_some();
    let what = if has("AWSTemplateFormatVersion") || definition["Resources"].is_object() {
        "a CloudFormation template"
    } else if definition["Resources"].is_array() || definition["resources"].is_array() {
        "an AppSpec"
    } else if has("apiVersion") && has("kind") {
        "a manifest of Kubernetes"
    } else if definition["services"].is_object() {
        "a Compose file"
    } else if definition["services"].is_array() {
        "an answer of describe-services"
    } else {
        return None;
    };
    let remedy = "Give what `aws ecs register-task-definition --cli-input-json` takes; `aws ecs describe-task-definition` prints one";
    Some(Problem::new(
        input,
        format!("it is {what}, not a task definition"),
        remedy,
    ))
}

fn no_containers_problem(message: &str, input: &str) -> Problem {
    Problem::new(
        input,
        message,
        "Add `containerDefinitions`, a list with at least one container",
    )
}

fn container_problems(containers: &[Value], input: &str) -> Vec<Problem> {
    let mut names = HashSet::new();
    let mut problems = Vec::new();
    for (index, container) in containers
        .iter()
        .enumerate()
        .filter(|(_, container)| container.is_object())
    {
        match text(container, "name") {
            None if container["name"].is_null() || container["name"] == "" => {
                problems.push(unnamed_problem(index, input));
            }
            Some(name) if !names.insert(name.to_owned()) => {
                problems.push(duplicate_name_problem(name, index, input));
            }
            None | Some(_) => {}
        }
        problems.extend(variables::find_problems(
            container,
            &format!("containerDefinitions[{index}]"),
            input,
        ));
    }
    problems
}

fn unnamed_problem(index: usize, input: &str) -> Problem {
    let message = format!("Invalid task definition: containerDefinitions[{index}] has no name");
    Problem::new(input, message, "Give every container a `name`")
}

fn duplicate_name_problem(name: &str, index: usize, input: &str) -> Problem {
    let message = format!(
        "Invalid task definition: containerDefinitions[{index}] has the name `{name}` of a container before it"
    );
    Problem::new(input, message, "Give every container a name of its own")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_of_the_shape_is_reported_at_once() {
        let table = [
            (
                json!({"family": "f", "containerDefinitions": [{"name": "a"}, {"name": "b"}]}),
                vec![],
            ),
            (
                json!({"family": 5, "containerDefinitions": [{"name": 7}]}),
                vec![],
            ),
            (
                json!({}),
                vec![
                    "`family` is missing",
                    "containerDefinitions section is not present or is not an array",
                ],
            ),
            (
                json!({"family": "f", "containerDefinitions": {}}),
                vec!["is not an array"],
            ),
            (
                json!({"family": "f", "containerDefinitions": []}),
                vec!["containerDefinitions is empty"],
            ),
            (
                json!({"family": "", "containerDefinitions": [{"name": "a"}, {}, 7, {"name": "a"}]}),
                vec![
                    "`family` is missing",
                    "`containerDefinitions[2]` is a number, and AWS takes an object there",
                    "containerDefinitions[1] has no name",
                    "containerDefinitions[3] has the name `a`",
                ],
            ),
            (
                json!({"family": []}),
                vec!["`family` is a list", "is not present or is not an array"],
            ),
            (
                json!({"family": "f", "containerDefinitions": [{"name": "a", "environment": [{"name": "A", "valueFrom": "x"}]}]}),
                vec!["`containerDefinitions[0].environment[0]` (A) has `valueFrom`"],
            ),
            (
                json!({"Family": "f", "ContainerDefinitions": []}),
                vec!["keys are not spelled as the ECS API spells them"],
            ),
            (
                json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}),
                vec!["it is a CloudFormation template"],
            ),
            (
                json!({"version": 0.0, "Resources": [{}]}),
                vec!["it is an AppSpec, not a task definition"],
            ),
            (
                json!({"services": {"web": {}}}),
                vec!["it is a Compose file"],
            ),
            (
                json!({"apiVersion": "v1", "kind": "Pod"}),
                vec!["it is a manifest of Kubernetes"],
            ),
        ];
        for (definition, expected) in table {
            let problems = find_problems(&definition, "task-definition", MisspelledKeys::Refused);
            assert_eq!(problems.len(), expected.len(), "{problems:?}");
            assert!(
                problems
                    .iter()
                    .zip(&expected)
                    .all(|(problem, part)| problem.message.contains(part)),
                "{problems:?}"
            );
        }
    }
}
