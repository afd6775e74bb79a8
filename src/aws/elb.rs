//! Elastic Load Balancing: where listeners really send traffic, and how healthy a target group is.
//!
//! One file, because each AWS service has one file for its calls.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Listener, Rule, RuleCondition,
};

use super::arn::{listener_arn, target_group_name};
use super::error::from_sdk;
use super::{Aws, AwsError};
use crate::identity::TargetGroupArn;

/// Where the rules of a listener send traffic: target group ARN and weight, rule by rule.
pub type Forwards = Vec<Vec<(TargetGroupArn, i32)>>;

/// A rule, or the listener of a network load balancer, that forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardingRule {
    /// The ARN of the rule or listener.
    pub arn: String,
    /// Target groups' ARNs and their weights.
    pub weights: Vec<(TargetGroupArn, i32)>,
}

/// A listener with the port and DNS name at which clients reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerAddress {
    /// The listener's ARN.
    pub listener: String,
    /// The listener's port.
    pub port: u16,
    /// The DNS name of its load balancer.
    pub host: String,
}

/// A rule of a listener. Rules are kept in the order of their priorities, the default rule last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerRule {
    /// The rule's ARN.
    pub arn: String,
    /// The conditions that a request must meet; empty for the default rule.
    pub conditions: Vec<Condition>,
    /// Target groups with their weights; empty for a rule that does not forward.
    pub weights: Vec<(TargetGroupArn, i32)>,
}

/// A condition of a rule: the request must match one of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The host, with wildcards.
    Host(Vec<String>),
    /// The path, with wildcards.
    Path(Vec<String>),
    /// A header, with wildcards.
    Header(String, Vec<String>),
    /// Another condition, which is not evaluated.
    Other,
}

/// How many targets of a target group are healthy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetHealth {
    /// The number of healthy targets.
    pub healthy: usize,
    /// Targets whose health AWS does not check, does not know, or cannot check because no load
    /// balancer forwards to the group.
    pub unknown: usize,
    /// New targets that were not checked yet.
    pub initial: usize,
    /// The number of all targets.
    pub all: usize,
}

impl ForwardingRule {
    /// What it does now, so that a person can correct it.
    pub fn describe(&self) -> String {
        let weights: Vec<String> = self
            .weights
            .iter()
            .map(|(group, weight)| format!("{weight} to {}", target_group_name(group)))
            .collect();
        format!("rule {} forwards {}", self.arn, weights.join(", "))
    }
}

impl TargetHealth {
    fn from_states(states: &[&str]) -> Self {
        let count = |wanted: &str| states.iter().filter(|state| **state == wanted).count();
        Self {
            healthy: count("healthy"),
            unknown: count("unavailable") + count("unused"),
            initial: count("initial"),
            all: states.len(),
        }
    }
}

impl Aws {
    /// The forwards of all rules of the listener, including the default rule; for a rule's ARN, of
    /// that rule.
    pub async fn read_forward_weights(&self, listener: &str) -> Result<Forwards, AwsError> {
        Ok(self
            .read_forwarding_rules(listener)
            .await?
            .into_iter()
            .map(|rule| rule.weights)
            .collect())
    }

    /// The same forwards with the ARNs of their rules.
    pub async fn read_forwarding_rules(
        &self,
        listener: &str,
    ) -> Result<Vec<ForwardingRule>, AwsError> {
        let all = if listener.contains(":listener/net/") {
            self.read_listener_forwards(listener).await
        } else {
            self.read_rule_forwards(listener).await
        }?;
        Ok(all
            .into_iter()
            .filter(|rule| !rule.weights.is_empty())
            .collect())
    }

