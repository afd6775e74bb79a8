//! Somebody else in the same account: what they do, and when AWS got it, so that it is
//! distinguished from ours.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ecs_bluegreen_sim::{AlarmState, Controller, Entry, Stage};
use serde_json::{Value, json};

use super::SERVICE;
use super::event_log::now_ms;
use super::schedule::Intervention;
use crate::harness::client;

/// The revision that somebody else deploys.
pub(super) const THEIRS: &str = "other:1";

/// A call of this person, and whether AWS accepted it.
#[derive(Debug, Clone)]
pub(super) struct Called {
    operation: &'static str,
    from_ms: i64,
    to_ms: i64,
    pub(super) is_taken: bool,
}

/// Somebody else.
#[derive(Debug)]
pub(super) struct Somebody {
    client: reqwest::Client,
    calls: Mutex<Vec<Called>>,
    /// When production's weights were changed; 0 where they were not.
    weighed_ms: AtomicI64,
}

impl Somebody {
    pub(super) fn new() -> Self {
        Self {
            client: client(),
            calls: Mutex::default(),
            weighed_ms: AtomicI64::new(0),
        }
    }

    pub(super) fn calls(&self) -> Vec<Called> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether this entry of the ledger may be a call of this person.
    pub(super) fn may_have_called(&self, entry: &Entry) -> bool {
        let is_theirs = |call: &Called| {
            entry.operation == call.operation.replace('.', ":")
                && (call.from_ms..=call.to_ms).contains(&entry.at_ms)
        };
        self.calls().iter().any(is_theirs)
    }

    /// When they changed production's weights, if they did.
    pub(super) fn weighed(&self) -> Option<i64> {
        Some(self.weighed_ms.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// Both sides have tasks, or it would be users who pay for it.
    fn weigh(&self, stage: &Stage) {
        let weights: Vec<(String, u32)> = stage.weights("prod");
        let view = stage.service_view(SERVICE);
        let has_tasks = |group: &String| {
            view.iter()
                .flat_map(|view| &view.fleets)
                .any(|fleet| fleet.running > 0 && fleet.target_group.as_ref() == Some(group))
        };
        if weights.len() == 2 && weights.iter().all(|(group, _)| has_tasks(group)) {
            let half: Vec<(&str, u32)> = weights
                .iter()
                .map(|(group, _)| (group.as_str(), 50))
                .collect();
            stage.set_weights("prod", &half);
            self.weighed_ms.store(now_ms(), Ordering::Relaxed);
        }
    }

    /// Whether AWS accepted any call of this person.
    pub(super) fn has(&self, operation: &str) -> bool {
        self.calls()
            .iter()
            .any(|call| call.is_taken && call.operation == operation)
    }

    /// Whether they asked for a stop since then.
    pub(super) fn has_stopped_since(&self, ms: i64) -> bool {
        self.calls()
            .iter()
            .any(|call| call.is_taken && call.operation.contains(".Stop") && call.to_ms > ms)
    }

    pub(super) async fn does(
        &self,
        intervention: Intervention,
        stage: &Stage,
        controller: &Controller,
    ) {
        match (intervention, controller) {
            (Intervention::Alarm, _) => stage.set_alarm("errors", AlarmState::Alarm),
            // CodeDeploy sets its weights once more when it goes back, and is waited for a minute:
            // that is a story of its own.
            (Intervention::Update | Intervention::Weights, Controller::CodeDeploy(_))
            | (Intervention::Cancel | Intervention::Kill, _) => {}
            (Intervention::Weights, _) => self.weigh(stage),
            (Intervention::Update, _) => {
                let request =
                    json!({ "cluster": "prod", "service": SERVICE, "taskDefinition": THEIRS });
                self.call(stage, "ecs.UpdateService", request).await;
            }
            (
                Intervention::Continue | Intervention::Reject | Intervention::Stop,
                Controller::CodeDeploy(_),
            ) => {
                self.at_codedeploy(intervention, stage).await;
            }
            (Intervention::Continue | Intervention::Reject | Intervention::Stop, _) => {
                self.at_ecs(intervention, stage).await;
            }
        }
    }

    async fn at_codedeploy(&self, intervention: Intervention, stage: &Stage) {
        let Some(id) = stage.deployments().pop() else {
            return;
        };
        // Stopped without a rollback once traffic has moved, it stays there: the product says so, a
        // minute later, and a person must choose.
        let has_moved = stage
            .weights("prod")
            .iter()
            .any(|(group, weight)| *weight > 0 && !group.ends_with("-1"));
        if intervention == Intervention::Reject && has_moved {
            return;
        }
        if intervention == Intervention::Continue {
            self.call(
                stage,
                "codedeploy.ContinueDeployment",
                json!({ "deploymentId": id, "deploymentWaitType": "READY_WAIT" }),
            )
            .await;
        } else {
            let request = json!({ "deploymentId": id, "autoRollbackEnabled": intervention == Intervention::Stop });
            self.call(stage, "codedeploy.StopDeployment", request).await;
        }
    }

    async fn at_ecs(&self, intervention: Intervention, stage: &Stage) {
        let Some(newest) = stage.service_deployments().pop() else {
            return;
        };
        if intervention == Intervention::Stop {
            let request = json!({ "serviceDeploymentArn": newest.arn, "stopType": "ROLLBACK" });
            self.call(stage, "ecs.StopServiceDeployment", request).await;
        } else if let Some(hook) = newest.waiting.first() {
            let action = if intervention == Intervention::Continue {
                "CONTINUE"
            } else {
                "ROLLBACK"
            };
            let request =
                json!({ "serviceDeploymentArn": newest.arn, "hookId": hook, "action": action });
            self.call(stage, "ecs.ContinueServiceDeployment", request)
                .await;
        }
    }

    /// A call, which may fail as anybody's may; what AWS answered.
    pub(super) async fn call(
        &self,
        stage: &Stage,
        operation: &'static str,
        request: Value,
    ) -> Value {
        let from_ms = now_ms();
        let target = match operation.split_once('.') {
            Some(("ecs", name)) => format!("AmazonEC2ContainerServiceV20141113.{name}"),
            Some((_, name)) => format!("CodeDeploy_20141006.{name}"),
            None => operation.to_owned(),
        };
        let request = self
            .client
            .post(stage.endpoint())
            .header("x-amz-target", target)
            .timeout(Duration::from_secs(5))
            .body(request.to_string());
        let answered = request
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIASOMEBODYELSE",
            )
            .send()
            .await;
        // An answer that was lost may have been a yes.
        let is_taken = answered
            .as_ref()
            .map_or(true, |answer| answer.status().is_success());
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Called {
                operation,
                from_ms,
                to_ms: now_ms(),
                is_taken,
            });
        match answered {
            Ok(answer) => answer
                .text()
                .await
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default(),
            Err(_) => Value::Null,
        }
    }
}
