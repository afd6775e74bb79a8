//! What happens while the action runs: signals of the runner, faults, and calls of others in the
//! same account.

use std::time::Duration;

use ecs_bluegreen_sim::{AlarmState, Fault, Stage};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::trust::client;

/// A point of a run.
#[derive(Debug, Clone)]
pub(crate) enum When {
    /// A line of the log contains this.
    Line(&'static str),
    /// A state became visible on the stage, as in `weight 10`.
    State(&'static str),
    /// So long after the incident before.
    Later(Duration),
    /// The nth call of an operation, counted from 1, is in the ledger.
    Called(String, usize),
}

/// What happens then.
#[derive(Debug, Clone)]
pub(crate) enum Incident {
    /// Nothing: what comes later is counted from here.
    Nothing,
    /// The workflow is cancelled.
    Interrupt,
    /// The runner insists.
    Terminate,
    /// The machine dies.
    Kill,
    /// The stage's alarm goes to ALARM.
    Alarm,
    /// Somebody gives production's listener other weights.
    Weights(&'static [(&'static str, u32)]),
    /// A fault from now on.
    Fault(Fault),
    /// Somebody else calls AWS. `$DEPLOYMENT` is CodeDeploy's newest deployment, `$ARN` ECS's own,
    /// and `$HOOK` the pause at which that one waits.
    Call(&'static str, Value),
}

impl When {
    /// Whether this point is reached.
    pub(super) fn has_come(&self, stage: &Stage, log: &[String], since: Duration) -> bool {
        match self {
            Self::Line(text) => log.iter().any(|line| line.contains(text)),
            Self::State(state) => stage
                .timeline()
                .iter()
                .any(|moment| moment.state.contains(state)),
            Self::Later(pause) => since >= *pause,
            Self::Called(operation, nth) => {
                stage
                    .ledger()
                    .iter()
                    .filter(|call| call.operation == *operation)
                    .count()
                    >= *nth
            }
        }
    }
}

impl Incident {
    pub(super) async fn happen(&self, stage: &Stage, process: Option<u32>) {
        match self {
            Self::Nothing => {}
            Self::Interrupt => signal(process, Signal::INT),
            Self::Terminate => signal(process, Signal::TERM),
            Self::Kill => signal(process, Signal::KILL),
            Self::Alarm => stage.set_alarm("errors", AlarmState::Alarm),
            Self::Weights(weights) => stage.set_weights("prod", weights),
            Self::Fault(fault) => stage.inject(fault.clone()),
            Self::Call(operation, request) => drop(call(stage, operation, request).await),
        }
    }
}

fn signal(process: Option<u32>, signal: Signal) {
    let process = process
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw)
        .expect("the action still runs");
    kill_process(process, signal).expect("a signal");
}

/// Somebody else's call; their tools see to it that it works.
pub(crate) async fn call(stage: &Stage, operation: &str, request: &Value) -> Value {
    let newest = stage.deployments().pop().unwrap_or_default();
    let own = stage.service_deployments().pop();
    let (arn, hook) = own
        .map(|own| (own.arn, own.waiting.into_iter().next().unwrap_or_default()))
        .unwrap_or_default();
    let body = request
        .to_string()
        .replace("$DEPLOYMENT", &newest)
        .replace("$ARN", &arn)
        .replace("$HOOK", &hook);
    let target = match operation.split_once('.') {
        Some(("ecs", name)) => format!("AmazonEC2ContainerServiceV20141113.{name}"),
        Some(("codedeploy", name)) => format!("CodeDeploy_20141006.{name}"),
        _ => panic!("{operation}"),
    };
    let request = client()
        .post(stage.endpoint())
        .header("x-amz-target", target)
        .body(body);
    let answer = request
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIASOMEBODYELSE",
        )
        .send()
        .await
        .expect("an answer");
    let is_success = answer.status().is_success();
    let text = answer.text().await.unwrap_or_default();
    assert!(is_success, "{operation}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}
