//! PURE: what the log says about a planned rollout by one of ECS's own strategies.

use std::time::Duration;

use serde_json::Value;

use super::{Balancer, EcsPlan};
use crate::checks::analysis::LoadBalancerKind;
use crate::choices::Follow;
use crate::documents::deployment_configuration as configuration;
use crate::documents::strategy::Strategy;
use crate::plan::{TESTED, UNTESTED};
use crate::rollout_kind::{GatePlan, PlannedRollout};
use crate::settings::Settings;

impl EcsPlan {
    /// The deployment configuration that applies to the rollout, if there is any.
    fn governing_configuration(&self) -> Option<&Value> {
        self.configuration
            .as_ref()
            .or(self.present_configuration.as_ref())
    }

    /// The stages at which it pauses, those of other people's hooks first.
    fn pauses_in_order(&self) -> Vec<&str> {
        let own_stages = [
            configuration::GREEN,
            configuration::STEP,
            configuration::PRODUCTION,
        ];
        let others = self
            .pauses
            .iter()
            .map(String::as_str)
            .filter(|stage| !own_stages.contains(stage));
        others
            .chain(
                own_stages
                    .into_iter()
                    .filter(|stage| self.pauses.contains(*stage)),
            )
            .collect()
    }
}

impl PlannedRollout for EcsPlan {
    fn controller(&self) -> &'static str {
        match self.strategy {
            Strategy::Rolling => "ecs, rolling",
            Strategy::BlueGreen => "ecs, blue-green",
            Strategy::Canary => "ecs, canary",
            Strategy::Linear => "ecs, linear",
        }
    }

    fn describe(&self, _settings: &Settings) -> Vec<String> {
        let gate = match (self.gate, self.balancer) {
            (_, Balancer::Headless) => {
                "the service is headless (no load balancer, no Service Connect): ECS exchanges tasks, no traffic is managed"
            }
            (GatePlan::Test, _) => TESTED,
            (GatePlan::Pass, _) => UNTESTED,
            (GatePlan::Absent, _) => "ECS shifts traffic as soon as green is up",
        };
        let mut lines = vec![
            gate.to_owned(),
            format!(
                "ECS shifts traffic ({}), and keeps blue for {} min after it",
                self.strategy.input_name(),
                self.bake_minutes
            ),
        ];
        if !self.pauses.is_empty() {
            lines.push(format!(
                "it pauses at {}",
                self.pauses_in_order().join(", ")
            ));
        }
        if let Some(through) = self.balancer.unread_name() {
            lines.push(format!("traffic goes through {through}, whose weights are not read: what serves is taken from ECS"));
        }
        lines
    }

    fn gate(&self) -> GatePlan {
        self.gate
    }

    fn pauses_at(&self, stage: &str) -> bool {
        self.pauses.contains(stage)
    }

    fn expected_duration(&self, settings: &Settings) -> Duration {
        let shift = self
            .governing_configuration()
            .map_or(0, configuration::shift_minutes);
        let bake = if settings.rollout.follow == Follow::Completed {
            self.bake_minutes
        } else {
            0
        };
        Duration::from_mins(shift + bake)
    }

    fn desired_count(&self) -> Option<i32> {
        Some(self.desired_count)
    }

    fn has_blue(&self) -> bool {
        !self.is_first && self.strategy != Strategy::Rolling
    }

    fn blue_kept_for(&self) -> Option<Duration> {
        Some(Duration::from_mins(
            if self.pauses.contains(configuration::PRODUCTION) {
                self.pause_minutes
            } else {
                self.bake_minutes
            },
        ))
    }

    fn traffic_steps(&self) -> Option<Vec<(f64, Duration)>> {
        if self.strategy == Strategy::Rolling {
            return None;
        }
        let steps = self
            .governing_configuration()
            .map_or_else(Vec::new, configuration::partial_traffic_steps);
        Some(
            steps
                .into_iter()
                .map(|(percent, minutes)| (percent, Duration::from_mins(minutes)))
                .collect(),
        )
    }

    fn configuration_change(&self) -> Option<(&Value, &Value)> {
        static NONE: Value = Value::Null;
        let after = self.configuration.as_ref()?;
        Some((self.present_configuration.as_ref().unwrap_or(&NONE), after))
    }

    fn temporary_changes(&self) -> Vec<String> {
        self.added_pauses
            .iter()
            .map(|stage| {
                format!("a PAUSE hook at {stage} is added for the rollout, and removed at its end")
            })
            .collect()
    }

    fn if_left_alone(&self) -> String {
        let kept = self.bake_minutes;
        if self.pauses.is_empty() {
            format!("ECS continues by itself, and keeps blue for {kept} min after the shift")
        } else {
            let minutes = self.pause_minutes;
            format!(
                "at each pause ECS waits {minutes} min and then rolls back; past the last one it continues, and keeps blue for {kept} min after the shift"
            )
        }
    }

    fn verdict_count(&self) -> u32 {
        self.governing_configuration()
            .map_or(1, configuration::traffic_step_count)
    }

    fn is_stepwise(&self) -> bool {
        self.strategy.has_steps()
    }

    fn is_all_at_once(&self) -> bool {
        self.strategy == Strategy::BlueGreen
    }

    fn load_balancer_kind(&self) -> LoadBalancerKind {
        match self.balancer {
            Balancer::ServiceConnect => LoadBalancerKind::ServiceConnect,
            Balancer::LoadBalancer | Balancer::Lattice | Balancer::Gateway | Balancer::Headless => {
                LoadBalancerKind::Nothing
            }
        }
    }

    fn test_listeners(&self) -> &[String] {
        match self.balancer {
            Balancer::LoadBalancer => &self.test_rules,
            Balancer::Lattice
            | Balancer::Gateway
            | Balancer::ServiceConnect
            | Balancer::Headless => &[],
        }
    }

    fn no_test_listener_reason(&self) -> &'static str {
        match self.balancer {
            Balancer::LoadBalancer => "the service has no test listener rule",
            Balancer::Lattice
            | Balancer::Gateway
            | Balancer::ServiceConnect
            | Balancer::Headless => "there is no load balancer whose listeners could be read",
        }
    }
}
