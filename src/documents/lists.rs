//! Lists in one input: separated by commas or lines, or as JSON, which is what `toJSON` and
//! Terraform's outputs produce.

use serde_json::Value;

use super::parse::parse_any;
use crate::problem::Problem;

/// The items of a list, trimmed, without empty ones.
///
/// # Errors
///
/// The text begins as a JSON list and is not a list of texts.
pub fn parse_list(text: &str, input: &str) -> Result<Vec<String>, Vec<Problem>> {
    if !text.trim_start().starts_with('[') {
        return Ok(split_parts(text));
    }
    let Value::Array(items) = parse_any(text, "inline", input)? else {
        return Err(vec![not_a_list_problem(input)]);
    };
    let items: Option<Vec<String>> = items.iter().map(parse_item).collect();
    let items = items.ok_or_else(|| vec![not_a_list_problem(input)])?;
    Ok(items.into_iter().filter(|item| !item.is_empty()).collect())
}

/// Names that may contain brackets, as alarm names may: they are a JSON list only if the whole text
/// is one.
pub fn parse_names(text: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(items) => items
            .iter()
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
        Err(_) => split_parts(text),
    }
}

/// Splits at commas and lines; a dash before an item is that of a YAML list.
fn split_parts(text: &str) -> Vec<String> {
    let parts = text.split([',', '\n']).map(str::trim);
    parts
        .map(|part| part.strip_prefix("- ").unwrap_or(part).trim())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn parse_item(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn not_a_list_problem(input: &str) -> Problem {
    Problem::new(
        input,
        "It begins as a JSON list, and is not a list of texts",
        "Write `a, b`, one a line, or `[\"a\", \"b\"]`",
    )
}

/// The items, each of which must be an id such as `subnet-0a1b`: otherwise quotes or brackets
/// around it would be sent to AWS.
///
/// # Errors
///
/// The text is not a list, or an item is not an id.
pub fn parse_ids(text: &str, input: &str) -> Result<Vec<String>, Vec<Problem>> {
    let items = parse_list(text, input)?;
    let is_id = |item: &&String| {
        item.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
    };
    let problems: Vec<Problem> = items
        .iter()
        .filter(|item| !is_id(item))
        .map(|item| not_an_id_problem(item, input))
        .collect();
    if problems.is_empty() {
        Ok(items)
    } else {
        Err(problems)
    }
}

fn not_an_id_problem(item: &str, input: &str) -> Problem {
    let message = format!("`{}` is not an id", item.escape_debug());
    Problem::new(
        input,
        message,
        "Write ids as `a, b`, one a line, or `[\"a\", \"b\"]`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_by_commas_by_lines_and_as_json_are_the_same() {
        for text in [
            " subnet-1,subnet-2 ,\n subnet-3,, ",
            "subnet-1\nsubnet-2\r\nsubnet-3\n",
            "- subnet-1\n- subnet-2\n- subnet-3",
            r#"["subnet-1","subnet-2","subnet-3"]"#,
            "[\n  \"subnet-1\",\n  \"subnet-2\",\n  \"subnet-3\",\n]\n",
            "[subnet-1, subnet-2, subnet-3]",
        ] {
            assert_eq!(
                parse_ids(text, "run-task-subnets").unwrap(),
                ["subnet-1", "subnet-2", "subnet-3"],
                "{text}"
            );
        }
        assert_eq!(
            parse_list("[123456789012]", "registries").unwrap(),
            ["123456789012"]
        );
        for text in ["", " ", ",\n", "[]", "[\"\"]"] {
            assert_eq!(
                parse_list(text, "tags").unwrap(),
                Vec::<String>::new(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_list_of_texts_is_a_problem() {
        let table = [
            (
                "[\"a\", \"b\"",
                "run-task-subnets: inline:1:9: it is not JSON: the text ends inside a list",
            ),
            (
                "[{\"id\": \"a\"}]",
                "run-task-subnets: It begins as a JSON list, and is not a list of texts",
            ),
            (
                "\"subnet-1\", 'subnet-2'",
                "run-task-subnets: `\\\"subnet-1\\\"` is not an id",
            ),
            (
                "subnet-1 subnet-2",
                "run-task-subnets: `subnet-1 subnet-2` is not an id",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(
                parse_ids(text, "run-task-subnets").unwrap_err()[0].to_string(),
                expected,
                "{text}"
            );
        }
    }
}
