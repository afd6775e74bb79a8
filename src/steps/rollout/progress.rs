//! CodeDeploy's target and deployment → what people see of a rollout.

use crate::aws::codedeploy_shapes::{Deployment, Set, Target};
use crate::event::{Progress, Tasks, Traffic};

/// The stage, the weights and green's tasks, as far as they are known.
pub(super) fn of(deployment: &Deployment, target: Option<&Target>) -> Progress {
    let event = target.and_then(Target::current).map(|event| event.name.as_str());
    let stage = match event {
        Some(event) if deployment.word == "InProgress" => event.to_owned(),
        _ => deployment.word.clone(),
    };
    Progress {
        stage,
        traffic: target.and_then(traffic),
        tasks: target.and_then(|target| target.sets.iter().find(|set| set.is_green)).map(tasks),
    }
}

fn traffic(target: &Target) -> Option<Traffic> {
    // From 0, because the sum of nothing is -0.
    let on = |green: bool| target.sets.iter().filter(|set| set.is_green == green).fold(0.0, |sum, set| sum + set.weight);
    (!target.sets.is_empty()).then(|| Traffic { blue: on(false), green: on(true) })
}

fn tasks(set: &Set) -> Tasks {
    Tasks { running: set.running, desired: set.desired, failed: 0 }
}
