//! PURE: which hooks a rollout meets, and which of them wait for a person.

use serde_json::Value;

use super::{LineResult, Subject};
use crate::aws::arn::short_name;
use crate::documents::deployment_configuration::{HookIdentity, hooks_of_others};
use crate::settings::AppSpecSource;

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(service) = &subject.snapshot.service else {
        return vec![LineResult::skipped(
            "no service is given, or it could not be read",
        )];
    };
    let pause = service.tagged_pause();
    let identity = HookIdentity {
        pause: pause.as_ref(),
        ..HookIdentity::default()
    };
    let hooks = hooks_of_others(service.deployment_configuration.as_ref(), identity);
    let mut names: Vec<String> = hooks.iter().map(describe).collect();
    if let AppSpecSource::File { spec } = &subject.settings.rollout.app_spec {
        names.extend(app_spec_hooks(spec));
    }
    let mut findings = vec![if names.is_empty() {
        LineResult::Ok("there are none besides those that this action adds".to_owned())
    } else {
        LineResult::Ok(names.join("; "))
    }];
    findings.extend(hooks.iter().filter(|hook| is_pause(hook)).map(|hook| {
        LineResult::warned(
            format!("{} waits until somebody answers it", describe(hook)),
            "answer it (aws ecs continue-service-deployment), or take the hook out of the service",
        )
    }));
    findings
}

fn is_pause(hook: &Value) -> bool {
    hook["targetType"] == "PAUSE"
}

fn describe(hook: &Value) -> String {
    let stages: Vec<&str> = hook["lifecycleStages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let target = hook["hookTargetArn"].as_str().map(function_name);
    let what = if is_pause(hook) {
        "a pause".to_owned()
    } else {
        target.unwrap_or_else(|| "a hook".to_owned())
    };
    format!("{what} at {}", stages.join(", "))
}

/// `arn:aws:lambda:REGION:ACCOUNT:function:NAME` → `NAME`.
fn function_name(arn: &str) -> String {
    let name = arn.split(":function:").nth(1).unwrap_or(short_name(arn));
    format!("function {name}")
}

/// `hooks: [{ BeforeInstall: FUNCTION }]`.
fn app_spec_hooks(spec: &Value) -> Vec<String> {
    let hooks = spec["Hooks"].as_array().or(spec["hooks"].as_array());
    hooks
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
        .filter_map(|(event, function)| {
            Some(format!("{} at {event}", function_name(function.as_str()?)))
        })
        .collect()
}
