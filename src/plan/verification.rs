//! PURE: what was looked at before a deployment, line by line: what is wrong, what is right, and
//! what could not be told.

use super::Plan;
use crate::alarm::{Alarm, AlarmState};
use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::documents::lint::lint;
use crate::error::Failure;
use crate::event::{VerificationStatus, VerifiedItem};
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::settings::{DefinitionSource, Settings};
use crate::survey::{ImageFound, RepositoryState, Snapshot};

/// What stands between the inputs and a deployment.
#[derive(Debug, Default)]
pub struct Obstacles {
    /// What is wrong with the inputs, or with what they name.
    pub problems: Vec<Problem>,
    /// What keeps a deployment from beginning now.
    pub failure: Option<Failure>,
}

/// What was found, or why nothing was looked at.
type Seen = Result<String, &'static str>;

/// A line of the verification: its name, the inputs whose problems belong to it, and whether it was
/// read.
struct Item {
    name: &'static str,
    inputs: &'static [&'static str],
    seen: Seen,
}

/// Every line. `plan` is there where nothing is wrong.
pub fn verification(
    settings: &Settings,
    snapshot: &Snapshot,
    obstacles: &Obstacles,
    plan: Option<&Plan>,
) -> Vec<VerifiedItem> {
    let mut lines = Vec::new();
    let mut left: Vec<&Problem> = obstacles.problems.iter().collect();
    for item in items(settings, snapshot) {
        let (own, others): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|problem| item.inputs.contains(&problem.input.as_str()));
        left = others;
        if own.is_empty() {
            lines.push(without_problem(&item));
        }
        lines.extend(own.into_iter().map(|problem| failed(item.name, problem)));
    }
    lines.extend(
        left.into_iter()
            .map(|problem| failed(&problem.input, problem)),
    );
    if let Some(failure) = &obstacles.failure {
        let name = match failure.reason {
            Reason::Alarm => "alarms",
            Reason::AlreadyRunning | Reason::StaleRun => "free slot",
            _ => "AWS",
        };
        lines.retain(|line| line.item != name || line.status != VerificationStatus::Ok);
        lines.push(VerifiedItem {
            item: name.to_owned(),
            status: VerificationStatus::Failed,
            detail: failure.sentence().into(),
            remedy: failure.hints.first().cloned().unwrap_or_default(),
        });
    }
    lines.extend(
        plan.into_iter()
            .flat_map(|plan| lint(&plan.definition, &plan.image_containers))
            .map(|finding| VerifiedItem {
                item: "task definition".to_owned(),
                status: VerificationStatus::Warned,
                detail: finding.message.into(),
                remedy: finding.remedy.into(),
            }),
    );
    lines
}

fn failed(name: &str, problem: &Problem) -> VerifiedItem {
    VerifiedItem {
        item: name.to_owned(),
        status: VerificationStatus::Failed,
        detail: problem.to_string().into(),
        remedy: problem.remedy.clone().into(),
    }
}

fn without_problem(item: &Item) -> VerifiedItem {
    let (status, detail) = match &item.seen {
        Ok(found) => (VerificationStatus::Ok, found.as_str()),
        Err(why) => (VerificationStatus::Skipped, *why),
    };
    VerifiedItem {
        item: item.name.to_owned(),
        status,
        detail: detail.into(),
        remedy: "".into(),
    }
}

const NO_SERVICE: &str = "no service is given, or it could not be read";

/// Every line, in the order in which a deployment needs them.
fn items(settings: &Settings, snapshot: &Snapshot) -> [Item; 12] {
    let service = snapshot.service.as_ref().ok_or(NO_SERVICE);
    let checks = &settings.checks;
    let valid = |is_given| {
        if is_given {
            Ok("the document is valid".to_owned())
        } else {
            Err("there is none")
        }
    };
    let item = |name, inputs, seen| Item { name, inputs, seen };
    [
        item(
            "credentials and region",
            &["credentials", "aws-region"],
            service.map(|_| format!("AWS answers in {}", settings.aws.region)),
        ),
        item(
            "cluster and service",
            &["cluster", "service"],
            service.map(describe_service),
        ),
        item(
            "controller and strategy",
            STRATEGY_INPUTS,
            service.map(describe_controller),
        ),
        item(
            "deployment group",
            GROUP_INPUTS,
            service.and_then(|service| describe_group(settings, snapshot, service)),
        ),
        item(
            "free slot",
            &["if-running"],
            service.map(|_| describe_slot(snapshot)),
        ),
        item(
            "production traffic",
            &[],
            describe_traffic(settings, snapshot),
        ),
        item(
            "task definition",
            DEFINITION_INPUTS,
            describe_definition(settings, snapshot),
        ),
        item("image", IMAGE_INPUTS, describe_image(settings, snapshot)),
        item(
            "repository and tags",
            &["repository", "tags", "create-repository", "registries"],
            describe_repository(snapshot),
        ),
        item(
            "alarms",
            &["alarms", "waive-alarms"],
            describe_alarms(snapshot),
        ),
        item("smoke tests", TEST_INPUTS, valid(checks.suite.is_some())),
        item("analysis", &["analysis"], valid(checks.analysis.is_some())),
    ]
}

const STRATEGY_INPUTS: &[&str] = &[
    "strategy",
    "canary-percent",
    "canary-bake",
    "step-percent",
    "step-bake",
    "bake",
    "manage-hooks",
];
const GROUP_INPUTS: &[&str] = &[
    "codedeploy-application",
    "codedeploy-deployment-group",
    "codedeploy-deployment-config",
    "codedeploy-appspec",
];
const DEFINITION_INPUTS: &[&str] = &[
    "task-definition",
    "task-definition-arn",
    "task-definition-family",
    "container",
    "secrets",
    "environment-variables",
    "run-task-container-overrides",
];
const IMAGE_INPUTS: &[&str] = &[
    "image",
    "registry-username",
    "registry-password",
    "docker-config",
];
const TEST_INPUTS: &[&str] = &[
    "smoke-tests",
    "test-url",
    "production-url",
    "version",
    "expose-env",
];

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
    } else if super::is_traffic_split(settings, snapshot) {
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
