//! `deploymentConfiguration` of an `UpdateService`: refused where AWS would, and applied member by
//! member.

use serde_json::{Map, Value};

use crate::account::{Account, Configuration, LifecycleStage, Service};
use crate::aws::{Asked, Refusal};
use crate::cloud::Cloud;
use crate::switches::{BareHook, HookDetails, RemovedHooks};

/// Bake times are at most a day.
const LONGEST_BAKE: f64 = 1440.0;

/// A hook waits for at most a fortnight.
const LONGEST_HOOK: f64 = 20160.0;

/// A service has at most so many hooks of each kind.
const HOOKS_OF_A_KIND: usize = 10;

/// What the service's configuration becomes, if the request speaks of it.
pub(super) fn wanted(
    cloud: &Cloud,
    service: &Service,
    asked: Asked<'_>,
) -> Result<Option<Configuration>, Refusal> {
    let Some(given) = asked
        .get("deploymentConfiguration")
        .and_then(Value::as_object)
    else {
        return Ok(None);
    };
    let Some(mut configuration) = service.configuration.clone() else {
        return Ok(None);
    };
    check_members(given, &configuration)?;
    configuration.replace(given);
    details(cloud.switches().hook_details, &mut configuration)?;
    check_whole(&configuration, cloud.switches().bare_hook)?;
    Ok(Some(configuration))
}

/// PAUSE hooks keep their details, lose them, or may not have any.
fn details(position: HookDetails, configuration: &mut Configuration) -> Result<(), Refusal> {
    let hooks = configuration
        .0
        .get_mut("lifecycleHooks")
        .and_then(Value::as_array_mut);
    for hook in hooks.into_iter().flatten().filter(|hook| pauses(hook)) {
        let has_any = hook
            .get("hookDetails")
            .is_some_and(|details| !details.is_null());
        match position {
            HookDetails::Dropped => {
                hook.as_object_mut()
                    .map(|members| members.shift_remove("hookDetails"));
            }
            HookDetails::Refused if has_any => {
                return Err(Refusal::parameter(
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
        .unfinished(name)
        .map(|deployment| deployment.arn.clone());
    let deployment = under_way.and_then(|arn| account.service_deployment_mut(&arn));
    if let (Some(deployment), RemovedHooks::Dropped) = (deployment, cloud.switches().removed_hooks)
    {
        deployment.configuration.keep_hooks_of(configuration);
    }
}

fn check_members(given: &Map<String, Value>, before: &Configuration) -> Result<(), Refusal> {
    let strategy = given
        .get("strategy")
        .and_then(Value::as_str)
        .unwrap_or_else(|| before.strategy());
    if !["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"].contains(&strategy) {
        return Err(Refusal::parameter(format!(
            "Invalid deployment strategy: {strategy}"
        )));
    }
    for (member, only) in [
        ("canaryConfiguration", "CANARY"),
        ("linearConfiguration", "LINEAR"),
    ] {
        if given.get(member).is_some_and(|value| !value.is_null()) && strategy != only {
            return Err(Refusal::parameter(format!(
                "{member} is only valid when the deployment strategy is {only}."
            )));
        }
    }
    Ok(())
}

fn check_whole(configuration: &Configuration, bare: BareHook) -> Result<(), Refusal> {
    let members = &configuration.0;
    check_range(
        members.get("bakeTimeInMinutes"),
        "bakeTimeInMinutes",
        (0.0, LONGEST_BAKE),
    )?;
    match configuration.strategy() {
        "BLUE_GREEN" if members.get("bakeTimeInMinutes").is_none() => {
            return Err(Refusal::parameter(
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
    let pauses = hooks.iter().filter(|hook| pauses(hook)).count();
    if pauses.max(hooks.len() - pauses) > HOOKS_OF_A_KIND {
        return Err(Refusal::parameter(
            "A service can have at most 10 lifecycle hooks of each target type.",
        ));
    }
    Ok(())
}

fn check_early_success(configuration: &Configuration) -> Result<(), Refusal> {
    let Some(early) = configuration.early_success() else {
        return Ok(());
    };
    if configuration.is_native() {
        return Err(Refusal::parameter(
            "earlySuccessCriteria is only valid when the deployment strategy is ROLLING.",
        ));
    }
    if !(configuration.minimum_healthy_percent()..=100).contains(&early.percent) {
        return Err(Refusal::parameter(
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
) -> Result<(), Refusal> {
    let steps = members.get(member).filter(|value| value.is_object());
    let steps = steps.ok_or_else(|| {
        Refusal::parameter(format!(
            "{member} is required for this deployment strategy."
        ))
    })?;
    check_range(steps.get(percent), percent, (least, 100.0))?;
    if steps
        .get(percent)
        .and_then(Value::as_f64)
        .is_some_and(|share| (share * 10.0 - (share * 10.0).round()).abs() > 1e-6)
    {
        return Err(Refusal::parameter(format!(
            "{percent} must be a multiple of 0.1."
        )));
    }
    check_range(steps.get(minutes), minutes, (0.0, LONGEST_BAKE))
}

fn check_range(
    value: Option<&Value>,
    name: &str,
    (least, most): (f64, f64),
) -> Result<(), Refusal> {
    match value.and_then(Value::as_f64) {
        Some(number) if !(least..=most).contains(&number) => Err(Refusal::parameter(format!(
            "{name} must be between {least} and {most}."
        ))),
        Some(_) | None => Ok(()),
    }
}

fn pauses(hook: &Value) -> bool {
    hook.get("targetType").and_then(Value::as_str) == Some("PAUSE")
}

fn check_hook(hook: &Value) -> Result<(), Refusal> {
    let asked = Asked(hook);
    let stages = asked.texts("lifecycleStages");
    if stages.is_empty() {
        return Err(Refusal::parameter(
            "A lifecycle hook must have at least one lifecycle stage.",
        ));
    }
    for name in stages {
        let stage = LifecycleStage::HOOKED
            .into_iter()
            .find(|stage| stage.as_str() == name);
        let stage = stage.ok_or_else(|| {
            Refusal::parameter(format!("Invalid lifecycle stage for a hook: {name}"))
        })?;
        if pauses(hook) && !stage.may_pause() {
            return Err(Refusal::parameter(format!(
                "PAUSE lifecycle hooks are not supported at the stage {name}."
            )));
        }
    }
    match (
        pauses(hook),
        asked.text("hookTargetArn"),
        asked.text("roleArn"),
    ) {
        (true, Some(_), _) => {
            return Err(Refusal::parameter(
                "hookTargetArn is not applicable for PAUSE hooks.",
            ));
        }
        (false, None, _) | (false, _, None) => {
            return Err(Refusal::parameter(
                "hookTargetArn and roleArn are required for AWS_LAMBDA hooks.",
            ));
        }
        (true, None, _) | (false, Some(_), Some(_)) => {}
    }
    let timeout = hook.pointer("/timeoutConfiguration/timeoutInMinutes");
    check_range(timeout, "timeoutInMinutes", (1.0, LONGEST_HOOK))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::options::{Controller, NativeOptions};

    fn refused(given: &Value) -> bool {
        let mut configuration =
            Configuration::of(&Controller::Native(NativeOptions::default())).unwrap();
        let given = given.as_object().unwrap();
        check_members(given, &configuration).is_err() || {
            configuration.replace(given);
            check_whole(&configuration, BareHook::Refused).is_err()
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
            assert!(!refused(&given), "{given}");
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
            assert!(refused(&given), "{given}");
        }
    }
}
