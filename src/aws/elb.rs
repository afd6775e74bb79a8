//! Elastic Load Balancing: where listeners really send traffic, and how healthy a target group is.

use aws_sdk_elasticloadbalancingv2::types::{Action, Listener, Rule};

use super::error::told;
use super::{Aws, AwsError};

/// Where the rules of a listener send traffic: target group ARN and weight, rule by rule.
pub type Forwards = Vec<Vec<(String, i32)>>;

/// A rule, or the listener of a network load balancer, that forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardingRule {
    /// Its ARN.
    pub arn: String,
    /// Target groups' ARNs and their weights.
    pub weights: Vec<(String, i32)>,
}

/// Healthy targets of all in a target group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetHealth {
    /// Healthy ones.
    pub healthy: usize,
    /// Those whose health AWS does not check, does not know, or cannot check because no load balancer leads there.
    pub unknown: usize,
    /// New ones that were not checked yet.
    pub initial: usize,
    /// All.
    pub all: usize,
}

impl TargetHealth {
    fn of(states: &[&str]) -> Self {
        let count = |wanted: &str| states.iter().filter(|state| **state == wanted).count();
        Self { healthy: count("healthy"), unknown: count("unavailable") + count("unused"), initial: count("initial"), all: states.len() }
    }
}

impl Aws {
    /// Every forward of the listener, default rule included; of a rule, when its ARN is given.
    pub async fn forwards(&self, listener: &str) -> Result<Forwards, AwsError> {
        Ok(self.forwarding_rules(listener).await?.into_iter().map(|rule| rule.weights).collect())
    }

    /// The same, with the rules' ARNs.
    pub async fn forwarding_rules(&self, listener: &str) -> Result<Vec<ForwardingRule>, AwsError> {
        let all =
            if listener.contains(":listener/net/") { self.listener_forwards(listener).await } else { self.rule_forwards(listener).await }?;
        Ok(all.into_iter().filter(|rule| !rule.weights.is_empty()).collect())
    }

    /// Network load balancers have no rules.
    async fn listener_forwards(&self, listener: &str) -> Result<Vec<ForwardingRule>, AwsError> {
        let answer = told("elasticloadbalancing:DescribeListeners", self.elb().describe_listeners().listener_arns(listener).send().await)?;
        let forwarding = |listener: &Listener| ForwardingRule {
            arn: listener.listener_arn().unwrap_or_default().to_owned(),
            weights: weights(listener.default_actions()),
        };
        Ok(answer.listeners().iter().map(forwarding).collect())
    }

    async fn rule_forwards(&self, listener: &str) -> Result<Vec<ForwardingRule>, AwsError> {
        let call = self.elb().describe_rules();
        let call = if listener.contains(":listener-rule/") { call.rule_arns(listener) } else { call.listener_arn(listener) };
        let answer = told("elasticloadbalancing:DescribeRules", call.send().await)?;
        let forwarding =
            |rule: &Rule| ForwardingRule { arn: rule.rule_arn().unwrap_or_default().to_owned(), weights: weights(rule.actions()) };
        Ok(answer.rules().iter().map(forwarding).collect())
    }

    /// The health of the group's targets.
    pub async fn target_health(&self, target_group: &str) -> Result<TargetHealth, AwsError> {
        let answer = told(
            "elasticloadbalancing:DescribeTargetHealth",
            self.elb().describe_target_health().target_group_arn(target_group).send().await,
        )?;
        let states =
            answer.target_health_descriptions().iter().filter_map(|target| target.target_health().and_then(|health| health.state()));
        let states: Vec<&str> = states.map(aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum::as_str).collect();
        Ok(TargetHealth::of(&states))
    }
}

/// `…:targetgroup/NAME/ID` → `NAME`.
pub fn group_name(arn: &str) -> &str {
    arn.split(":targetgroup/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(arn)
}

/// An action forwards to one group by its ARN, or to several by weight; a lone group has all the weight.
fn weights(actions: &[Action]) -> Vec<(String, i32)> {
    actions.iter().flat_map(action_weights).collect()
}

fn action_weights(action: &Action) -> Vec<(String, i32)> {
    let groups = action.forward_config().map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups).unwrap_or_default();
    let by_weight: Vec<(String, i32)> =
        groups.iter().filter_map(|group| Some((group.target_group_arn()?.to_owned(), group.weight().unwrap_or(1)))).collect();
    match by_weight.as_slice() {
        [] => action.target_group_arn().map(|arn| (arn.to_owned(), 1)).into_iter().collect(),
        [(only, 0)] => vec![(only.clone(), 1)],
        _ => by_weight,
    }
}
