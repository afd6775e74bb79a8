//! The environment variables and secrets of a container that cannot mean what was written.
//!
//! AWS silently drops `valueFrom` of an environment variable, and refuses a name that is in both
//! lists, but only after the image was pushed.

use std::collections::HashMap;

use serde_json::Value;

use super::parse::items;
use super::task_definition::text;
use crate::problem::Problem;

/// Problems with the variables of one container, whose path in the definition is given.
pub(super) fn find_problems(container: &Value, path: &str, input: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (list, other) in [("environment", "secrets"), ("secrets", "environment")] {
        for (index, item) in items(container, list)
            .iter()
            .enumerate()
            .filter(|(_, item)| !is_blank(item))
        {
            problems.extend(item_problem(
                item,
                list,
                &format!("{path}.{list}[{index}]"),
                input,
            ));
        }
        problems.extend(duplicate_name_problems(
            items(container, list),
            list,
            path,
            input,
        ));
        if list == "environment" {
            problems.extend(shared_name_problems(container, (list, other), path, input));
        }
    }
    problems
}

/// An empty item is removed by the cleaning and is no problem; an item that is not an object is
/// reported by the type check.
fn is_blank(item: &Value) -> bool {
    item.as_object()
        .is_none_or(|entries| entries.values().all(|value| value.is_null() || value == ""))
}

fn item_problem(item: &Value, list: &str, path: &str, input: &str) -> Option<Problem> {
    let Some(name) = text(item, "name") else {
        return Some(Problem::new(
            input,
            format!("`{path}` has no name"),
            "Give every variable a `name`",
        ));
    };
    let name = name.escape_debug();
    let (message, remedy) = match list {
        "environment"
            if item
                .get("valueFrom")
                .is_some_and(|from| !from.is_null() && from != "") =>
        {
            (
                format!(
                    "`{path}` ({name}) has `valueFrom`, which AWS leaves out of `environment`: the variable would be empty"
                ),
                "Move it to `secrets`, whose values come from Secrets Manager or Parameter Store",
            )
        }
        "environment" => return None,
        _ if item.get("value").is_some_and(|value| !value.is_null()) => (
            format!("`{path}` ({name}) has `value`, which AWS leaves out of `secrets`"),
            "Write `valueFrom` with the ARN of the secret or parameter, or move it to `environment`",
        ),
        _ if text(item, "valueFrom").is_none() => (
            format!("`{path}` ({name}) has no `valueFrom`: nothing says where its value is"),
            "Write `valueFrom` with the ARN of the secret or parameter",
        ),
        _ => return None,
    };
    Some(Problem::new(input, message, remedy))
}

/// A name that occurs twice in one list.
fn duplicate_name_problems(list: &[Value], key: &str, path: &str, input: &str) -> Vec<Problem> {
    let mut seen: HashMap<&str, &Value> = HashMap::new();
    let mut problems = Vec::new();
    for item in list {
        let Some(name) = text(item, "name") else {
            continue;
        };
        let is_other = seen
            .insert(name, item)
            .is_some_and(|before| before != item || key == "secrets");
        if is_other {
            let message = format!("`{path}.{key}` has the name {} twice", name.escape_debug());
            problems.push(Problem::new(input, message, "Keep one of them"));
        }
    }
    problems
}

fn shared_name_problems(
    container: &Value,
    (one, other): (&str, &str),
    path: &str,
    input: &str,
) -> Vec<Problem> {
    let names = |list: &'static str| {
        items(container, list)
            .iter()
            .filter_map(|item| text(item, "name"))
    };
    let secrets: Vec<&str> = names("secrets").collect();
    let both = names("environment").filter(|name| secrets.contains(name));
    both.map(|name| {
        let message = format!(
            "`{path}` has {} both in `{one}` and in `{other}`, and AWS takes a name once",
            name.escape_debug()
        );
        Problem::new(input, message, "Keep the one that is meant")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_variable_cannot_mean_is_told_with_its_path() {
        let table = [
            (
                json!({ "environment": [{ "name": "A", "value": "1" }], "secrets": [{ "name": "B", "valueFrom": "x" }] }),
                vec![],
            ),
            (
                json!({ "environment": [{ "name": "", "value": "" }, { "name": "A" }, { "name": "B", "value": "" }, { "name": "B", "value": "" }] }),
                vec![],
            ),
            (
                json!({ "environment": [{ "name": "A", "valueFrom": "arn:aws:ssm:…" }, { "value": "x" }] }),
                vec![
                    "`c.environment[0]` (A) has `valueFrom`, which AWS leaves out of `environment`",
                    "`c.environment[1]` has no name",
                ],
            ),
            (
                json!({ "secrets": [{ "name": "A", "value": "x" }, { "name": "B" }, { "name": "C", "valueFrom": "" }] }),
                vec![
                    "`c.secrets[0]` (A) has `value`",
                    "`c.secrets[1]` (B) has no `valueFrom`",
                    "`c.secrets[2]` (C) has no `valueFrom`",
                ],
            ),
            (
                json!({ "environment": [{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }, { "name": "B", "value": "" }],
                        "secrets": [{ "name": "B", "valueFrom": "x" }, { "name": "C", "valueFrom": "x" }, { "name": "C", "valueFrom": "x" }] }),
                vec![
                    "`c.environment` has the name A twice",
                    "`c` has B both in `environment` and in `secrets`",
                    "`c.secrets` has the name C twice",
                ],
            ),
        ];
        for (container, expected) in table {
            let problems = find_problems(&container, "c", "task-definition");
            assert_eq!(problems.len(), expected.len(), "{problems:?}");
            assert!(
                problems
                    .iter()
                    .zip(&expected)
                    .all(|(problem, part)| problem.message.starts_with(part)),
                "{problems:?}"
            );
        }
    }
}
