//! PURE: alarms before the start. Each must exist and must not be in ALARM unless it is waived by
//! name; and which alarms are watched afterwards. Rollbacks, and runs that follow an existing
//! rollout, are never refused because of an alarm: it may be the reason for them.

use crate::alarm::{Alarm, AlarmState};
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::error::Failure;
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::survey::Snapshot;

/// The alarms of a rollout.
#[derive(Debug, Clone, Default)]
pub struct AlarmsPlan {
    /// The alarms of the input `alarms`, which only this run watches.
    pub requested: Vec<String>,
    /// The alarms of the service that AWS does not watch in this deployment, because one of them is
    /// already in ALARM.
    pub own: Vec<String>,
    /// Their states before the start; empty where they could not be read.
    pub initial: Vec<Alarm>,
}

impl AlarmsPlan {
    /// All names, each once.
    pub fn all_names(&self) -> Vec<String> {
        let others = self
            .own
            .iter()
            .filter(|name| !self.requested.contains(name));
        self.requested.iter().chain(others).cloned().collect()
    }
}

pub(super) fn plan(settings: &Settings, snapshot: &Snapshot) -> AlarmsPlan {
    AlarmsPlan {
        requested: settings.checks.alarms.watched.clone(),
        own: if is_watched_by_aws(snapshot) {
            Vec::new()
        } else {
            snapshot.alarms.own.clone()
        },
        initial: snapshot.alarms.found.clone().unwrap_or_default(),
    }
}

/// Alarms that the user names and that do not exist: a misspelled one would never go into ALARM.
pub(super) fn find_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    let missing = missing_alarms(snapshot, &settings.checks.alarms.watched)
        .filter(|_| settings.mode.plans_deployment());
    let remedy = format!(
        "check its name and aws-region (`{}`), or create it",
        settings.aws.region
    );
    missing
        .map(|name| {
            Problem::new(
                "alarms",
                format!("there is no alarm `{name}`"),
                remedy.clone(),
            )
        })
        .collect()
}

fn missing_alarms<'n>(
    snapshot: &Snapshot,
    names: &'n [String],
) -> impl Iterator<Item = &'n String> {
    let found = snapshot.alarms.found.as_ref();
    names.iter().filter(move |name| {
        found.is_some_and(|found| !found.iter().any(|alarm| alarm.name == **name))
    })
}

/// AWS ignores an alarm that is in ALARM when a deployment begins, so it would not roll back
/// whatever green does.
pub(super) fn check_alarms(settings: &Settings, snapshot: &Snapshot) -> Result<(), Failure> {
    let refused: Vec<&Alarm> = alarms_in_alarm(snapshot)
        .filter(|alarm| !is_waived(settings, alarm))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let names = refused
        .iter()
        .map(|alarm| alarm.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let mut failure = Failure::new(
        Reason::Alarm,
        format!("{names} is already in ALARM, and could not show that green is worse"),
    );
    for alarm in refused {
        failure = failure.with_cause(format!(
            "{} ({}): {}",
            alarm.name,
            alarm.describe_state(),
            alarm.explanation()
        ));
    }
    Err(failure.with_hint(format!("wait until it is OK, or set waive-alarms: {names}; what is waived counts again once it was OK")))
}

fn alarms_in_alarm(snapshot: &Snapshot) -> impl Iterator<Item = &Alarm> {
    snapshot
        .alarms
        .found
        .iter()
        .flatten()
        .filter(|alarm| alarm.is_in_alarm())
}

fn is_waived(settings: &Settings, alarm: &Alarm) -> bool {
    !settings.mode.plans_deployment() || settings.checks.alarms.waived.contains(&alarm.name)
}

/// Whether AWS rolls a deployment back when one of its own alarms goes into ALARM. ECS does not, if
/// any of them is in ALARM at the start.
fn is_watched_by_aws(snapshot: &Snapshot) -> bool {
    let is_ecs = snapshot
        .service
        .as_ref()
        .is_some_and(|service| matches!(service.controller(), DeploymentController::Ecs(_)));
    let is_in_alarm = |name: &String| alarms_in_alarm(snapshot).any(|alarm| alarm.name == *name);
    !(is_ecs && snapshot.alarms.own.iter().any(is_in_alarm))
}

/// What the user should know about the alarms before the start.
pub(super) fn find_warnings(settings: &Settings, snapshot: &Snapshot) -> Vec<String> {
    let own = &snapshot.alarms.own;
    let mut warnings: Vec<String> = Vec::new();
    let (service_alarms, requested_alarms): (Vec<&Alarm>, Vec<&Alarm>) =
        alarms_in_alarm(snapshot).partition(|alarm| own.contains(&alarm.name));
    warnings.extend(in_alarm_warning(&service_alarms, aws_reaction(snapshot)));
    warnings.extend(in_alarm_warning(
        &requested_alarms,
        "it counts again once it has been OK",
    ));
    let silent = snapshot
        .alarms
        .found
        .iter()
        .flatten()
        .filter(|alarm| alarm.state == AlarmState::InsufficientData);
    warnings.extend(silent.map(|alarm| {
        format!(
            "alarm {} has no data yet (INSUFFICIENT_DATA): it may never go into ALARM",
            alarm.name
        )
    }));
    warnings.extend(
        missing_alarms(snapshot, own)
            .map(|name| format!("alarm {name} of the deployment group or service does not exist")),
    );
    if !settings.mode.plans_deployment() {
        let missing_names = missing_alarms(snapshot, &settings.checks.alarms.watched);
        warnings.extend(
            missing_names.map(|name| format!("alarm {name} does not exist, and is not watched")),
        );
    }
    let unused_waivers = settings
        .checks
        .alarms
        .waived
        .iter()
        .filter(|name| !own.contains(name) && !settings.checks.alarms.watched.contains(name));
    warnings.extend(unused_waivers.map(|name| {
        format!("waive-alarms names {name}, which is not an alarm of this deployment")
    }));
    warnings
}

fn in_alarm_warning(alarms: &[&Alarm], then: &str) -> Option<String> {
    let names = alarms
        .iter()
        .map(|alarm| alarm.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    (!names.is_empty()).then(|| format!("{names} is already in ALARM: {then}"))
}

/// What AWS does about one of its own alarms that is in ALARM from the start.
fn aws_reaction(snapshot: &Snapshot) -> &'static str {
    match snapshot.service.as_ref().map(Service::controller) {
        Some(DeploymentController::CodeDeploy) => {
            "CodeDeploy stops the deployment for an alarm of its group"
        }
        Some(DeploymentController::Ecs(_) | DeploymentController::Other(_)) | None => {
            "ECS does not watch a deployment's alarms when one of them is in ALARM at its start; the checks before each step ignore it too"
        }
    }
}

#[cfg(test)]
mod tests;
