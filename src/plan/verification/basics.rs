//! PURE: the lines about what every deployment reads: the service, what serves, the image, the
//! alarms.

use super::{LineResult, Subject};
use crate::alarm::{Alarm, AlarmState};
use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::settings::{DefinitionSource, Settings};
use crate::survey::{ImageFound, RepositoryState, Snapshot};

/// What was found, or why nothing was looked at.
type Seen = Result<String, &'static str>;

const NO_SERVICE: &str = "no service is given, or it could not be read";

fn one(seen: Seen) -> Vec<LineResult> {
    vec![match seen {
        Ok(found) => LineResult::Ok(found),
        Err(why) => LineResult::skipped(why),
    }]
}

fn of_service(
    subject: &Subject<'_>,
    describe: impl FnOnce(&Service) -> Result<String, &'static str>,
) -> Vec<LineResult> {
    one(subject
        .snapshot
        .service
        .as_ref()
        .ok_or(NO_SERVICE)
        .and_then(describe))
}

pub(super) fn region(subject: &Subject<'_>) -> Vec<LineResult> {
    of_service(subject, |_| {
        Ok(format!("AWS answers in {}", subject.settings.aws.region))
    })
}

pub(super) fn service(subject: &Subject<'_>) -> Vec<LineResult> {
    of_service(subject, |service| Ok(describe_service(service)))
}

pub(super) fn controller(subject: &Subject<'_>) -> Vec<LineResult> {
    of_service(subject, |service| Ok(describe_controller(service)))
}

pub(super) fn group(subject: &Subject<'_>) -> Vec<LineResult> {
    of_service(subject, |service| {
        describe_group(subject.settings, subject.snapshot, service)
    })
}

pub(super) fn slot(subject: &Subject<'_>) -> Vec<LineResult> {
    of_service(subject, |_| Ok(describe_slot(subject.snapshot)))
}

pub(super) fn traffic(subject: &Subject<'_>) -> Vec<LineResult> {
    one(describe_traffic(subject.settings, subject.snapshot))
}

pub(super) fn definition(subject: &Subject<'_>) -> Vec<LineResult> {
    one(describe_definition(subject.settings, subject.snapshot))
}

pub(super) fn image(subject: &Subject<'_>) -> Vec<LineResult> {
    one(describe_image(subject.settings, subject.snapshot))
}

pub(super) fn repository(subject: &Subject<'_>) -> Vec<LineResult> {
    one(describe_repository(subject.snapshot))
}

pub(super) fn alarms(subject: &Subject<'_>) -> Vec<LineResult> {
    one(describe_alarms(subject.snapshot))
}

pub(super) fn smoke_tests(subject: &Subject<'_>) -> Vec<LineResult> {
    let suite = subject.settings.checks.suite.as_ref();
    one(suite
        .map(|_| "the document is valid".to_owned())
        .ok_or("there is none"))
}

pub(super) fn analysis(subject: &Subject<'_>) -> Vec<LineResult> {
    let analysis = subject.settings.checks.analysis.as_ref();
    one(analysis
        .map(|_| "the document is valid".to_owned())
        .ok_or("there is none"))
}

fn describe_service(service: &Service) -> String {
    let revision = short_name(service.revision());
    format!("{} runs {revision}", service.service_name)
}

fn describe_controller(service: &Service) -> String {
    match service.controller() {
        DeploymentController::CodeDeploy => "CodeDeploy".to_owned(),
        DeploymentController::Ecs(strategy) => format!("ECS, {}", strategy.to_lowercase()),
        DeploymentController::Other(name) => name,
    }
}

fn describe_group(settings: &Settings, snapshot: &Snapshot, service: &Service) -> Seen {
    let rollout = &settings.rollout;
    if snapshot.group.is_some() {
        Ok(format!("{} of {}", rollout.group, rollout.application))
    } else if service.controller() == DeploymentController::CodeDeploy {
        Err("it could not be read")
    } else {
        Err("the service is not deployed by CodeDeploy")
    }
}

fn describe_slot(snapshot: &Snapshot) -> String {
    snapshot.running.as_ref().map_or_else(
        || "no rollout is in progress".to_owned(),
        |running| {
            format!(
                "{}; a deployment deals with it as if-running says",
                running.describe()
            )
        },
    )
}

fn describe_traffic(settings: &Settings, snapshot: &Snapshot) -> Seen {
    if snapshot.production_rules.is_empty() || snapshot.running.is_some() {
        Err("it is read only where weights say it and no rollout is in progress")
    } else if crate::plan::is_traffic_split(settings, snapshot) {
        Err("it is divided between two sides")
    } else {
        Ok("one side has all of it".to_owned())
    }
}

fn describe_definition(settings: &Settings, snapshot: &Snapshot) -> Seen {
    let is_known = snapshot.live_revision.is_some()
        || snapshot.base_revision.is_some()
        || matches!(settings.definition.source, DefinitionSource::File(_));
    if is_known {
        Ok("it can be made".to_owned())
    } else {
        Err("no revision was read")
    }
}

fn describe_image(settings: &Settings, snapshot: &Snapshot) -> Seen {
    match (&settings.image, &snapshot.image) {
        (Some(_), Some(ImageFound::ByName(_))) => {
            Err("it is in a registry that could not be asked")
        }
        (Some(image), Some(_)) => Ok(format!("{} is there", image.reference)),
        (Some(_), None) => Err("it could not be looked for"),
        (None, _) => Err("no image is given"),
    }
}

fn describe_repository(snapshot: &Snapshot) -> Seen {
    let Some(seen) = &snapshot.repository else {
        return Err("no repository is given, or it could not be read");
    };
    match seen.state {
        RepositoryState::Exists { .. } => Ok(seen.full_name()),
        RepositoryState::Missing(_) => Ok(format!(
            "{} does not exist, and would be made",
            seen.full_name()
        )),
        RepositoryState::Unknown => Err("it could not be read"),
    }
}

/// How many there are. One that is in ALARM is decided on with the plan, which is made when nothing
/// else is wrong.
fn describe_alarms(snapshot: &Snapshot) -> Seen {
    let Some(alarms) = &snapshot.alarms.found else {
        return Err("they could not be read, or there are none");
    };
    let is_in_alarm = |alarm: &Alarm| alarm.state == AlarmState::InAlarm;
    if alarms.is_empty() {
        Err("there are none")
    } else if alarms.iter().any(is_in_alarm) {
        Err("one is in ALARM now: whether that matters is told when nothing else is wrong")
    } else {
        Ok(format!("{} exist; none is in ALARM", alarms.len()))
    }
}
