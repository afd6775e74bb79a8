//! Application Auto Scaling's one activity on the stage: during a rollout it scales a service in by
//! one, unless that is suspended.

use crate::account::{Account, RolloutState, ScalableTarget, Service};
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// One round over all scalable targets.
pub(super) fn advance(cloud: &Cloud) {
    let watched = |target: &&ScalableTarget| target.scale_in_after_ms.is_some();
    let names: Vec<String> = cloud.read(|account| {
        account
            .scalable
            .iter()
            .filter(watched)
            .map(|target| target.service.clone())
            .collect()
    });
    for name in names {
        if let Some(desired) = cloud.change(|account| advance_one(account, &name)) {
            cloud.ledger.mark(&name, format!("scaled in to {desired}"));
        }
    }
}

/// The new desired count, if it was scaled in.
fn advance_one(account: &mut Account, name: &str) -> Option<u32> {
    let service = account.service(name)?;
    let (desired, rolling) = (service.desired, is_in_rollout(account, service));
    let target = account
        .scalable
        .iter_mut()
        .find(|target| target.service == name)?;
    if !rolling {
        (target.rollout_since_ms, target.scaled_in) = (None, false);
        return None;
    }
    let since = *target.rollout_since_ms.get_or_insert_with(now_ms);
    if !is_due(target, now_ms() - since) || desired <= target.minimum {
        return None;
    }
    target.scaled_in = true;
    account.service_mut(name)?.scale(desired - 1);
    Some(desired - 1)
}

fn is_due(target: &ScalableTarget, waited_ms: i64) -> bool {
    let low = target
        .scale_in_after_ms
        .is_some_and(|after| waited_ms >= i64::try_from(after).unwrap_or(i64::MAX));
    low && !target.scaled_in && !target.suspended.scale_in
}

fn is_in_rollout(account: &Account, service: &Service) -> bool {
    let deploying = account
        .deployments
        .iter()
        .any(|own| own.group.service == service.name && !own.status.is_over());
    deploying
        || service.fleets.len() > 1
        || service
            .primary()
            .is_some_and(|primary| primary.rollout == RolloutState::InProgress)
}
