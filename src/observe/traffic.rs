//! Which side serves production, as observed: at the listeners where they can be read, at the task
//! sets otherwise.

use crate::aws::AwsError;
use crate::aws::ecs::ServiceLookup;
use crate::aws::elb::{ForwardingRule, Forwards};
use crate::event::{ObservedBy, Serving, Traffic};
use crate::identity::TargetGroupArn;
use crate::run::Run;
use crate::undo::{Blue, ServiceKey};

/// Where production traffic goes, and where that was observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProductionTraffic {
    /// The traffic of each side, in percent.
    pub traffic: Traffic,
    /// Where it was observed.
    pub observed_by: ObservedBy,
}

impl ProductionTraffic {
    /// The shares, for a sentence.
    pub fn describe(&self) -> String {
        let (blue, green) = (self.traffic.blue.round(), self.traffic.green.round());
        format!(
            "blue serves {blue} % of production, green {green} % ({})",
            self.observed_by.describe()
        )
    }

    /// Whether both sides have some of it.
    pub fn is_shared(&self) -> bool {
        self.sole_side().is_none()
    }

    /// The side that has all of it, if one has.
    pub fn sole_side(&self) -> Option<Serving> {
        // Weights are whole numbers, so a side without any has exactly none.
        if self.traffic.green <= 0.0 {
            Some(Serving::Blue)
        } else if self.traffic.blue <= 0.0 {
            Some(Serving::Green)
        } else {
            None
        }
    }
}

/// Reads where production traffic goes; `None` when nothing that shows it can be read.
pub async fn observe(run: &Run, place: &ServiceKey, blue: &Blue) -> Option<ProductionTraffic> {
    match observe_listeners(run, blue).await {
        Some(traffic) => Some(ProductionTraffic {
            traffic,
            observed_by: ObservedBy::Listener,
        }),
        None => observe_task_sets(run, place, blue)
            .await
            .map(|traffic| ProductionTraffic {
                traffic,
                observed_by: ObservedBy::TaskSets,
            }),
    }
}

async fn observe_listeners(run: &Run, blue: &Blue) -> Option<Traffic> {
    if blue.listeners.is_empty() || blue.target_groups.is_empty() {
        return None;
    }
    let mut forwards = Forwards::new();
    for listener in &blue.listeners {
        forwards.extend(read_forwards(run, listener).await?);
    }
    split_by_side(&forwards, &blue.target_groups)
}

/// The production rules that send traffic to blue, with their weights, as text: what a person has
/// to change.
pub async fn rules_to_blue(run: &Run, blue: &Blue) -> Vec<String> {
    production_rules(run, blue)
        .await
        .iter()
        .filter(|rule| sends_to(rule, |group| blue.target_groups.contains(group)))
        .map(ForwardingRule::describe)
        .collect()
}

/// The production rules of both sides that send traffic to green.
pub async fn rules_to_green(run: &Run, blue: &Blue) -> Vec<String> {
    let is_of_both = |rule: &&ForwardingRule| {
        rule.weights
            .iter()
            .any(|(group, _)| blue.target_groups.contains(group))
    };
    let to_green =
        |rule: &&ForwardingRule| sends_to(rule, |group| !blue.target_groups.contains(group));
    production_rules(run, blue)
        .await
        .iter()
        .filter(is_of_both)
        .filter(to_green)
        .map(ForwardingRule::describe)
        .collect()
}

async fn production_rules(run: &Run, blue: &Blue) -> Vec<ForwardingRule> {
    let mut rules = Vec::new();
    for listener in &blue.listeners {
        let read = run.aws.read_forwarding_rules(listener).await;
        rules.extend(
            run.optional_read("the weights of production's rules are not told", read)
                .unwrap_or_default(),
        );
    }
    rules
}

fn sends_to(rule: &ForwardingRule, to: impl Fn(&TargetGroupArn) -> bool) -> bool {
    rule.weights
        .iter()
        .any(|(group, weight)| *weight > 0 && to(group))
}