    /// All rules of a listener in their order, also those that do not forward.
    pub async fn read_listener_rules(&self, listener: &str) -> Result<Vec<ListenerRule>, AwsError> {
        if listener.contains(":listener/net/") {
            let forwards = self.read_listener_forwards(listener).await?;
            return Ok(forwards
                .into_iter()
                .map(|rule| ListenerRule {
                    arn: rule.arn,
                    conditions: Vec::new(),
                    weights: rule.weights,
                })
                .collect());
        }
        let answer = from_sdk(
            DESCRIBE_RULES,
            self.elb()
                .describe_rules()
                .listener_arn(listener)
                .page_size(RULES_PAGE_SIZE)
                .send()
                .await,
        )?;
        if answer.next_marker().is_some() {
            return Err(AwsError::incomplete_answer(
                DESCRIBE_RULES,
                "rules: there are more of them",
            ));
        }
        let mut rules: Vec<&Rule> = answer.rules().iter().collect();
        // The default rule's priority is not a number.
        rules.sort_by_key(|rule| {
            rule.priority()
                .and_then(|priority| priority.parse().ok())
                .unwrap_or(u32::MAX)
        });
        Ok(rules.into_iter().map(from_rule).collect())
    }

    /// The ports and DNS names of listeners; for a rule's ARN, of its listener.
    pub async fn read_listener_addresses(
        &self,
        listeners: &[String],
    ) -> Result<Vec<ListenerAddress>, AwsError> {
        let mut arns: Vec<String> = listeners
            .iter()
            .filter_map(|arn| listener_arn(arn))
            .collect();
        arns.sort();
        arns.dedup();
        let mut balancers: Vec<String> = arns
            .iter()
            .filter_map(|arn| load_balancer_arn(arn))
            .collect();
        balancers.sort();
        balancers.dedup();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let (found, balancers) = tokio::join!(
            self.elb()
                .describe_listeners()
                .set_listener_arns(Some(arns))
                .send(),
            self.elb()
                .describe_load_balancers()
                .set_load_balancer_arns(Some(balancers))
                .send()
        );
        let found = from_sdk("elasticloadbalancing:DescribeListeners", found)?;
        let balancers = from_sdk("elasticloadbalancing:DescribeLoadBalancers", balancers)?;
        let host = |arn: &str| {
            let balancer = balancers
                .load_balancers()
                .iter()
                .find(|balancer| balancer.load_balancer_arn() == Some(arn))?;
            balancer.dns_name().map(str::to_owned)
        };
        let address = |listener: &Listener| {
            Some(ListenerAddress {
                listener: listener.listener_arn()?.to_owned(),
                port: u16::try_from(listener.port()?).ok()?,
                host: host(listener.load_balancer_arn()?)?,
            })
        };
        Ok(found.listeners().iter().filter_map(address).collect())
    }

    /// Network load balancers have no rules.
    async fn read_listener_forwards(
        &self,
        listener: &str,
    ) -> Result<Vec<ForwardingRule>, AwsError> {
        let answer = from_sdk(
            "elasticloadbalancing:DescribeListeners",
            self.elb()
                .describe_listeners()
                .listener_arns(listener)
                .send()
                .await,
        )?;
        let forwarding_rule = |listener: &Listener| ForwardingRule {
            arn: listener.listener_arn().unwrap_or_default().to_owned(),
            weights: forwarded_weights(listener.default_actions()),
        };
        Ok(answer.listeners().iter().map(forwarding_rule).collect())
    }

    async fn read_rule_forwards(&self, listener: &str) -> Result<Vec<ForwardingRule>, AwsError> {
        let call = self.elb().describe_rules();
        let call = if listener.contains(":listener-rule/") {
            call.rule_arns(listener)
        } else {
            call.listener_arn(listener)
        };
        let answer = from_sdk(DESCRIBE_RULES, call.send().await)?;
        let forwarding_rule = |rule: &Rule| ForwardingRule {
            arn: rule.rule_arn().unwrap_or_default().to_owned(),
            weights: forwarded_weights(rule.actions()),
        };
        Ok(answer.rules().iter().map(forwarding_rule).collect())
    }

