//! An answer of `DescribeTaskDefinition` or `RegisterTaskDefinition` → a task definition that can
//! be registered again.

use serde_json::Value;

use super::clean::remove_read_only;

/// The definition in an answer (or a bare definition), with its tags merged in and without what
/// only AWS sets.
///
/// Tags that AWS sets itself (`aws:…`) are left out, because nobody else may send them.
pub fn from_described(answer: &Value) -> Value {
    let mut definition = answer.get("taskDefinition").unwrap_or(answer).clone();
    if let (Some(entries), Some(tags)) = (
        definition.as_object_mut(),
        answer.get("tags").and_then(Value::as_array),
    ) {
        let tags: Vec<Value> = tags
            .iter()
            .filter(|tag| !is_from_aws(tag))
            .cloned()
            .collect();
        if !tags.is_empty() {
            entries.insert("tags".to_owned(), Value::Array(tags));
        }
    }
    remove_read_only(&mut definition);
    definition
}

fn is_from_aws(tag: &Value) -> bool {
    tag.get("key")
        .and_then(Value::as_str)
        .is_some_and(|key| key.starts_with("aws:"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_becomes_a_definition_with_its_tags() {
        let answer = json!({
            "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/api:7", "family": "api", "revision": 7,
                "status": "ACTIVE", "requiresAttributes": [], "compatibilities": ["EC2"], "registeredAt": 1.7e9, "registeredBy": "me",
                "containerDefinitions": [{"name": "api", "newThing": 1}],
            },
            "tags": [{"key": "team", "value": "a"}, {"key": "aws:cloudformation:stack-id", "value": "x"}],
        });
        let expected = json!({
            "family": "api", "containerDefinitions": [{"name": "api", "newThing": 1}], "tags": [{"key": "team", "value": "a"}],
        });
        assert_eq!(from_described(&answer), expected);
        assert_eq!(from_described(&answer["taskDefinition"])["family"], "api");
    }
}
