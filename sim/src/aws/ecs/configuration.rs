//! `deploymentConfiguration` of an `UpdateService`: refused where AWS would, and applied member by
//! member.

use serde_json::{Map, Value};

use crate::account::{Account, Configuration, LifecycleStage, Service};
use crate::aws::{Input, ServiceError};
use crate::cloud::Cloud;
use crate::switches::{BareHook, HookDetails, RemovedHooks};

/// Bake times are at most a day.
const MAX_BAKE_MINUTES: f64 = 1440.0;

/// A hook waits for at most a fortnight.
const MAX_HOOK_MINUTES: f64 = 20160.0;

/// A service has at most so many hooks of each kind.
const MAX_HOOKS_PER_TYPE: usize = 10;

/// What the service's configuration becomes, if the request speaks of it.
pub(super) fn parse_update(
    cloud: &Cloud,
    service: &Service,
    input: Input<'_>,
) -> Result<Option<Configuration>, ServiceError> {
    let Some(given) = input
        .get("deploymentConfiguration")
        .and_then(Value::as_object)
    else {
        return Ok(None);
    };
    let Some(mut configuration) = service.configuration.clone() else {
        return Ok(None);
    };
    check_members(given, &configuration)?;
    configuration.replace_members(given);
    apply_hook_details(cloud.switches().hook_details, &mut configuration)?;
    check_configuration(&configuration, cloud.switches().bare_hook)?;
    Ok(Some(configuration))
}

/// PAUSE hooks keep their details, lose them, or may not have any.
fn apply_hook_details(
    position: HookDetails,
    configuration: &mut Configuration,
) -> Result<(), ServiceError> {
    let hooks = configuration
        .0
        .get_mut("lifecycleHooks")
        .and_then(Value::as_array_mut);
    for hook in hooks.into_iter().flatten().filter(|hook| is_pause(hook)) {
        let has_any = hook
            .get("hookDetails")
            .is_some_and(|details| !details.is_null());
        match position {
            HookDetails::Dropped => {
                hook.as_object_mut()
                    .map(|members| members.shift_remove("hookDetails"));
            }
            HookDetails::Refused if has_any => {
                return Err(ServiceError::invalid_parameter(
                    "hookDetails is not applicable for PAUSE hooks.",
                ));
            }
            HookDetails::Stored | HookDetails::Refused => {}
        }
    }
    Ok(())
}

/// The service has it from now on; a deployment under way keeps its snapshot, or loses what was
/// removed.
pub(super) fn apply(
    cloud: &Cloud,
    account: &mut Account,
    name: &str,
    configuration: &Configuration,
) {
    if let Some(service) = account.service_mut(name) {
        service.configuration = Some(configuration.clone());
    }
    let under_way = account
        .unfinished_deployment(name)
        .map(|deployment| deployment.arn.clone());
    let deployment = under_way.and_then(|arn| account.service_deployment_mut(&arn));
    if let (Some(deployment), RemovedHooks::Dropped) = (deployment, cloud.switches().removed_hooks)
    {
        deployment.configuration.retain_hooks_of(configuration);
    }
}

fn check_members(given: &Map<String, Value>, before: &Configuration) -> Result<(), ServiceError> {
    let strategy = given
        .get("strategy")
        .and_then(Value::as_str)
        .unwrap_or_else(|| before.strategy());
    if !["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"].contains(&strategy) {
        return Err(ServiceError::invalid_parameter(format!(
            "Invalid deployment strategy: {strategy}"
        )));
    }
    for (member, only) in [
        ("canaryConfiguration", "CANARY"),
        ("linearConfiguration", "LINEAR"),
    ] {
        if given.get(member).is_some_and(|value| !value.is_null()) && strategy != only {
            return Err(ServiceError::invalid_parameter(format!(
                "{member} is only valid when the deployment strategy is {only}."
            )));
        }
    }
    Ok(())
}

fn check_configuration(configuration: &Configuration, bare: BareHook) -> Result<(), ServiceError> {
    let members = &configuration.0;
    check_range(
        members.get("bakeTimeInMinutes"),
        "bakeTimeInMinutes",
        (0.0, MAX_BAKE_MINUTES),
    )?;
    match configuration.strategy() {
        "BLUE_GREEN" if members.get("bakeTimeInMinutes").is_none() => {
            return Err(ServiceError::invalid_parameter(
                "bakeTimeInMinutes is required when the deployment strategy is BLUE_GREEN.",
            ));
        }
        "CANARY" => check_steps(
            members,
            "canaryConfiguration",
            ("canaryPercent", 0.1),
            "canaryBakeTimeInMinutes",
        )?,
        "LINEAR" => check_steps(
            members,
            "linearConfiguration",
            ("stepPercent", 3.0),
            "stepBakeTimeInMinutes",
        )?,
        _ => {}
    }
    check_early_success(configuration)?;
    let hooks = members
        .get("lifecycleHooks")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let is_bare =
        |hook: &Value| hook.get("targetType").is_none() && hook.get("hookTargetArn").is_none();
    hooks
        .iter()
        .filter(|hook| bare == BareHook::Refused || !is_bare(hook))
        .try_for_each(check_hook)?;
    let pauses = hooks.iter().filter(|hook| is_pause(hook)).count();
    if pauses.max(hooks.len() - pauses) > MAX_HOOKS_PER_TYPE {
        return Err(ServiceError::invalid_parameter(
            "A service can have at most 10 lifecycle hooks of each target type.",
        ));
    }
    Ok(())
}

