//! What an `AppSpec` says about an ECS service. Pure.

use serde_json::Value;

use crate::account::{AppSpec, sha256_hex};
use crate::aws::{Input, ServiceError};

/// Reads a request's `revision`.
pub(super) fn read(revision: &Value) -> Result<AppSpec, ServiceError> {
    let input = Input(revision);
    let content = match input.text("revisionType") {
        Some("AppSpecContent") => input.get("appSpecContent"),
        Some("String") => input.get("string"),
        Some(_) => {
            return Err(invalid_revision(
                "ECS deployments of the stage take an AppSpec as content",
            ));
        }
        None => {
            return Err(ServiceError::new(
                "RevisionRequiredException",
                "A revision type is required",
            ));
        }
    };
    let content = Input(content.ok_or_else(|| invalid_revision("The revision has no content"))?);
    let text = content
        .text("content")
        .ok_or_else(|| invalid_revision("The AppSpec is empty"))?;
    check_digest(text, content.text("sha256"))?;
    parse(text)
}

fn invalid_revision(message: &str) -> ServiceError {
    ServiceError::new("InvalidRevisionException", message)
}

fn check_digest(text: &str, expected: Option<&str>) -> Result<(), ServiceError> {
    match expected {
        Some(expected) if expected != sha256_hex(text) => Err(invalid_revision(
            "The sha256 of the revision does not match its content",
        )),
        Some(_) | None => Ok(()),
    }
}

fn parse(text: &str) -> Result<AppSpec, ServiceError> {
    let content: Value = serde_saphyr::from_str(text)
        .map_err(|_| invalid_revision("The AppSpec is neither JSON nor YAML"))?;
    let resource = get_ignoring_case(&content, "Resources")
        .and_then(|resources| resources.get(0))
        .and_then(Value::as_object);
    let service = resource
        .and_then(|resource| resource.values().next())
        .ok_or_else(|| invalid_revision("The AppSpec names no TargetService"))?;
    if get_ignoring_case(service, "Type").and_then(Value::as_str) != Some("AWS::ECS::Service") {
        return Err(invalid_revision(
            "The AppSpec's resource is not of type AWS::ECS::Service",
        ));
    }
    let properties = get_ignoring_case(service, "Properties")
        .ok_or_else(|| invalid_revision("The AppSpec has no Properties"))?;
    let balancer = get_ignoring_case(properties, "LoadBalancerInfo")
        .ok_or_else(|| invalid_revision("The AppSpec has no LoadBalancerInfo"))?;
    let text_of = |value: &Value, name: &str| {
        get_ignoring_case(value, name)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let port = get_ignoring_case(balancer, "ContainerPort").and_then(parse_port);
    Ok(AppSpec {
        task_definition: text_of(properties, "TaskDefinition")
            .ok_or_else(|| invalid_revision("The AppSpec has no TaskDefinition"))?,
        container: text_of(balancer, "ContainerName")
            .ok_or_else(|| invalid_revision("The AppSpec has no ContainerName"))?,
        port: port.ok_or_else(|| invalid_revision("The AppSpec has no ContainerPort"))?,
    })
}

/// `CodeDeploy` does not mind the case of an `AppSpec`'s keys.
fn get_ignoring_case<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn parse_port(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const YAML: &str = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: app:2\n        LoadBalancerInfo:\n          ContainerName: app\n          ContainerPort: 8080\n";

    #[test]
    fn yaml_and_json_say_the_same() {
        let json = r#"{"version":0.0,"resources":[{"targetService":{"type":"AWS::ECS::Service","properties":{"taskDefinition":"app:2",
            "loadBalancerInfo":{"containerName":"app","containerPort":"8080"}}}}]}"#;
        let expected = AppSpec {
            task_definition: "app:2".into(),
            container: "app".into(),
            port: 8080,
        };
        for content in [YAML, json] {
            let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": content } });
            assert_eq!(read(&revision), Ok(expected.clone()));
        }
    }

    #[test]
    fn a_digest_that_does_not_match_is_refused() {
        let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": YAML, "sha256": "00" } });
        assert_eq!(
            read(&revision).unwrap_err().code,
            "InvalidRevisionException"
        );
    }
}
