//! Checks requests against an excerpt of AWS's service models: types, required members, and which
//! members are known.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Api, ServiceError};

/// Written by `model.py`; serde keeps it honest in the test below.
static MODELS: LazyLock<BTreeMap<String, Model>> =
    LazyLock::new(|| serde_json::from_str(include_str!("model.json")).unwrap_or_default());

#[derive(Debug, Deserialize)]
struct Model {
    inputs: BTreeMap<String, String>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shape {
    Structure {
        members: BTreeMap<String, String>,
        required: Vec<String>,
    },
    List {
        entry: String,
    },
    Map {
        entry: String,
    },
    String,
    Integer,
    Long,
    Double,
    Float,
    Boolean,
    Timestamp,
    Blob,
}

/// Refuses a request whose types are wrong or whose required members are missing. The query
/// protocol's services check their own.
pub(super) fn check(api: Api, operation: &str, input: &Value) -> Result<(), ServiceError> {
    let Some(model) = MODELS.get(api.name()) else {
        return Ok(());
    };
    let Some(name) = model.inputs.get(operation) else {
        return Ok(());
    };
    model
        .check_types(name, input, operation)
        .map_err(|message| ServiceError::new("SerializationException", message))?;
    if let (Some(Shape::Structure { required, .. }), Some(members)) =
        (model.shapes.get(name), input.as_object())
        && let Some(missing) = required
            .iter()
            .find(|member| members.get(*member).is_none_or(Value::is_null))
    {
        return Err(missing_member(api, operation, missing));
    }
    Ok(())
}

/// The members of a task definition that AWS's model knows, and nothing else.
pub(super) fn strip_unknown(body: &Map<String, Value>) -> Map<String, Value> {
    let request = Value::Object(body.clone());
    let stripped = MODELS.get("ecs").and_then(|model| {
        Some(model.strip_members(model.inputs.get("RegisterTaskDefinition")?, &request))
    });
    stripped
        .and_then(|value| value.as_object().cloned())
        .unwrap_or_default()
}

impl Model {
    fn check_types(&self, name: &str, value: &Value, path: &str) -> Result<(), String> {
        let type_error = || {
            Err(format!(
                "{} at {path} can not be converted",
                value_kind(value)
            ))
        };
        match (self.shapes.get(name), value) {
            (None, _)
            | (_, Value::Null)
            | (Some(Shape::String | Shape::Blob | Shape::Timestamp), Value::String(_))
            | (Some(Shape::Boolean), Value::Bool(_))
            | (Some(Shape::Double | Shape::Float | Shape::Timestamp), Value::Number(_)) => Ok(()),
            (Some(Shape::Structure { members, .. }), Value::Object(given)) => {
                let checked = given
                    .iter()
                    .filter_map(|(key, value)| Some((key, value, members.get(key)?)));
                checked.into_iter().try_for_each(|(key, value, shape)| {
                    self.check_types(shape, value, &format!("{path}.{key}"))
                })
            }
            (Some(Shape::Map { entry }), Value::Object(given)) => {
                given.iter().try_for_each(|(key, value)| {
                    self.check_types(entry, value, &format!("{path}.{key}"))
                })
            }
            (Some(Shape::List { entry }), Value::Array(given)) => {
                given.iter().enumerate().try_for_each(|(index, value)| {
                    self.check_types(entry, value, &format!("{path}[{index}]"))
                })
            }
            (Some(Shape::Integer | Shape::Long), Value::Number(number)) if !number.is_f64() => {
                Ok(())
            }
            (Some(_), _) => type_error(),
        }
    }

    fn strip_members(&self, name: &str, value: &Value) -> Value {
        match (self.shapes.get(name), value) {
            (Some(Shape::Structure { members, .. }), Value::Object(given)) => {
                let kept = given.iter().filter_map(|(key, value)| {
                    Some((key.clone(), self.strip_members(members.get(key)?, value)))
                });
                Value::Object(kept.collect())
            }
            (Some(Shape::List { entry }), Value::Array(given)) => given
                .iter()
                .map(|value| self.strip_members(entry, value))
                .collect(),
            (Some(Shape::Map { entry }), Value::Object(given)) => Value::Object(
                given
                    .iter()
                    .map(|(key, value)| (key.clone(), self.strip_members(entry, value)))
                    .collect(),
            ),
            (_, other) => other.clone(),
        }
    }
}

const fn value_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "TRUE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

/// `CodeDeploy` has an exception for each; ECS speaks of parameters.
fn missing_member(api: Api, operation: &str, member: &str) -> ServiceError {
    let codedeploy = match member {
        "applicationName" => "ApplicationNameRequiredException",
        "deploymentGroupName" => "DeploymentGroupNameRequiredException",
        "deploymentId" => "DeploymentIdRequiredException",
        "deploymentConfigName" => "DeploymentConfigNameRequiredException",
        "targetId" => "DeploymentTargetIdRequiredException",
        "revision" => "RevisionRequiredException",
        _ => "InvalidInputException",
    };
    match api {
        Api::CodeDeploy => ServiceError::new(codedeploy, format!("{member} is required")),
        Api::Ecs if operation == "RegisterTaskDefinition" => {
            ServiceError::client_exception(format!("{member} should not be null or empty."))
        }
        Api::Scaling | Api::Events | Api::Scheduler => {
            let message = format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            );
            ServiceError::new("ValidationException", message)
        }
        Api::CloudWatch => ServiceError::new(
            "ValidationError",
            format!("The parameter {member} is required."),
        ),
        Api::Ssm | Api::Signals => ServiceError::new(
            "ValidationException",
            format!(
                "Value null at '{member}' failed to satisfy constraint: Member must not be null"
            ),
        ),
        Api::Ecs
        | Api::Ecr
        | Api::Logs
        | Api::Secrets
        | Api::Elb
        | Api::Sts
        | Api::Iam
        | Api::S3
        | Api::Quotas
        | Api::Rds
        | Api::Backup => ServiceError::invalid_parameter(format!(
            "Invalid parameter at '{member}' failed to satisfy constraint: 'must not be null'"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn register(input: &Value) -> Result<(), ServiceError> {
        check(Api::Ecs, "RegisterTaskDefinition", input)
    }

    #[test]
    fn a_missing_member_and_a_wrong_type_are_refused() {
        assert_eq!(
            register(&json!({ "family": "app" })).unwrap_err().code,
            "ClientException"
        );
        let wrong =
            json!({ "family": "app", "containerDefinitions": [{ "name": "app", "cpu": "256" }] });
        assert_eq!(register(&wrong).unwrap_err().code, "SerializationException");
        assert_eq!(
            register(&json!({ "family": "app", "containerDefinitions": [{ "newThing": 1 }] })),
            Ok(())
        );
    }

    #[test]
    fn unknown_members_are_stripped_at_every_depth() {
        let body = json!({ "family": "app", "brandNew": 1, "containerDefinitions": [{ "name": "app", "newThing": true }] });
        let known = Value::Object(strip_unknown(body.as_object().unwrap()));
        assert_eq!(
            known,
            json!({ "family": "app", "containerDefinitions": [{ "name": "app" }] })
        );
    }
}
