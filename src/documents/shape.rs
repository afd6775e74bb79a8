//! What must be true of a task definition before it is worth sending to AWS.
//!
//! Only what our own steps stand on is judged: family, containers and their names. Types and values of the rest are
//! AWS's to judge, because AWS knows fields that this program does not.

use std::collections::HashSet;

use serde_json::Value;

use super::task_definition::text;
use crate::problem::Problem;

/// Everything that is wrong with the shape of a task definition.
pub fn problems(definition: &Value, input: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if text(definition, "family").is_none() {
        problems.push(Problem::new(
            input,
            "Invalid task definition: `family` is missing",
            "Add `family`, the name under which revisions are counted",
        ));
    }
    match definition.get("containerDefinitions").and_then(Value::as_array) {
        Some(containers) if !containers.is_empty() => problems.extend(container_problems(containers, input)),
        Some(_) => problems.push(no_containers("Invalid task definition: containerDefinitions is empty", input)),
        None => problems
            .push(no_containers("Invalid task definition format: containerDefinitions section is not present or is not an array", input)),
    }
    problems
}

fn no_containers(message: &str, input: &str) -> Problem {
    Problem::new(input, message, "Add `containerDefinitions`, a list with at least one container")
}

fn container_problems(containers: &[Value], input: &str) -> Vec<Problem> {
    let mut names = HashSet::new();
    let problem = |(index, container): (usize, &Value)| match text(container, "name") {
        None => Some(unnamed(index, input)),
        Some(name) if names.insert(name.to_owned()) => None,
        Some(name) => Some(twice(name, index, input)),
    };
    containers.iter().enumerate().filter_map(problem).collect()
}

fn unnamed(index: usize, input: &str) -> Problem {
    let message = format!("Invalid task definition: containerDefinitions[{index}] has no name");
    Problem::new(input, message, "Give every container a `name`")
}

fn twice(name: &str, index: usize, input: &str) -> Problem {
    let message = format!("Invalid task definition: containerDefinitions[{index}] has the name `{name}` of a container before it");
    Problem::new(input, message, "Give every container a name of its own")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_of_the_shape_is_reported_at_once() {
        let table = [
            (json!({"family": "f", "containerDefinitions": [{"name": "a"}, {"name": "b"}]}), vec![]),
            (json!({}), vec!["`family` is missing", "containerDefinitions section is not present or is not an array"]),
            (json!({"family": "f", "containerDefinitions": {}}), vec!["is not an array"]),
            (json!({"family": "f", "containerDefinitions": []}), vec!["containerDefinitions is empty"]),
            (
                json!({"family": 5, "containerDefinitions": [{"name": "a"}, {}, 7, {"name": "a"}]}),
                vec![
                    "`family` is missing",
                    "containerDefinitions[1] has no name",
                    "containerDefinitions[2] has no name",
                    "containerDefinitions[3] has the name `a`",
                ],
            ),
        ];
        for (definition, expected) in table {
            let problems = problems(&definition, "task-definition");
            assert_eq!(problems.len(), expected.len(), "{problems:?}");
            assert!(problems.iter().zip(&expected).all(|(problem, part)| problem.message.contains(part)), "{problems:?}");
        }
    }
}
