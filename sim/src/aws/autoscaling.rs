//! Application Auto Scaling: the desired counts of ECS services as scalable targets, and their
//! tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Asked, Refusal};
use crate::account::{Account, Place, ScalableTarget, last_part, seconds};
use crate::cloud::Cloud;
use crate::options::{ScalingOptions, Suspension};
use crate::switches::SuspensionUpdate;

const DIMENSION: &str = "ecs:service:DesiredCount";

/// At most so many targets in one answer.
const PAGE: usize = 50;

/// At most so many tags on a target.
const TAGS: usize = 50;

/// Answers an operation of Application Auto Scaling.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "DescribeScalableTargets" => cloud.look(|account| describe(account, asked)),
        "RegisterScalableTarget" => {
            cloud.change(|account| register(account, cloud.switches().suspension, asked))
        }
        "ListTagsForResource" => {
            cloud.change(|account| Ok(json!({ "Tags": named(account, asked)?.tags })))
        }
        "TagResource" => cloud.change(|account| tag(account, asked)),
        "UntagResource" => cloud.change(|account| untag(account, asked)),
        _ => return None,
    })
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

fn resource_id(place: &Place, service: &str) -> String {
    format!("service/{}/{service}", place.cluster)
}

fn describe(account: &Account, asked: Asked<'_>) -> Answer {
    let (ids, dimension) = (asked.texts("ResourceIds"), asked.text("ScalableDimension"));
    if dimension.is_some() && ids.is_empty() {
        return Err(invalid(
            "ResourceIds must be specified when ScalableDimension is specified",
        ));
    }
    let start: usize = match asked.text("NextToken") {
        Some(token) => token
            .parse()
            .map_err(|_| Refusal::new("InvalidNextTokenException", "The next token is invalid"))?,
        None => 0,
    };
    let here = asked.text("ServiceNamespace") == Some("ecs")
        && dimension.is_none_or(|dimension| dimension == DIMENSION);
    let wanted = |target: &&ScalableTarget| {
        ids.is_empty() || ids.contains(&resource_id(&account.place, &target.service).as_str())
    };
    let found: Vec<Value> = account
        .scalable
        .iter()
        .filter(|_| here)
        .filter(wanted)
        .map(|target| view(&account.place, target))
        .collect();
    let size = asked
        .number("MaxResults")
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(PAGE)
        .clamp(1, PAGE);
    let page: Vec<&Value> = found.iter().skip(start).take(size).collect();
    let mut answer = json!({ "ScalableTargets": page });
    if found.len() > start + size {
        answer["NextToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}

fn view(place: &Place, target: &ScalableTarget) -> Value {
    let suspended = target.suspended;
    json!({
        "ServiceNamespace": "ecs", "ResourceId": resource_id(place, &target.service), "ScalableDimension": DIMENSION,
        "MinCapacity": target.minimum, "MaxCapacity": target.maximum,
        "RoleARN": place.role_arn(
            "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"),
        "CreationTime": seconds(target.created_ms), "ScalableTargetARN": place.scalable_target_arn(&target.service),
        "SuspendedState": { "DynamicScalingInSuspended": suspended.scale_in, "DynamicScalingOutSuspended": suspended.scale_out,
            "ScheduledScalingSuspended": suspended.scheduled },
    })
}

/// Makes a target, or changes the members that are given of one.
fn register(account: &mut Account, update: SuspensionUpdate, asked: Asked<'_>) -> Answer {
    let name = service(account, asked)?;
    let former = account
        .scalable
        .iter()
        .position(|target| target.service == name);
    let mut target = match former.and_then(|index| account.scalable.get(index)) {
        Some(_) if asked.get("Tags").is_some() => {
            return Err(invalid(
                "Tags can only be given for a new scalable target. Use TagResource for an existing one.",
            ));
        }
        Some(former) => former.clone(),
        None => fresh(&name, asked)?,
    };
    change(&mut target, update, asked)?;
    account.scalable.retain(|other| other.service != name);
    account
        .scalable
        .insert(former.unwrap_or(account.scalable.len()), target);
    Ok(json!({ "ScalableTargetARN": account.place.scalable_target_arn(&name) }))
}

/// The service that a request is about.
fn service(account: &Account, asked: Asked<'_>) -> Result<String, Refusal> {
    let (namespace, id) = (
        asked.text("ServiceNamespace").unwrap_or_default(),
        asked.text("ResourceId").unwrap_or_default(),
    );
    if namespace != "ecs" || asked.text("ScalableDimension") != Some(DIMENSION) {
        return Err(invalid(format!(
            "Unsupported service namespace, resource type or scalable dimension: {namespace}, {id}"
        )));
    }
    let name = last_part(id);
    let exists = id == resource_id(&account.place, name)
        && account
            .service(name)
            .is_some_and(|service| service.status == "ACTIVE");
    if exists {
        Ok(name.to_owned())
    } else {
        Err(invalid(format!("ECS service doesn't exist: {id}")))
    }
}

fn fresh(name: &str, asked: Asked<'_>) -> Result<ScalableTarget, Refusal> {
    let (Some(min), Some(max)) = (
        capacity(asked, "MinCapacity")?,
        capacity(asked, "MaxCapacity")?,
    ) else {
        return Err(invalid(
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
        tags: tags(asked)?,
        ..ScalableTarget::new(name, &options)
    })
}

fn capacity(asked: Asked<'_>, name: &str) -> Result<Option<u32>, Refusal> {
    let number = asked
        .get(name)
        .map(|value| value.as_u64().and_then(|number| u32::try_from(number).ok()));
    number
        .map(|number| {
            number.ok_or_else(|| invalid(format!("{name} must be greater than or equal to 0")))
        })
        .transpose()
}

fn change(
    target: &mut ScalableTarget,
    update: SuspensionUpdate,
    asked: Asked<'_>,
) -> Result<(), Refusal> {
    target.minimum = capacity(asked, "MinCapacity")?.unwrap_or(target.minimum);
    target.maximum = capacity(asked, "MaxCapacity")?.unwrap_or(target.maximum);
    if target.minimum > target.maximum {
        return Err(invalid(
            "Maximum capacity cannot be less than minimum capacity",
        ));
    }
    if let Some(given) = asked.get("SuspendedState").map(Asked) {
        let absent = match update {
            SuspensionUpdate::Replaced => Suspension::default(),
            SuspensionUpdate::Merged => target.suspended,
        };
        target.suspended = Suspension {
            scale_in: given
                .flag("DynamicScalingInSuspended")
                .unwrap_or(absent.scale_in),
            scale_out: given
                .flag("DynamicScalingOutSuspended")
                .unwrap_or(absent.scale_out),
            scheduled: given
                .flag("ScheduledScalingSuspended")
                .unwrap_or(absent.scheduled),
        };
    }
    Ok(())
}

/// The target that a tagging request names by its ARN.
fn named<'a>(
    account: &'a mut Account,
    asked: Asked<'_>,
) -> Result<&'a mut ScalableTarget, Refusal> {
    let arn = asked.text("ResourceARN").unwrap_or_default();
    let place = account.place.clone();
    let found = account
        .scalable
        .iter_mut()
        .find(|target| place.scalable_target_arn(&target.service) == arn);
    found.ok_or_else(|| {
        Refusal::new(
            "ResourceNotFoundException",
            format!("The scalable target {arn} doesn't exist."),
        )
    })
}

fn tags(asked: Asked<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    let given = asked
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
        Err(invalid(format!("The tag key '{key}' is reserved or empty")))
    })?;
    Ok(tags)
}

fn tag(account: &mut Account, asked: Asked<'_>) -> Answer {
    let tags = tags(asked)?;
    let target = named(account, asked)?;
    let all: BTreeMap<String, String> = target.tags.clone().into_iter().chain(tags).collect();
    if all.len() > TAGS {
        return Err(Refusal::new(
            "TooManyTagsException",
            "A scalable target can have at most 50 tags.",
        ));
    }
    target.tags = all;
    Ok(json!({}))
}

fn untag(account: &mut Account, asked: Asked<'_>) -> Answer {
    let keys = asked.texts("TagKeys");
    named(account, asked)?
        .tags
        .retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}