fn check_early_success(configuration: &Configuration) -> Result<(), ServiceError> {
    let Some(early) = configuration.early_success() else {
        return Ok(());
    };
    if configuration.shifts_traffic() {
        return Err(ServiceError::invalid_parameter(
            "earlySuccessCriteria is only valid when the deployment strategy is ROLLING.",
        ));
    }
    if !(configuration.minimum_healthy_percent()..=100).contains(&early.percent) {
        return Err(ServiceError::invalid_parameter(
            "healthyPercent must be between minimumHealthyPercent and 100.",
        ));
    }
    Ok(())
}

fn check_steps(
    members: &Map<String, Value>,
    member: &str,
    (percent, least): (&str, f64),
    minutes: &str,
) -> Result<(), ServiceError> {
    let steps = members.get(member).filter(|value| value.is_object());
    let steps = steps.ok_or_else(|| {
        ServiceError::invalid_parameter(format!(
            "{member} is required for this deployment strategy."
        ))
    })?;
    check_range(steps.get(percent), percent, (least, 100.0))?;
    if steps
        .get(percent)
        .and_then(Value::as_f64)
        .is_some_and(|share| (share * 10.0 - (share * 10.0).round()).abs() > 1e-6)
    {
        return Err(ServiceError::invalid_parameter(format!(
            "{percent} must be a multiple of 0.1."
        )));
    }
    check_range(steps.get(minutes), minutes, (0.0, MAX_BAKE_MINUTES))
}

fn check_range(
    value: Option<&Value>,
    name: &str,
    (least, most): (f64, f64),
) -> Result<(), ServiceError> {
    match value.and_then(Value::as_f64) {
        Some(number) if !(least..=most).contains(&number) => Err(ServiceError::invalid_parameter(
            format!("{name} must be between {least} and {most}."),
        )),
        Some(_) | None => Ok(()),
    }
}

fn is_pause(hook: &Value) -> bool {
    hook.get("targetType").and_then(Value::as_str) == Some("PAUSE")
}

fn check_hook(hook: &Value) -> Result<(), ServiceError> {
    let input = Input(hook);
    let stages = input.text_list("lifecycleStages");
    if stages.is_empty() {
        return Err(ServiceError::invalid_parameter(
            "A lifecycle hook must have at least one lifecycle stage.",
        ));
    }
    for name in stages {
        let stage = LifecycleStage::HOOKED
            .into_iter()
            .find(|stage| stage.as_str() == name);
        let stage = stage.ok_or_else(|| {
            ServiceError::invalid_parameter(format!("Invalid lifecycle stage for a hook: {name}"))
        })?;
        if is_pause(hook) && !stage.may_pause() {
            return Err(ServiceError::invalid_parameter(format!(
                "PAUSE lifecycle hooks are not supported at the stage {name}."
            )));
        }
    }
    match (
        is_pause(hook),
        input.text("hookTargetArn"),
        input.text("roleArn"),
    ) {
        (true, Some(_), _) => {
            return Err(ServiceError::invalid_parameter(
                "hookTargetArn is not applicable for PAUSE hooks.",
            ));
        }
        (false, None, _) | (false, _, None) => {
            return Err(ServiceError::invalid_parameter(
                "hookTargetArn and roleArn are required for AWS_LAMBDA hooks.",
            ));
        }
        (true, None, _) | (false, Some(_), Some(_)) => {}
    }
    let timeout = hook.pointer("/timeoutConfiguration/timeoutInMinutes");
    check_range(timeout, "timeoutInMinutes", (1.0, MAX_HOOK_MINUTES))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::options::{Controller, EcsStrategyOptions};

    fn is_refused(given: &Value) -> bool {
        let mut configuration =
            Configuration::from_controller(&Controller::Ecs(EcsStrategyOptions::default()))
                .unwrap();
        let given = given.as_object().unwrap();
        check_members(given, &configuration).is_err() || {
            configuration.replace_members(given);
            check_configuration(&configuration, BareHook::Refused).is_err()
        }
    }

    #[test]
    fn what_aws_documents_is_taken() {
        for given in [
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 0.1, "canaryBakeTimeInMinutes": 0 } }),
            json!({ "strategy": "LINEAR", "linearConfiguration": {} }),
            json!({ "strategy": "ROLLING" }),
            json!({ "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
                "timeoutConfiguration": { "timeoutInMinutes": 20160, "action": "CONTINUE" } }] }),
        ] {
            assert!(!is_refused(&given), "{given}");
        }
    }

    #[test]
    fn what_aws_forbids_is_refused() {
        let pause = |stage: &str, minutes: u32| json!({ "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": [stage], "timeoutConfiguration": { "timeoutInMinutes": minutes } }] });
        for given in [
            json!({ "strategy": "CANARY" }),
            json!({ "strategy": "SOON" }),
            json!({ "canaryConfiguration": { "canaryPercent": 10.0 } }),
            json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 2.9 } }),
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 0.15 } }),
            json!({ "bakeTimeInMinutes": 1441 }),
            json!({ "earlySuccessCriteria": { "enable": true, "healthyPercent": 100 } }),
            json!({ "strategy": "ROLLING", "minimumHealthyPercent": 50, "earlySuccessCriteria": { "enable": true, "healthyPercent": 49 } }),
            pause("PRODUCTION_TRAFFIC_SHIFT", 1),
            pause("TEST_TRAFFIC_SHIFT", 1),
            pause("BAKE_TIME", 1),
            pause("POST_SCALE_UP", 0),
            pause("POST_SCALE_UP", 20161),
            json!({ "lifecycleHooks": [{ "lifecycleStages": ["POST_SCALE_UP"] }] }),
            json!({ "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": [] }] }),
        ] {
            assert!(is_refused(&given), "{given}");
        }
    }
}
