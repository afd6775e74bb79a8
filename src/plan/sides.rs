//! PURE: what tells blue from green to the sources of an analysis, and what cannot be asked with it.

use super::{Balancer, RolloutPlan, Way};
use crate::checks::analysis::{Analysis, Front, SideFacts, Sides};
use crate::documents::deployment_configuration::PRODUCTION;
use crate::problem::Problem;
use crate::settings::{Mode, Settings, Strategy};
use crate::survey::Snapshot;
use crate::undo::short;

impl RolloutPlan {
    /// Both sides, with what is known of green.
    pub fn sides(&self, green: &[String], revision: &str) -> Sides {
        let blue = self.blue.target_groups.first().cloned();
        Sides {
            cluster: self.cluster.clone(),
            service: self.service.clone(),
            kind: self.front(),
            load_balancer: self.blue.listeners.first().and_then(|listener| load_balancer(listener)),
            green: SideFacts { target_group: green.first().cloned(), revision: short(revision).to_owned() },
            blue: self.has_blue().then(|| SideFacts { target_group: blue, revision: short(&self.blue.revision).to_owned() }),
        }
    }

    fn front(&self) -> Front {
        let load_balancer = self.blue.listeners.first().and_then(|listener| load_balancer(listener));
        match (load_balancer.as_deref(), &self.way) {
            (Some(name), _) if name.starts_with("app/") => Front::ApplicationLoadBalancer,
            (Some(name), _) if name.starts_with("net/") => Front::NetworkLoadBalancer,
            (_, Way::Native(way)) if way.balancer == Balancer::ServiceConnect => Front::ServiceConnect,
            _ => Front::Nothing,
        }
    }

    /// Whether it waits for us once green serves all of production.
    pub fn waits_after_the_shift(&self) -> bool {
        matches!(&self.way, Way::Native(way) if way.pauses.contains(PRODUCTION))
    }

    /// Whether there is a side beside green that could serve, and be measured.
    pub fn has_blue(&self) -> bool {
        match &self.way {
            Way::CodeDeploy(_) => true,
            Way::Native(way) => !way.is_first && way.strategy != Strategy::Rolling,
            Way::Rolling(_) => false,
        }
    }
}

/// `…:listener/app/name/id/…` and `…:listener-rule/app/name/id/…` → `app/name/id`, as CloudWatch names the load balancer.
fn load_balancer(listener: &str) -> Option<String> {
    let resource = listener.rsplit(':').next()?;
    let parts: Vec<&str> = resource.split('/').skip(1).take(3).collect();
    (parts.len() == 3).then(|| parts.join("/"))
}

/// Checks that could not be asked, or could only ever be inconclusive.
pub(super) fn problems(settings: &Settings, snapshot: &Snapshot, rollout: Option<&RolloutPlan>) -> Vec<Problem> {
    let (Some(analysis), Some(rollout)) = (&settings.checks.analysis, rollout) else { return Vec::new() };
    // Green's target group is known once it is up: where blue has one, so will green.
    let mut problems = analysis.problems(&rollout.sides(&rollout.blue.target_groups, ""));
    if problems.is_empty() && settings.mode == Mode::Deploy && is_all_at_once(snapshot, rollout) {
        problems.extend(beside(analysis));
    }
    problems
}

/// When all traffic goes over at once, there is no time in which both sides serve.
fn beside(analysis: &Analysis) -> Vec<Problem> {
    let compared = analysis.needs_sides().into_iter().map(|(name, _)| {
        let message = format!("`{name}` holds green against blue, but all traffic shifts at once: blue has none to be held against");
        let remedy =
            "shift by a canary or in linear steps (strategy, or codedeploy-deployment-config), or hold the metric against a threshold";
        Problem::new("analysis", message, remedy)
    });
    compared.collect()
}

fn is_all_at_once(snapshot: &Snapshot, rollout: &RolloutPlan) -> bool {
    match &rollout.way {
        Way::CodeDeploy(_) => snapshot.shift_minutes == Some(0),
        Way::Native(way) => way.strategy == Strategy::BlueGreen,
        Way::Rolling(_) => false,
    }
}

/// What the user should know before it starts.
pub(super) fn warning(settings: &Settings, rollout: Option<&RolloutPlan>) -> Option<String> {
    let analysis = settings.checks.analysis.as_ref().filter(|analysis| analysis.needs_gate())?;
    let has_gate = rollout?.waits_after_the_shift();
    let names = analysis.names().join(", ");
    let sentence = "the rollout has no gate once traffic moves, so an inconclusive check takes it back there";
    (!has_gate).then(|| format!("on-inconclusive: pause ({names}): {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_balancer_is_read_out_of_listeners_and_rules() {
        let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012";
        let table = [
            (format!("{arn}:listener/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2"), Some("app/front/50dc6c495c0c9188")),
            (format!("{arn}:listener-rule/net/front/50dc/f2f7/9683"), Some("net/front/50dc")),
            ("front".to_owned(), None),
        ];
        for (listener, expected) in table {
            assert_eq!(load_balancer(&listener).as_deref(), expected);
        }
    }
}
