//! `loadBalancers` of an `UpdateService`: refused where AWS would, and what it makes of a service
//! that was rolling until now.

use serde_json::Value;

use crate::account::{Account, Service};
use crate::aws::{Input, ServiceError};
use crate::cloud::Cloud;
use crate::cycles::add_second_target_group;

/// Refuses rules that cannot be, and one rule for two purposes.
pub(super) fn check(input: Input<'_>) -> Result<(), ServiceError> {
    for advanced in advanced_configurations(input).map(Input) {
        let (production, test) = (
            advanced.text("productionListenerRule"),
            advanced.text("testListenerRule"),
        );
        if production.is_some() && production == test {
            return Err(ServiceError::invalid_parameter(
                "The productionListenerRule and the testListenerRule cannot be the same.",
            ));
        }
        let is_rule = |arn: &str| {
            arn.starts_with("arn:")
                && (arn.contains(":listener-rule/") || arn.contains(":listener/"))
        };
        if let Some(wrong) = [production, test]
            .into_iter()
            .flatten()
            .find(|arn| !is_rule(arn))
        {
            return Err(ServiceError::invalid_parameter(format!(
                "Invalid listener rule ARN format: {wrong}"
            )));
        }
    }
    Ok(())
}

/// A service that is to alternate needs a group to alternate with.
pub(super) fn apply(cloud: &Cloud, account: &mut Account, service: &Service, input: Input<'_>) {
    if advanced_configurations(input).next().is_some() && service.is_ecs_controlled() {
        add_second_target_group(cloud, account, &service.name);
    }
}

fn advanced_configurations(input: Input<'_>) -> impl Iterator<Item = &Value> {
    let all = input
        .get("loadBalancers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    all.filter_map(|balancer| balancer.get("advancedConfiguration"))
        .filter(|advanced| advanced.is_object())
}
