//! Green at its gate: the task set that CodeDeploy made for the deployment.

use super::CodeDeployRollout;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::TaskSet;
use crate::error::Failure;
use crate::event::fact::GateFact;
use crate::identity::TargetGroupArn;
use crate::poll_interval::PollInterval;
use crate::steps::rollout::green::TestTraffic;

impl CodeDeployRollout<'_> {
    /// Makes sure that the test listener leads to green, as far as that can be read.
    pub(super) async fn verify_test_traffic(
        &self,
        interval: &mut PollInterval,
    ) -> Result<(), Failure> {
        let Some(sets) = self.task_sets().await else {
            return Ok(());
        };
        let Some(set) = self.own_task_set(&sets) else {
            self.run.emit(GateFact::NoTaskSet);
            return Ok(());
        };
        let hint = "check the test listener of the deployment group and the rules that it has";
        TestTraffic {
            target_groups: set.target_groups(),
            test_listeners: &self.own_plan.group.test_listeners,
            hint,
        }
        .verify(self.run, interval)
        .await
    }

    /// ARNs of green's target groups, once it is up.
    pub(super) async fn task_set_target_groups(&self) -> Vec<TargetGroupArn> {
        let sets = self.task_sets().await.unwrap_or_default();
        self.own_task_set(&sets)
            .map(TaskSet::target_groups)
            .unwrap_or_default()
    }

    async fn task_sets(&self) -> Option<Vec<TaskSet>> {
        let found = self
            .run
            .aws
            .describe_service(&self.plan.place.cluster, &self.plan.place.service)
            .await;
        match self
            .run
            .optional_read("green's target group is not looked up", found)?
        {
            ServiceLookup::Service(service) => Some(service.task_sets),
            ServiceLookup::Missing(_) => None,
        }
    }

    fn own_task_set<'s>(&self, sets: &'s [TaskSet]) -> Option<&'s TaskSet> {
        sets.iter()
            .find(|set| set.external_id.as_ref() == Some(&self.id))
    }
}
