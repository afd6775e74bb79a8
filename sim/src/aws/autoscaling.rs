//! Application Auto Scaling: the desired counts of ECS services as scalable targets, and their
//! tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Input, ServiceError};
use crate::account::{Account, Location, ScalableTarget, epoch_seconds, name_from_arn};
use crate::cloud::Cloud;
use crate::options::{ScalingOptions, Suspension};
use crate::switches::SuspensionUpdate;

const DIMENSION: &str = "ecs:service:DesiredCount";

/// At most so many targets in one answer.
const MAX_PAGE: usize = 50;

/// At most so many tags on a target.
const MAX_TAGS: usize = 50;

/// Answers an operation of Application Auto Scaling.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "DescribeScalableTargets" => cloud.read(|account| describe(account, input)),
        "RegisterScalableTarget" => {
            cloud.change(|account| register(account, cloud.switches().suspension, input))
        }
        "ListTagsForResource" => {
            cloud.change(|account| Ok(json!({ "Tags": find_target(account, input)?.tags })))
        }
        "TagResource" => cloud.change(|account| tag(account, input)),
        "UntagResource" => cloud.change(|account| untag(account, input)),
        _ => return None,
    })
}

fn validation_error(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationException", message)
}

fn resource_id(location: &Location, service: &str) -> String {
    format!("service/{}/{service}", location.cluster)
}

