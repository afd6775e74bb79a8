//! Green at its gates: the target groups that ECS resolved for it, the test rule that leads there, its targets' health.

use super::Native;
use crate::error::Failure;
use crate::event::Event;
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::Balancer;
use crate::steps::traffic::forwards_of;
use crate::survey::optional;

/// ECS says the stage after the weights were set; a read that is older than that passes quickly.
const TRIES: usize = 10;

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
        for _ in 0..TRIES {
            if self.test_leads_to(&groups).await {
                self.tell_health(&groups).await;
                return Ok(());
            }
            pace.rest().await;
        }
        Err(Failure::new(Reason::RolloutFailed, "the test listener does not lead to green, so green cannot be tested")
            .hint("check advancedConfiguration.testListenerRule of the service's load balancer"))
    }

    /// True where nothing can be read: what cannot be checked is told once, and does not fail the deployment.
    async fn test_leads_to(&self, groups: &[String]) -> bool {
        for rule in &self.way.test {
            let Some(forwards) = forwards_of(self.run, rule).await else { return true };
            let to_green = |rule: &Vec<(String, i32)>| rule.iter().any(|(group, weight)| *weight > 0 && groups.contains(group));
            if !forwards.is_empty() && !forwards.iter().any(to_green) {
                return false;
            }
        }
        true
    }

    async fn tell_health(&self, groups: &[String]) {
        let Some(group) = groups.first() else { return };
        let health = optional(self.run, "green's target health is not shown", self.run.aws.target_health(group).await);
        let health =
            health.map_or_else(|| "health not read".to_owned(), |health| format!("{} of {} targets healthy", health.healthy, health.all));
        self.run.tell(Event::GreenFound { place: name_of(group).to_owned(), health });
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
                    .caused_by(alarm.why)
                    .hint("look at what the alarm measures while green served traffic"))
            }
            None => Ok(()),
        }
    }

    /// An alarm that rang before the start says nothing about green.
    fn waived(&self, name: &str) -> bool {
        self.way.ringing.iter().any(|ringing| ringing == name)
    }

    fn groups(&self) -> Vec<String> {
        self.green.as_ref().map(crate::aws::ecs_rollout_shapes::ServiceRevision::target_groups).unwrap_or_default()
    }

    fn note(&self, sentence: &str) {
        self.run.tell(Event::Noted { sentence: sentence.to_owned() });
    }
}

/// `targetgroup/NAME/ID` → `NAME`.
fn name_of(arn: &str) -> &str {
    arn.split(":targetgroup/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(arn)
}
