//! Elastic Load Balancing: where listeners really send traffic, and how healthy a target group is.
//!
//! One file, because each AWS service has one file for its calls.

use std::str::FromStr;

use serde_json::{Value, json};

use super::arn::{listener_arn, target_group_name};
use super::signed::{SignedCall, SignedProtocol, SignedService, entries, text, texts};
use super::{Aws, AwsError};
use crate::identity::TargetGroupArn;

const ELB: SignedService = SignedService {
    signing_name: "elasticloadbalancing",
    host: "elasticloadbalancing",
    id: "Elastic Load Balancing v2",
    protocol: SignedProtocol::Query("2015-12-01"),
};

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
        let input = json!({ "ListenerArn": listener, "PageSize": RULES_PAGE_SIZE });
        let answer = self.call_elb(DESCRIBE_RULES, &input).await?;
        if text(&answer["NextMarker"]).is_some() {
            return Err(AwsError::incomplete_answer(
                DESCRIBE_RULES,
                "rules: there are more of them",
            ));
        }
        let mut rules: Vec<&Value> = entries(&answer["Rules"]).iter().collect();
        // The default rule's priority is not a number.
        rules.sort_by_key(|rule| parse_number(&rule["Priority"]).unwrap_or(u32::MAX));
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
        let (listeners, balancers) = (
            json!({ "ListenerArns": arns }),
            json!({ "LoadBalancerArns": balancers }),
        );
        let (found, balancers) = tokio::join!(
            self.call_elb(DESCRIBE_LISTENERS, &listeners),
            self.call_elb("elasticloadbalancing:DescribeLoadBalancers", &balancers)
        );
        let (found, balancers) = (found?, balancers?);
        let host = |arn: &str| {
            let balancer = entries(&balancers["LoadBalancers"])
                .iter()
                .find(|balancer| balancer["LoadBalancerArn"] == arn)?;
            text(&balancer["DNSName"]).map(str::to_owned)
        };
        let address = |listener: &Value| {
            Some(ListenerAddress {
                listener: text(&listener["ListenerArn"])?.to_owned(),
                port: parse_number(&listener["Port"])?,
                host: host(text(&listener["LoadBalancerArn"])?)?,
            })
        };
        Ok(entries(&found["Listeners"])
            .iter()
            .filter_map(address)
            .collect())
    }

    /// Network load balancers have no rules.
    async fn read_listener_forwards(
        &self,
        listener: &str,
    ) -> Result<Vec<ForwardingRule>, AwsError> {
        let input = json!({ "ListenerArns": [listener] });
        let answer = self.call_elb(DESCRIBE_LISTENERS, &input).await?;
        let forwarding_rule = |listener: &Value| ForwardingRule {
            arn: owned_text(&listener["ListenerArn"]),
            weights: forwarded_weights(&listener["DefaultActions"]),
        };
        Ok(entries(&answer["Listeners"])
            .iter()
            .map(forwarding_rule)
            .collect())
    }

    async fn read_rule_forwards(&self, listener: &str) -> Result<Vec<ForwardingRule>, AwsError> {
        let input = if listener.contains(":listener-rule/") {
            json!({ "RuleArns": [listener] })
        } else {
            json!({ "ListenerArn": listener })
        };
        let answer = self.call_elb(DESCRIBE_RULES, &input).await?;
        let forwarding_rule = |rule: &Value| ForwardingRule {
            arn: owned_text(&rule["RuleArn"]),
            weights: forwarded_weights(&rule["Actions"]),
        };
        Ok(entries(&answer["Rules"])
            .iter()
            .map(forwarding_rule)
            .collect())
    }

    /// The health of the group's targets.
    pub async fn describe_target_health(
        &self,
        target_group: &TargetGroupArn,
    ) -> Result<TargetHealth, AwsError> {
        let answer = self
            .call_elb(
                "elasticloadbalancing:DescribeTargetHealth",
                &json!({ "TargetGroupArn": target_group.as_str() }),
            )
            .await?;
        let states: Vec<&str> = entries(&answer["TargetHealthDescriptions"])
            .iter()
            .filter_map(|target| text(&target["TargetHealth"]["State"]))
            .collect();
        Ok(TargetHealth::from_states(&states))
    }

    async fn call_elb(&self, action: &'static str, input: &Value) -> Result<Value, AwsError> {
        let call = SignedCall::new(ELB, action, self.partition.region());
        self.read_signed(call, input).await
    }
}

const DESCRIBE_LISTENERS: &str = "elasticloadbalancing:DescribeListeners";
const DESCRIBE_RULES: &str = "elasticloadbalancing:DescribeRules";
/// A listener has a hundred rules unless its quota was raised.
const RULES_PAGE_SIZE: i32 = 400;

fn owned_text(member: &Value) -> String {
    text(member).unwrap_or_default().to_owned()
}

/// Numbers are texts in XML.
fn parse_number<N: FromStr>(member: &Value) -> Option<N> {
    text(member)?.parse().ok()
}

fn from_rule(rule: &Value) -> ListenerRule {
    let only_forwards = entries(&rule["Actions"])
        .iter()
        .all(|action| action["Type"] == "forward");
    ListenerRule {
        arn: owned_text(&rule["RuleArn"]),
        conditions: entries(&rule["Conditions"])
            .iter()
            .map(from_rule_condition)
            .collect(),
        weights: if only_forwards {
            forwarded_weights(&rule["Actions"])
        } else {
            Vec::new()
        },
    }
}

/// Conditions with regular expressions are not evaluated.
fn from_rule_condition(condition: &Value) -> Condition {
    let values = |config: &str| {
        let values = texts(&condition[config]["Values"]);
        Some(values).filter(|values| !values.is_empty())
    };
    let header = || {
        let name = text(&condition["HttpHeaderConfig"]["HttpHeaderName"])?;
        Some(Condition::Header(
            name.to_owned(),
            values("HttpHeaderConfig")?,
        ))
    };
    values("HostHeaderConfig")
        .map(Condition::Host)
        .or_else(|| values("PathPatternConfig").map(Condition::Path))
        .or_else(header)
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
fn forwarded_weights(actions: &Value) -> Vec<(TargetGroupArn, i32)> {
    entries(actions).iter().flat_map(action_weights).collect()
}

fn action_weights(action: &Value) -> Vec<(TargetGroupArn, i32)> {
    let by_weight: Vec<(TargetGroupArn, i32)> = entries(&action["ForwardConfig"]["TargetGroups"])
        .iter()
        .filter_map(|group| {
            let weight = parse_number(&group["Weight"]).unwrap_or(1);
            Some((text(&group["TargetGroupArn"])?.into(), weight))
        })
        .collect();
    match by_weight.as_slice() {
        [] => text(&action["TargetGroupArn"])
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
