//! Finding green at the gate: its task set, its target group and the test listener that leads to it.

use crate::aws::ecs::Found;
use crate::aws::ecs_shapes::TaskSet;
use crate::error::Failure;
use crate::event::Event;
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::{CodeDeployWay, RolloutPlan};
use crate::run::Run;
use crate::steps::traffic::forwards_of;
use crate::survey::optional;

/// CodeDeploy says Ready after the test listener was switched; a read that is older than that passes quickly.
const TRIES: usize = 10;

/// Finds green and makes sure that the test listener leads to it, as far as that can be read.
pub(super) async fn find(run: &Run, plan: &RolloutPlan, way: &CodeDeployWay, deployment: &str, pace: &mut Pace) -> Result<(), Failure> {
    let found = run.aws.describe_service(&plan.place.cluster, &plan.place.service).await;
    let Some(Found::Service(service)) = optional(run, "green's target group is not looked up", found) else { return Ok(()) };
    let Some(green) = service.task_sets.iter().find(|set| set.external_id.as_deref() == Some(deployment)) else {
        run.tell(Event::Noted { sentence: "ECS shows no task set of the deployment; green is taken to be what test-url leads to".into() });
        return Ok(());
    };
    for _ in 0..TRIES {
        if leads_to(run, way, green).await {
            tell(run, green).await;
            return Ok(());
        }
        pace.rest().await;
    }
    Err(Failure::new(Reason::RolloutFailed, "the test listener does not lead to green, so green cannot be tested")
        .hint("check the test listener of the deployment group and the rules that it has"))
}

/// True where nothing can be read: what cannot be checked is told once, and does not fail the deployment.
async fn leads_to(run: &Run, way: &CodeDeployWay, green: &TaskSet) -> bool {
    let groups = green.target_groups();
    for listener in &way.group.test {
        let Some(forwards) = forwards_of(run, listener).await else { return true };
        let to_green = |rule: &Vec<(String, i32)>| rule.iter().any(|(group, weight)| *weight > 0 && groups.contains(group));
        if !forwards.is_empty() && !forwards.iter().any(to_green) {
            return false;
        }
    }
    true
}

async fn tell(run: &Run, green: &TaskSet) {
    let groups = green.target_groups();
    let Some(group) = groups.first() else { return };
    let health = run.aws.target_health(group).await;
    let health = optional(run, "green's target health is not shown", health);
    let health =
        health.map_or_else(|| "health not read".to_owned(), |health| format!("{} of {} targets healthy", health.healthy, health.all));
    run.tell(Event::GreenFound { place: name_of(group).to_owned(), health });
}

/// `targetgroup/NAME/ID` → `NAME`.
fn name_of(arn: &str) -> &str {
    arn.split(":targetgroup/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(arn)
}
