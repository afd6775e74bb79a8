//! The hooks of a lifecycle stage. They run in parallel; if one fails, the deployment is rolled
//! back.

use std::time::Duration;

use super::Interruption;
use super::cycle::Cycle;
use crate::account::{Hook, HookAction, HookDetail, HookStatus, LifecycleStage};
use crate::clock::{Clock, now_ms};
use crate::cloud::Cloud;
use crate::options::Controller;
use crate::switches::Toggle;

/// Runs the hooks of the present stage, and waits until the last is answered.
pub(super) async fn run(cycle: &Cycle, stage: LifecycleStage) -> Result<(), Interruption> {
    let details = stage_hooks(cycle, stage);
    if details.is_empty() {
        return Ok(());
    }
    cycle.mark(&format!(
        "{} {}",
        stage.as_str(),
        if details.iter().any(is_pause) {
            "paused"
        } else {
            "hooks"
        }
    ));
    cycle.advance(|account| {
        let Some(deployment) = account.service_deployment_mut(cycle.arn()) else {
            return;
        };
        if cycle.cloud().switches().former_hooks == Toggle::Off {
            deployment.hooks.clear();
        }
        deployment.hooks.extend(details);
        deployment.mark_changed();
    })?;
    call_functions(cycle, stage).await?;
    loop {
        let wait = cycle
            .read(|deployment| next_expiry(&deployment.hooks))
            .flatten();
        let Some(wait) = wait else { return Ok(()) };
        let version = cycle.read(|deployment| deployment.version).unwrap_or(0);
        cycle
            .wait_until(wait, |deployment| deployment.version > version)
            .await?;
        expire_hooks(cycle, stage)?;
    }
}

fn is_pause(hook: &HookDetail) -> bool {
    hook.function.is_none()
}

/// The stage's hooks with fresh ids.
fn stage_hooks(cycle: &Cycle, stage: LifecycleStage) -> Vec<HookDetail> {
    let hooks = cycle
        .read(|deployment| deployment.configuration.hooks(stage))
        .unwrap_or_default();
    cycle.cloud().change(|account| {
        let detail = |hook: Hook| HookDetail {
            id: account.ids.next_uuid(),
            status: if hook.function.is_none() {
                HookStatus::AwaitingAction
            } else {
                HookStatus::InProgress
            },
            function: hook.function,
            expires_ms: now_ms()
                + i64::try_from(hook_timeout(cycle.cloud(), hook.timeout_minutes).as_millis())
                    .unwrap_or(i64::MAX / 2),
            timeout_action: hook.timeout_action,
        };
        hooks.into_iter().map(detail).collect()
    })
}

/// How long a hook's minutes last.
fn hook_timeout(cloud: &Cloud, minutes: u64) -> Duration {
    let minutes = f64::from(u32::try_from(minutes).unwrap_or(u32::MAX));
    match (cloud.clock(), cloud.switches().hook_minute_ms) {
        (Clock::Observed { .. }, Some(milliseconds)) => {
            Duration::from_millis(milliseconds).mul_f64(minutes)
        }
        (clock @ (Clock::Observed { .. } | Clock::Scaled(_)), _) => clock.limit(minutes),
    }
}

/// The functions answer at once, as their options say.
async fn call_functions(cycle: &Cycle, stage: LifecycleStage) -> Result<(), Interruption> {
    let called = cycle.read(|deployment| {
        deployment
            .hooks
            .iter()
            .any(|hook| hook.status == HookStatus::InProgress)
    });
    if called != Some(true) {
        return Ok(());
    }
    cycle.dwell(cycle.clock().seconds(2.0)).await?;
    let failing = failing_hooks(cycle);
    let fails = |function: &str| {
        failing
            .iter()
            .any(|name| function.ends_with(name.as_str()) || name == stage.as_str())
    };
    let failed = cycle.change(|deployment| {
        for hook in deployment
            .hooks
            .iter_mut()
            .filter(|hook| hook.status == HookStatus::InProgress)
        {
            let failed = hook.function.as_deref().is_some_and(fails);
            hook.status = if failed {
                HookStatus::Failed
            } else {
                HookStatus::Succeeded
            };
        }
        deployment
            .hooks
            .iter()
            .any(|hook| hook.status == HookStatus::Failed)
    });
    if failed == Some(true) {
        Err(Interruption::Hook(format!(
            "a lifecycle hook failed at the stage {}",
            stage.as_str()
        )))
    } else {
        Ok(())
    }
}

fn failing_hooks(cycle: &Cycle) -> Vec<String> {
    cycle.cloud().read(|account| {
        let service = account
            .service_deployment(cycle.arn())
            .and_then(|deployment| account.service(&deployment.service));
        match service.map(|service| &service.controller) {
            Some(Controller::Ecs(options)) => options.failing_hooks.clone(),
            Some(Controller::Rolling(_) | Controller::CodeDeploy(_) | Controller::External)
            | None => Vec::new(),
        }
    })
}

/// How long until the next hook expires; none when all are answered.
fn next_expiry(hooks: &[HookDetail]) -> Option<Duration> {
    let open = hooks
        .iter()
        .filter(|hook| hook.status.is_open())
        .map(|hook| hook.expires_ms)
        .min()?;
    Some(Duration::from_millis(
        u64::try_from(open - now_ms()).unwrap_or(0),
    ))
}

/// Applies the time-out action of hooks that have expired.
fn expire_hooks(cycle: &Cycle, stage: LifecycleStage) -> Result<(), Interruption> {
    let now = now_ms();
    let due = |hook: &HookDetail| hook.status.is_open() && hook.expires_ms <= now;
    if cycle.read(|deployment| deployment.hooks.iter().any(due)) != Some(true) {
        return Ok(());
    }
    let actions: Vec<HookAction> = cycle
        .change(|deployment| {
            let expired = deployment.hooks.iter_mut().filter(|hook| due(hook));
            expired
                .map(|hook| (hook.status = HookStatus::TimedOut, hook.timeout_action).1)
                .collect()
        })
        .unwrap_or_default();
    cycle.mark(&format!("{} timed out", stage.as_str()));
    if actions.contains(&HookAction::Rollback) {
        return Err(Interruption::Hook(format!(
            "a lifecycle hook timed out at the stage {}",
            stage.as_str()
        )));
    }
    Ok(())
}
