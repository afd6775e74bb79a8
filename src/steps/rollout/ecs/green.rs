//! Green at its gates: the target groups that ECS resolved for it, the test rule that leads there,
//! its targets' health.

use super::EcsRollout;
use crate::error::Failure;
use crate::event::{Event, StepSeen};
use crate::identity::TargetGroupArn;
use crate::outcome::Reason;
use crate::plan::Balancer;
use crate::poll_interval::PollInterval;
use crate::steps::rollout::green::TestTraffic;

impl EcsRollout<'_> {
    /// Makes sure that test traffic reaches green, as far as that can be read.
    pub(super) async fn verify_test_traffic(
        &self,
        interval: &mut PollInterval,
    ) -> Result<(), Failure> {
        match self.own_plan.balancer {
            Balancer::LoadBalancer => self.verify_test_rule(interval).await,
            Balancer::ServiceConnect => {
                self.emit_note("green is reached through Service Connect with the header x-amzn-ecs-blue-green-test; test-url must lead there");
                Ok(())
            }
            Balancer::Lattice | Balancer::Gateway => {
                let through = self.own_plan.balancer.unread_name().unwrap_or_default();
                self.emit_note(&format!("green gets its test traffic through {through}; that test-url leads there is not checked"));
                Ok(())
            }
            Balancer::Headless => Ok(()),
        }
    }

    async fn verify_test_rule(&self, interval: &mut PollInterval) -> Result<(), Failure> {
        let groups = self.target_groups();
        if groups.is_empty() {
            self.emit_note("ECS does not show green's target group; green is taken to be what test-url leads to");
            return Ok(());
        }
        let hint = "check advancedConfiguration.testListenerRule of the service's load balancer";
        TestTraffic {
            target_groups: groups,
            test_listeners: &self.own_plan.test_rules,
            hint,
        }
        .verify(self.run, interval)
        .await
    }

    /// What has to be true before more traffic goes to green: its targets are healthy, and no alarm
    /// of the service is in ALARM.
    pub(super) async fn check_green(&self) -> Result<StepSeen, Failure> {
        Ok(StepSeen {
            healthy: self.check_targets().await?,
            quiet: self.check_alarms().await?,
        })
    }

    /// Fails where all targets of a group are unhealthy; otherwise returns whether a healthy one
    /// was read.
    async fn check_targets(&self) -> Result<bool, Failure> {
        let mut is_healthy = false;
        for group in &self.target_groups() {
            let read = self.run.aws.describe_target_health(group).await;
            let Some(health) = self.run.optional_read(
                "green's target health is not checked before the steps",
                read,
            ) else {
                continue;
            };
            if health.healthy == 0 && health.all > 0 {
                let sentence = format!(
                    "none of green's {} targets is healthy; the next step of traffic is not taken",
                    health.all
                );
                return Err(Failure::new(Reason::TasksUnhealthy, sentence)
                    .with_hint("look at the target group's health check and the tasks' logs"));
            }
            is_healthy |= health.healthy > 0;
        }
        Ok(is_healthy)
    }

    /// Whether the service has alarms, and all are OK. Those of the inputs are watched all the
    /// time.
    async fn check_alarms(&self) -> Result<bool, Failure> {
        let is_watched = !self.plan.alarms.all_names().is_empty()
            && !self.run.is_denied("cloudwatch:DescribeAlarms");
        if self.own_plan.alarms.is_empty() {
            return Ok(is_watched);
        }
        let read = self
            .run
            .aws
            .describe_alarms_in_alarm(&self.own_plan.alarms)
            .await;
        let Some(in_alarm) = self
            .run
            .optional_read("alarms are not checked before the steps", read)
        else {
            return Ok(false);
        };
        match in_alarm
            .into_iter()
            .find(|alarm| !self.is_waived(&alarm.name))
        {
            Some(alarm) => {
                let sentence = format!(
                    "alarm {} is in ALARM; the next step of traffic is not taken",
                    alarm.name
                );
                Err(Failure::new(Reason::Alarm, sentence)
                    .with_cause(alarm.explanation())
                    .with_hint("look at what the alarm measures while green served traffic"))
            }
            None => Ok(true),
        }
    }

    /// An alarm that was in ALARM before the start says nothing about green.
    fn is_waived(&self, name: &str) -> bool {
        self.plan
            .alarms
            .initial
            .iter()
            .any(|alarm| alarm.name == name && alarm.is_in_alarm())
    }

    /// ARNs of green's target groups, once ECS has resolved them.
    pub(super) fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.green
            .as_ref()
            .map(crate::aws::ecs_rollout_shapes::ServiceRevision::target_groups)
            .unwrap_or_default()
    }

    fn emit_note(&self, sentence: &str) {
        self.run.emit(Event::Noted {
            sentence: sentence.into(),
        });
    }
}
