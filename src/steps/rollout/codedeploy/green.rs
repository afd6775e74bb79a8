//! Green at its gate: the task set that CodeDeploy made for the deployment.

use super::CodeDeploy;
use crate::aws::ecs::Found;
use crate::error::Failure;
use crate::event::Event;
use crate::pace::Pace;
use crate::steps::rollout::green::Green;
use crate::survey::optional;

impl CodeDeploy<'_> {
    /// Finds green behind the test listener.
    pub async fn find_green(&self, pace: &mut Pace) -> Result<(), Failure> {
        let found = self.run.aws.describe_service(&self.plan.place.cluster, &self.plan.place.service).await;
        let Some(Found::Service(service)) = optional(self.run, "green's target group is not looked up", found) else { return Ok(()) };
        let Some(set) = service.task_sets.iter().find(|set| set.external_id.as_deref() == Some(&self.id)) else {
            let sentence = "ECS shows no task set of the deployment; green is taken to be what test-url leads to".into();
            self.run.tell(Event::Noted { sentence });
            return Ok(());
        };
        let hint = "check the test listener of the deployment group and the rules that it has";
        Green { groups: set.target_groups(), test: &self.way.group.test, hint }.find(self.run, pace).await
    }
}