/// A listener's forwards, unless AWS denies reading them.
pub async fn read_forwards(run: &Run, listener: &str) -> Option<Forwards> {
    if run.is_denied("elasticloadbalancing:DescribeRules")
        || run.is_denied("elasticloadbalancing:DescribeListeners")
    {
        return None;
    }
    let read: Result<Forwards, AwsError> = run.aws.read_forward_weights(listener).await;
    run.optional_read(
        "where traffic goes is taken from ECS, not from the load balancer",
        read,
    )
}

/// The percentage of the weight that the rules give to each side. Once a rule forwards to one of
/// the sides, rules that forward elsewhere do not count.
fn split_by_side(forwards: &Forwards, blue: &[TargetGroupArn]) -> Option<Traffic> {
    let leads_to_blue =
        |rule: &&Vec<(TargetGroupArn, i32)>| rule.iter().any(|(group, _)| blue.contains(group));
    let rules: Vec<_> = if forwards.iter().any(|rule| leads_to_blue(&rule)) {
        forwards.iter().filter(leads_to_blue).collect()
    } else {
        forwards.iter().collect()
    };
    let all: i32 = rules
        .iter()
        .copied()
        .flatten()
        .map(|(_, weight)| weight)
        .sum();
    let on_blue: i32 = rules
        .iter()
        .copied()
        .flatten()
        .filter(|(group, _)| blue.contains(group))
        .map(|(_, weight)| weight)
        .sum();
    let percent = 100.0 * f64::from(on_blue) / f64::from(all);
    (all > 0).then_some(Traffic {
        blue: percent,
        green: 100.0 - percent,
    })
}

/// The primary task set serves production once a shift is over; during a shift the task sets do not
/// show it.
async fn observe_task_sets(run: &Run, place: &ServiceKey, blue: &Blue) -> Option<Traffic> {
    let found = run
        .aws
        .describe_service(&place.cluster, &place.service)
        .await;
    let ServiceLookup::Service(service) =
        run.optional_read("where traffic goes is taken from the controller", found)?
    else {
        return None;
    };
    let primary = service.primary_task_set()?;
    let is_blue = blue.task_set.as_ref().is_some_and(|id| *id == primary.id);
    Some(if is_blue {
        Traffic {
            blue: 100.0,
            green: 0.0,
        }
    } else {
        Traffic {
            blue: 0.0,
            green: 100.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(weights: &[(&str, i32)]) -> Vec<(TargetGroupArn, i32)> {
        weights
            .iter()
            .map(|(group, weight)| (TargetGroupArn::from(*group), *weight))
            .collect()
    }

    #[test]
    fn weights_become_percent_and_other_rules_do_not_count() {
        let forwards = vec![rule(&[("blue", 9), ("green", 1)]), rule(&[("other", 1)])];
        assert_eq!(
            split_by_side(&forwards, &["blue".into()]),
            Some(Traffic {
                blue: 90.0,
                green: 10.0
            })
        );
    }

    #[test]
    fn a_listener_without_blue_is_all_green_and_one_without_weights_says_nothing() {
        assert_eq!(
            split_by_side(&vec![rule(&[("green", 1)])], &["blue".into()]),
            Some(Traffic {
                blue: 0.0,
                green: 100.0
            })
        );
        assert_eq!(split_by_side(&vec![], &["blue".into()]), None);
    }

    #[test]
    fn a_rule_is_named_with_its_weights() {
        let group = |name: &str| {
            TargetGroupArn::from(format!(
                "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/{name}/0a"
            ))
        };
        let rule = ForwardingRule {
            arn: "arn:rule".into(),
            weights: vec![(group("api-1"), 50), (group("api-2"), 50)],
        };
        assert_eq!(
            rule.describe(),
            "rule arn:rule forwards 50 to api-1, 50 to api-2"
        );
    }

    #[test]
    fn every_rule_of_ours_must_lead_to_one_side() {
        let forwards = vec![rule(&[("blue", 1)]), rule(&[("blue", 0), ("green", 1)])];
        let observed = ProductionTraffic {
            traffic: split_by_side(&forwards, &["blue".into()]).unwrap(),
            observed_by: ObservedBy::Listener,
        };
        assert_eq!(observed.sole_side(), None);
    }
}
