//! PURE: what certainly cannot work in the definition that would be registered: placeholders that
//! were not filled in, containers without an image, invalid names. AWS accepts most of it, and the
//! rollout would fail after the image was pushed, when green never comes up.

use serde_json::Value;

use crate::documents::task_definition::{TaskDefinition, text};
use crate::problem::Problem;

const INPUT: &str = "task-definition";
/// The maximum length of a family or of a container's name.
const MAX_NAME_LENGTH: usize = 255;

/// Problems of a definition; `image_containers` get another image, so theirs is not checked.
pub(super) fn find_problems(definition: &Value, image_containers: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(text(definition, "family").and_then(|family| name_problem(family, "family")));
    for key in [
        "taskRoleArn",
        "executionRoleArn",
        "cpu",
        "memory",
        "networkMode",
    ] {
        problems.extend(text(definition, key).and_then(|value| placeholder_problem(value, key)));
    }
    for (index, container) in TaskDefinition(definition).containers().enumerate() {
        let path = format!("containerDefinitions[{index}]");
        problems.extend(
            container
                .name()
                .and_then(|given| name_problem(given, &format!("{path}.name"))),
        );
        let gets_one = container
            .name()
            .is_some_and(|name| image_containers.iter().any(|other| other == name));
        if !gets_one {
            problems.extend(image_problem(
                container.image(),
                container.name().unwrap_or_default(),
                &format!("{path}.image"),
            ));
        }
        for (list, at) in [
            ("/secrets", "secrets"),
            (
                "/logConfiguration/secretOptions",
                "logConfiguration.secretOptions",
            ),
        ] {
            for (index, item) in container
                .0
                .pointer(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .enumerate()
            {
                let path = format!("{path}.{at}[{index}].valueFrom");
                problems.extend(
                    text(item, "valueFrom").and_then(|value| placeholder_problem(value, &path)),
                );
            }
        }
    }
    problems
}

/// `<IMAGE1_NAME>`, `${IMAGE}`, `{{ image }}`, `$(Image)`: valid values of these fields do not
/// contain such characters.
fn placeholder_problem(value: &str, path: &str) -> Option<Problem> {
    let is_one = value.contains(['<', '>', '{', '}']) || value.contains("$(");
    is_one.then(|| {
        let message = format!(
            "`{path}` is `{}`, a placeholder that nothing fills in",
            value.escape_debug()
        );
        Problem::new(
            INPUT,
            message,
            "Write the value itself, or fill it in in a step before",
        )
    })
}

fn name_problem(given: &str, path: &str) -> Option<Problem> {
    let fits = given
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        && given.len() <= MAX_NAME_LENGTH;
    placeholder_problem(given, path).or_else(|| {
        (!fits).then(|| {
            let message = format!(
                "`{path}` is `{}`, which is not a name",
                given.escape_debug()
            );
            Problem::new(
                INPUT,
                message,
                "Use letters, digits, `-` and `_`, at most 255",
            )
        })
    })
}

fn image_problem(given: Option<&str>, container: &str, path: &str) -> Option<Problem> {
    let Some(given) = given else {
        let message = format!(
            "`{path}` is missing: container `{}` has no image",
            container.escape_debug()
        );
        return Some(Problem::new(
            INPUT,
            message,
            "Write its image, or name it in `container` so that it gets the one of `image`",
        ));
    };
    // Registry names consist of letters, digits and these characters; the registry itself is not
    // asked.
    let has_signs = given
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_:./@#+".contains(letter));
    // A bare name is one of Docker Hub, whose names are all lower-case: `REPLACE_ME` is not one.
    let bare = given.split([':', '@']).next().filter(|name| {
        !given.contains('/') && name.contains(|letter: char| letter.is_ascii_uppercase())
    });
    let fits = has_signs && bare.is_none();
    placeholder_problem(given, path)
        .map(|problem| Problem {
            remedy: image_remedy(container),
            ..problem
        })
        .or_else(|| {
            (!fits).then(|| {
                let message = format!(
                    "`{path}` is `{}`, which is not the name of an image",
                    given.escape_debug()
                );
                Problem::new(
                    INPUT,
                    message,
                    "Write REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:…",
                )
            })
        })
}

fn image_remedy(container: &str) -> String {
    format!(
        "Set the input `image` (and container: {}), or write the image itself",
        container.escape_debug()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem_messages(definition: &Value, image_containers: &[&str]) -> Vec<String> {
        let containers: Vec<String> = image_containers
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        find_problems(definition, &containers)
            .into_iter()
            .map(|problem| problem.message)
            .collect()
    }

    #[test]
    fn a_placeholder_for_the_image_is_filled_in_by_the_input_or_refused() {
        let definition: Value =
            serde_json::from_str(include_str!("../documents/testdata/placeholder.json")).unwrap();
        assert_eq!(problem_messages(&definition, &["web"]), [""; 0]);
        let expected = "`containerDefinitions[0].image` is `<IMAGE1_NAME>`, a placeholder that nothing fills in";
        assert_eq!(problem_messages(&definition, &[]), [expected]);
    }

    #[test]
    fn placeholders_and_names_that_are_none_are_told_with_their_paths() {
        let definition = json!({
            "family": "my api", "executionRoleArn": "arn:aws:iam::<ACCOUNT>:role/x", "taskRoleArn": "${TASK_ROLE}", "cpu": "{{ cpu }}",
            "containerDefinitions": [
                { "name": "web.app", "image": "$(Image)", "environment": [{ "name": "T", "value": "<html> ${x}" }] },
                { "name": "b", "image": "b:1 ", "secrets": [{ "name": "S", "valueFrom": "arn:aws:ssm:<REGION>:1:parameter/x" }] },
                { "name": "c" }, { "name": "d", "image": "REPLACE_ME:1" },
            ],
        });
        let expected = [
            "`family` is `my api`, which is not a name",
            "`taskRoleArn` is `${TASK_ROLE}`, a placeholder that nothing fills in",
            "`executionRoleArn` is `arn:aws:iam::<ACCOUNT>:role/x`, a placeholder that nothing fills in",
            "`cpu` is `{{ cpu }}`, a placeholder that nothing fills in",
            "`containerDefinitions[0].name` is `web.app`, which is not a name",
            "`containerDefinitions[0].image` is `$(Image)`, a placeholder that nothing fills in",
            "`containerDefinitions[1].image` is `b:1 `, which is not the name of an image",
            "`containerDefinitions[1].secrets[0].valueFrom` is `arn:aws:ssm:<REGION>:1:parameter/x`, a placeholder that nothing fills in",
            "`containerDefinitions[2].image` is missing: container `c` has no image",
            "`containerDefinitions[3].image` is `REPLACE_ME:1`, which is not the name of an image",
        ];
        assert_eq!(problem_messages(&definition, &[]), expected);
    }

    #[test]
    fn what_may_work_is_not_refused() {
        let definition = json!({
            "family": "api_1-x", "cpu": "1 vCPU", "containerDefinitions": [
                { "name": "a", "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/api@sha256:00" },
                { "name": "b", "image": "localhost:5000/B:1.0+x", "secrets": [{ "name": "S", "valueFrom": "/prod/db" }] },
            ],
        });
        assert_eq!(problem_messages(&definition, &[]), [""; 0]);
    }
}