    /// The health of the group's targets.
    pub async fn describe_target_health(
        &self,
        target_group: &TargetGroupArn,
    ) -> Result<TargetHealth, AwsError> {
        let answer = from_sdk(
            "elasticloadbalancing:DescribeTargetHealth",
            self.elb()
                .describe_target_health()
                .target_group_arn(target_group.as_str())
                .send()
                .await,
        )?;
        let states = answer
            .target_health_descriptions()
            .iter()
            .filter_map(|target| target.target_health().and_then(|health| health.state()));
        let states: Vec<&str> = states
            .map(aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum::as_str)
            .collect();
        Ok(TargetHealth::from_states(&states))
    }
}

const DESCRIBE_RULES: &str = "elasticloadbalancing:DescribeRules";
/// A listener has a hundred rules unless its quota was raised.
const RULES_PAGE_SIZE: i32 = 400;

fn from_rule(rule: &Rule) -> ListenerRule {
    let only_forwards = rule
        .actions()
        .iter()
        .all(|action| action.r#type() == Some(&ActionTypeEnum::Forward));
    ListenerRule {
        arn: rule.rule_arn().unwrap_or_default().to_owned(),
        conditions: rule.conditions().iter().map(from_rule_condition).collect(),
        weights: if only_forwards {
            forwarded_weights(rule.actions())
        } else {
            Vec::new()
        },
    }
}

/// Conditions with regular expressions are not evaluated.
fn from_rule_condition(condition: &RuleCondition) -> Condition {
    let host = condition
        .host_header_config()
        .map(|config| config.values().to_vec())
        .filter(|values| !values.is_empty());
    let path = condition
        .path_pattern_config()
        .map(|config| config.values().to_vec())
        .filter(|values| !values.is_empty());
    let header = condition
        .http_header_config()
        .filter(|config| !config.values().is_empty());
    let header = header.and_then(|config| {
        Some(Condition::Header(
            config.http_header_name()?.to_owned(),
            config.values().to_vec(),
        ))
    });
    host.map(Condition::Host)
        .or(path.map(Condition::Path))
        .or(header)
        .unwrap_or(Condition::Other)
}

/// `…:listener/app/NAME/ID/LISTENER` → `…:loadbalancer/app/NAME/ID`.
fn load_balancer_arn(listener: &str) -> Option<String> {
    let (begin, rest) = listener.split_once(":listener/")?;
    rest.rsplit_once('/')
        .map(|(balancer, _)| format!("{begin}:loadbalancer/{balancer}"))
}

/// An action forwards to one group by its ARN, or to several by weight; a lone group has all the
/// weight.
fn forwarded_weights(actions: &[Action]) -> Vec<(TargetGroupArn, i32)> {
    actions.iter().flat_map(action_weights).collect()
}

fn action_weights(action: &Action) -> Vec<(TargetGroupArn, i32)> {
    let groups = action
        .forward_config()
        .map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups)
        .unwrap_or_default();
    let by_weight: Vec<(TargetGroupArn, i32)> = groups
        .iter()
        .filter_map(|group| {
            Some((
                group.target_group_arn()?.into(),
                group.weight().unwrap_or(1),
            ))
        })
        .collect();
    match by_weight.as_slice() {
        [] => action
            .target_group_arn()
            .map(|arn| (arn.into(), 1))
            .into_iter()
            .collect(),
        [(only, 0)] => vec![(only.clone(), 1)],
        _ => by_weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_s_listener_and_a_listener_s_load_balancer_are_read_out_of_their_arns() {
        let arn = "arn:aws:elasticloadbalancing:eu-central-1:1";
        let listener = format!("{arn}:listener/app/front/50dc/f2f7");
        assert_eq!(
            listener_arn(&format!("{arn}:listener-rule/app/front/50dc/f2f7/9683")),
            Some(listener.clone())
        );
        assert_eq!(listener_arn(&listener), Some(listener.clone()));
        assert_eq!(
            load_balancer_arn(&listener),
            Some(format!("{arn}:loadbalancer/app/front/50dc"))
        );
        assert_eq!(listener_arn("front"), None);
    }
}