fn describe(account: &Account, input: Input<'_>) -> Answer {
    let (ids, dimension) = (
        input.text_list("ResourceIds"),
        input.text("ScalableDimension"),
    );
    if dimension.is_some() && ids.is_empty() {
        return Err(validation_error(
            "ResourceIds must be specified when ScalableDimension is specified",
        ));
    }
    let start: usize = match input.text("NextToken") {
        Some(token) => token.parse().map_err(|_| {
            ServiceError::new("InvalidNextTokenException", "The next token is invalid")
        })?,
        None => 0,
    };
    let is_ecs = input.text("ServiceNamespace") == Some("ecs")
        && dimension.is_none_or(|dimension| dimension == DIMENSION);
    let is_requested = |target: &&ScalableTarget| {
        ids.is_empty() || ids.contains(&resource_id(&account.location, &target.service).as_str())
    };
    let found: Vec<Value> = account
        .scalable
        .iter()
        .filter(|_| is_ecs)
        .filter(is_requested)
        .map(|target| view(&account.location, target))
        .collect();
    let size = input
        .number("MaxResults")
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(MAX_PAGE)
        .clamp(1, MAX_PAGE);
    let page: Vec<&Value> = found.iter().skip(start).take(size).collect();
    let mut answer = json!({ "ScalableTargets": page });
    if found.len() > start + size {
        answer["NextToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}

fn view(location: &Location, target: &ScalableTarget) -> Value {
    let suspended = target.suspended;
    json!({
        "ServiceNamespace": "ecs", "ResourceId": resource_id(location, &target.service), "ScalableDimension": DIMENSION,
        "MinCapacity": target.minimum, "MaxCapacity": target.maximum,
        "RoleARN": location.role_arn(
            "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"),
        "CreationTime": epoch_seconds(target.created_ms), "ScalableTargetARN": location.scalable_target_arn(&target.service),
        "SuspendedState": { "DynamicScalingInSuspended": suspended.scale_in, "DynamicScalingOutSuspended": suspended.scale_out,
            "ScheduledScalingSuspended": suspended.scheduled },
    })
}

/// Makes a target, or changes the members that are given of one.
fn register(account: &mut Account, update: SuspensionUpdate, input: Input<'_>) -> Answer {
    let name = find_service(account, input)?;
    let former = account
        .scalable
        .iter()
        .position(|target| target.service == name);
    let mut target = match former.and_then(|index| account.scalable.get(index)) {
        Some(_) if input.get("Tags").is_some() => {
            return Err(validation_error(
                "Tags can only be given for a new scalable target. Use TagResource for an existing one.",
            ));
        }
        Some(former) => former.clone(),
        None => new_target(&name, input)?,
    };
    apply_changes(&mut target, update, input)?;
    account.scalable.retain(|other| other.service != name);
    account
        .scalable
        .insert(former.unwrap_or(account.scalable.len()), target);
    Ok(json!({ "ScalableTargetARN": account.location.scalable_target_arn(&name) }))
}

/// The service that a request is about.
fn find_service(account: &Account, input: Input<'_>) -> Result<String, ServiceError> {
    let (namespace, id) = (
        input.text("ServiceNamespace").unwrap_or_default(),
        input.text("ResourceId").unwrap_or_default(),
    );
    if namespace != "ecs" || input.text("ScalableDimension") != Some(DIMENSION) {
        return Err(validation_error(format!(
            "Unsupported service namespace, resource type or scalable dimension: {namespace}, {id}"
        )));
    }
    let name = name_from_arn(id);
    let exists = id == resource_id(&account.location, name)
        && account
            .service(name)
            .is_some_and(|service| service.status == "ACTIVE");
    if exists {
        Ok(name.to_owned())
    } else {
        Err(validation_error(format!("ECS service doesn't exist: {id}")))
    }
}

fn new_target(name: &str, input: Input<'_>) -> Result<ScalableTarget, ServiceError> {
    let (Some(min), Some(max)) = (
        parse_capacity(input, "MinCapacity")?,
        parse_capacity(input, "MaxCapacity")?,
    ) else {
        return Err(validation_error(
            "Both MinCapacity and MaxCapacity must be given for a new scalable target",
        ));
    };
    let options = ScalingOptions {
        min,
        max,
        suspended: Suspension::default(),
        scale_in_after_ms: None,
    };
    Ok(ScalableTarget {
        tags: parse_tags(input)?,
        ..ScalableTarget::new(name, &options)
    })
}

fn parse_capacity(input: Input<'_>, name: &str) -> Result<Option<u32>, ServiceError> {
    let number = input
        .get(name)
        .map(|value| value.as_u64().and_then(|number| u32::try_from(number).ok()));
    number
        .map(|number| {
            number.ok_or_else(|| {
                validation_error(format!("{name} must be greater than or equal to 0"))
            })
        })
        .transpose()
}

fn apply_changes(
    target: &mut ScalableTarget,
    update: SuspensionUpdate,
    input: Input<'_>,
) -> Result<(), ServiceError> {
    target.minimum = parse_capacity(input, "MinCapacity")?.unwrap_or(target.minimum);
    target.maximum = parse_capacity(input, "MaxCapacity")?.unwrap_or(target.maximum);
    if target.minimum > target.maximum {
        return Err(validation_error(
            "Maximum capacity cannot be less than minimum capacity",
        ));
    }
    if let Some(suspension) = input.get("SuspendedState").map(Input) {
        let absent = match update {
            SuspensionUpdate::Replaced => Suspension::default(),
            SuspensionUpdate::Merged => target.suspended,
        };
        target.suspended = Suspension {
            scale_in: suspension
                .flag("DynamicScalingInSuspended")
                .unwrap_or(absent.scale_in),
            scale_out: suspension
                .flag("DynamicScalingOutSuspended")
                .unwrap_or(absent.scale_out),
            scheduled: suspension
                .flag("ScheduledScalingSuspended")
                .unwrap_or(absent.scheduled),
        };
    }
    Ok(())
}

/// The target that a tagging request names by its ARN.
fn find_target<'a>(
    account: &'a mut Account,
    input: Input<'_>,
) -> Result<&'a mut ScalableTarget, ServiceError> {
    let arn = input.text("ResourceARN").unwrap_or_default();
    let location = account.location.clone();
    let found = account
        .scalable
        .iter_mut()
        .find(|target| location.scalable_target_arn(&target.service) == arn);
    found.ok_or_else(|| {
        ServiceError::new(
            "ResourceNotFoundException",
            format!("The scalable target {arn} doesn't exist."),
        )
    })
}

fn parse_tags(input: Input<'_>) -> Result<BTreeMap<String, String>, ServiceError> {
    let given = input
        .get("Tags")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let tags: BTreeMap<String, String> = given
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let reserved = tags
        .keys()
        .find(|key| key.is_empty() || key.to_lowercase().starts_with("aws:"));
    reserved.map_or(Ok(()), |key| {
        Err(validation_error(format!(
            "The tag key '{key}' is reserved or empty"
        )))
    })?;
    Ok(tags)
}

fn tag(account: &mut Account, input: Input<'_>) -> Answer {
    let tags = parse_tags(input)?;
    let target = find_target(account, input)?;
    let all: BTreeMap<String, String> = target.tags.clone().into_iter().chain(tags).collect();
    if all.len() > MAX_TAGS {
        return Err(ServiceError::new(
            "TooManyTagsException",
            "A scalable target can have at most 50 tags.",
        ));
    }
    target.tags = all;
    Ok(json!({}))
}

fn untag(account: &mut Account, input: Input<'_>) -> Answer {
    let keys = input.text_list("TagKeys");
    find_target(account, input)?
        .tags
        .retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}
