//! Green at its gates: the target groups that ECS resolved for it, the test rule that leads there, its targets' health.

use super::Native;
use crate::error::Failure;
use crate::event::Event;
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::Balancer;
use crate::steps::rollout::green::Green;
use crate::survey::optional;

impl Native<'_> {
    /// Makes sure that test traffic reaches green, as far as that can be read.
    pub async fn find_green(&self, pace: &mut Pace) -> Result<(), Failure> {
        match self.way.balancer {
            Balancer::Load => self.behind_the_test_rule(pace).await,
            Balancer::ServiceConnect => {
                self.note("green is reached through Service Connect with the header x-amzn-ecs-blue-green-test; test-url must lead there");
                Ok(())
            }
            Balancer::Headless => Ok(()),
        }
    }

    async fn behind_the_test_rule(&self, pace: &mut Pace) -> Result<(), Failure> {
        let groups = self.groups();
        if groups.is_empty() {
            self.note("ECS does not show green's target group; green is taken to be what test-url leads to");
            return Ok(());
        }
        let hint = "check advancedConfiguration.testListenerRule of the service's load balancer";
        Green { groups, test: &self.way.test, hint }.find(self.run, pace).await
    }

    /// What has to be true before more traffic goes to green: its targets are healthy, and no alarm of the service rings.
    pub async fn check_step(&self) -> Result<(), Failure> {
        for group in &self.groups() {
            let read = self.run.aws.target_health(group).await;
            let Some(health) = optional(self.run, "green's target health is not checked before the steps", read) else { continue };
            if health.healthy == 0 && health.all > 0 {
                let sentence = format!("none of green's {} targets is healthy; the next step of traffic is not taken", health.all);
                return Err(
                    Failure::new(Reason::TasksUnhealthy, sentence).hint("look at the target group's health check and the tasks' logs")
                );
            }
        }
        if self.way.alarms.is_empty() {
            return Ok(());
        }
        let rings = optional(self.run, "alarms are not checked before the steps", self.run.aws.ringing(&self.way.alarms).await);
        match rings.unwrap_or_default().into_iter().find(|alarm| !self.waived(&alarm.name)) {
            Some(alarm) => {
                let sentence = format!("alarm {} rings; the next step of traffic is not taken", alarm.name);
                Err(Failure::new(Reason::Alarm, sentence)
                    .caused_by(alarm.why())
                    .hint("look at what the alarm measures while green served traffic"))
            }
            None => Ok(()),
        }
    }

    /// An alarm that rang before the start says nothing about green.
    fn waived(&self, name: &str) -> bool {
        self.plan.alarms.before.iter().any(|alarm| alarm.name == name && alarm.rings())
    }

    /// ARNs of green's target groups, once ECS has resolved them.
    pub fn groups(&self) -> Vec<String> {
        self.green.as_ref().map(crate::aws::ecs_rollout_shapes::ServiceRevision::target_groups).unwrap_or_default()
    }

    fn note(&self, sentence: &str) {
        self.run.tell(Event::Noted { sentence: sentence.to_owned() });
    }
}
