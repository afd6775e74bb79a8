//! PURE: before the start, all of production's traffic must go to blue. Otherwise users would reach
//! a green that was not tested.

use super::identify_blue;
use super::refuse::is_group_of;
use crate::aws::arn::short_name;
use crate::aws::arn::target_group_name;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::aws::elb::ForwardingRule;
use crate::documents::strategy::Strategy;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::survey::Snapshot;
use crate::undo::Blue;

/// The rules that split traffic between the two sides, or send all of it to the one that is to
/// become green.
pub(super) fn find_problem(settings: &Settings, snapshot: &Snapshot) -> Option<Problem> {
    let service = snapshot
        .service
        .as_ref()
        .filter(|_| settings.mode.plans_deployment() && snapshot.running.is_none())?;
    if let DeploymentController::Ecs(word) = service.controller() {
        // Without a strategy, tasks are replaced behind one target group.
        settings
            .rollout
            .strategy
            .requested
            .or_else(|| Strategy::from_aws_name(&word))
            .filter(|strategy| *strategy != Strategy::Rolling)?;
    }
    // Without the group, or with that of another service, production's rules are not known.
    let is_unknown = snapshot.group.as_ref().map_or(
        service.controller() == DeploymentController::CodeDeploy,
        |group| !is_group_of(group, service),
    );
    if is_unknown {
        return None;
    }
    let blue = identify_blue(snapshot, service);
    let groups = target_group_names(snapshot, service);
    let wrong: Vec<&ForwardingRule> = snapshot
        .production_rules
        .iter()
        .filter(|rule| leads_to_either_side(rule, &groups) && !leads_only_to_blue(rule, &blue))
        .collect();
    (!wrong.is_empty() && !blue.target_groups.is_empty()).then(|| traffic_problem(&wrong, &blue))
}

fn target_group_names(snapshot: &Snapshot, service: &Service) -> Vec<String> {
    match &snapshot.group {
        Some(group) => group.target_groups.clone(),
        None => service
            .all_target_groups()
            .iter()
            .map(|arn| target_group_name(arn).to_owned())
            .collect(),
    }
}

fn leads_to_either_side(rule: &ForwardingRule, groups: &[String]) -> bool {
    rule.weights
        .iter()
        .any(|(group, _)| groups.iter().any(|name| name == target_group_name(group)))
}

/// Exactly one group serves, and it is blue's. A rule that forwards nothing is ignored.
fn leads_only_to_blue(rule: &ForwardingRule, blue: &Blue) -> bool {
    rule.weights
        .iter()
        .all(|(group, weight)| *weight == 0 || blue.target_groups.contains(group))
}

fn traffic_problem(wrong: &[&ForwardingRule], blue: &Blue) -> Problem {
    let name = blue.target_groups.first().map_or("", target_group_name);
    let is_shared = wrong.iter().any(|rule| {
        rule.weights
            .iter()
            .any(|(group, weight)| *weight > 0 && blue.target_groups.contains(group))
    });
    let what = if is_shared {
        "is shared between both sides"
    } else {
        "goes to the other side"
    };
    let rules = wrong
        .iter()
        .map(|rule| rule.describe())
        .collect::<Vec<_>>()
        .join("; ");
    let message = format!(
        "production's traffic {what}, and the service's revision {} is registered in target group {name}: {rules}",
        short_name(&blue.revision)
    );
    let remedy = format!(
        "give {name} all of the weight (aws elbv2 modify-rule --rule-arn RULE --actions …; for a network load balancer modify-listener), or use mode: rollback"
    );
    Problem::new("service", message, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::TargetGroupArn;

    fn rule(weights: &[(&str, i32)]) -> ForwardingRule {
        let arn = |name: &str| {
            TargetGroupArn::from(format!(
                "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/{name}/0a"
            ))
        };
        ForwardingRule {
            arn: "arn:rule".into(),
            weights: weights
                .iter()
                .map(|(name, weight)| (arn(name), *weight))
                .collect(),
        }
    }

    #[test]
    fn exactly_one_group_serves_and_it_is_blue_s() {
        let blue = Blue {
            target_groups: vec![rule(&[("api-1", 1)]).weights[0].0.clone()],
            revision: "td/api:1".into(),
            ..Blue::default()
        };
        let both = ["api-1".to_owned(), "api-2".to_owned()];
        for good in [
            &[("api-1", 1)][..],
            &[("api-1", 100), ("api-2", 0)],
            &[("api-1", 0), ("api-2", 0)],
        ] {
            assert!(leads_only_to_blue(&rule(good), &blue), "{good:?}");
        }
        for (bad, word) in [
            (&[("api-1", 50), ("api-2", 50)][..], "shared"),
            (&[("api-1", 0), ("api-2", 100)], "the other side"),
            (&[("api-2", 1)], "the other side"),
        ] {
            let rule = rule(bad);
            assert!(
                leads_to_either_side(&rule, &both) && !leads_only_to_blue(&rule, &blue),
                "{bad:?}"
            );
            let problem = traffic_problem(&[&rule], &blue);
            assert!(
                problem.message.contains(word) && problem.message.contains(&rule.describe()),
                "{}",
                problem.message
            );
        }
        assert!(
            !leads_to_either_side(&rule(&[("shop", 1)]), &both),
            "somebody else's rule on the same listener"
        );
    }
}
