//! PURE: what was looked at before a deployment, line by line: what is wrong, what is right, and
//! what could not be told.

use super::Plan;
use crate::alarm::{Alarm, AlarmState};
use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::DeploymentController;
use crate::documents::lint::lint;
use crate::error::Failure;
use crate::event::{VerificationStatus, VerifiedItem};
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::settings::{DefinitionSource, Settings};
use crate::survey::{ImageFound, RepositoryState, Snapshot};

/// What stands between the inputs and a deployment.
#[derive(Debug)]
pub struct Obstacles {
    /// What is wrong with the inputs, or with what they name.
    pub problems: Vec<Problem>,
    /// What keeps a deployment from beginning now.
    pub failure: Option<Failure>,
}

/// A line of the verification: its name, the inputs whose problems belong to it, and whether it was
/// read.
struct Item {
    name: &'static str,
    inputs: &'static [&'static str],
    /// What was found, or why nothing was looked at.
    seen: Result<String, &'static str>,
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

fn items(settings: &Settings, snapshot: &Snapshot) -> Vec<Item> {
    let mut items = service_items(settings, snapshot);
    items.extend(deployment_items(settings, snapshot));
    items
}

/// How many there are. One that is in ALARM is decided on with the plan, which is made when nothing
/// else is wrong.
fn describe_alarms(alarms: &[Alarm]) -> Result<String, &'static str> {
    if alarms
        .iter()
        .any(|alarm| alarm.state == AlarmState::InAlarm)
    {
        Err("one is in ALARM now: whether that matters is told when nothing else is wrong")
    } else {
        Ok(format!("{} exist; none is in ALARM", alarms.len()))
    }
}

const NO_SERVICE: &str = "no service is given, or it could not be read";

fn service_items(settings: &Settings, snapshot: &Snapshot) -> Vec<Item> {
    let service = snapshot.service.as_ref();
    let is_codedeploy =
        service.is_some_and(|service| service.controller() == DeploymentController::CodeDeploy);
    let controller = service.map(|service| match service.controller() {
        DeploymentController::CodeDeploy => "CodeDeploy".to_owned(),
        DeploymentController::Ecs(strategy) => format!("ECS, {}", strategy.to_lowercase()),
        DeploymentController::Other(name) => name,
    });
    vec![
        Item {
            name: "credentials and region",
            inputs: &["credentials", "aws-region"],
            seen: service
                .map(|_| format!("AWS answers in {}", settings.aws.region))
                .ok_or(NO_SERVICE),
        },
        Item {
            name: "cluster and service",
            inputs: &["cluster", "service"],
            seen: service
                .map(|service| {
                    format!(
                        "{} runs {}",
                        service.service_name,
                        short_name(service.revision())
                    )
                })
                .ok_or(NO_SERVICE),
        },
        Item {
            name: "controller and strategy",
            inputs: &[
                "strategy",
                "canary-percent",
                "canary-bake",
                "step-percent",
                "step-bake",
                "bake",
                "manage-hooks",
            ],
            seen: controller.ok_or(NO_SERVICE),
        },
        Item {
            name: "deployment group",
            inputs: &[
                "codedeploy-application",
                "codedeploy-deployment-group",
                "codedeploy-deployment-config",
                "codedeploy-appspec",
            ],
            seen: match (&snapshot.group, is_codedeploy) {
                (Some(_), _) => Ok(format!(
                    "{} of {}",
                    settings.rollout.group, settings.rollout.application
                )),
                (None, true) => Err("it could not be read"),
                (None, false) if service.is_none() => Err(NO_SERVICE),
                (None, false) => Err("the service is not deployed by CodeDeploy"),
            },
        },
        Item {
            name: "free slot",
            inputs: &["if-running"],
            seen: match (service, &snapshot.running) {
                (None, _) => Err(NO_SERVICE),
                (Some(_), None) => Ok("no rollout is in progress".to_owned()),
                (Some(_), Some(running)) => Ok(format!(
                    "{}; a deployment deals with it as if-running says",
                    running.describe()
                )),
            },
        },
        Item {
            name: "production traffic",
            inputs: &["production", "listener"],
            seen: if snapshot.production_rules.is_empty() || snapshot.running.is_some() {
                Err("it is read only where weights say it and no rollout is in progress")
            } else if super::weights::find_problem(settings, snapshot).is_some() {
                Err("it is divided between two sides")
            } else {
                Ok("one side has all of it".to_owned())
            },
        },
    ]
}

fn deployment_items(settings: &Settings, snapshot: &Snapshot) -> Vec<Item> {
    let has_definition = snapshot.live_revision.is_some()
        || snapshot.base_revision.is_some()
        || matches!(settings.definition.source, DefinitionSource::File(_));
    let alarms = snapshot.alarms.found.as_ref();
    vec![
        Item {
            name: "task definition",
            inputs: &[
                "task-definition",
                "task-definition-arn",
                "task-definition-family",
                "container",
                "secrets",
                "environment-variables",
                "run-task-container-overrides",
            ],
            seen: if has_definition {
                Ok("it can be made".to_owned())
            } else {
                Err("no revision was read")
            },
        },
        Item {
            name: "image",
            inputs: &[
                "image",
                "registry-username",
                "registry-password",
                "docker-config",
            ],
            seen: match (&settings.image, &snapshot.image) {
                (Some(_), Some(ImageFound::ByName(_))) => {
                    Err("it is in a registry that could not be asked")
                }
                (Some(image), Some(_)) => Ok(format!("{} is there", image.reference)),
                (Some(_), None) => Err("it could not be looked for"),
                (None, _) => Err("no image is given"),
            },
        },
        Item {
            name: "repository and tags",
            inputs: &["repository", "tags", "create-repository", "registries"],
            seen: match &snapshot.repository {
                Some(seen) => match seen.state {
                    RepositoryState::Exists { .. } => Ok(seen.full_name()),
                    RepositoryState::Missing(_) => Ok(format!(
                        "{} does not exist, and would be made",
                        seen.full_name()
                    )),
                    RepositoryState::Unknown => Err("it could not be read"),
                },
                None => Err("no repository is given, or it could not be read"),
            },
        },
        Item {
            name: "alarms",
            inputs: &["alarms", "waive-alarms"],
            seen: match alarms {
                Some(found) if !found.is_empty() => describe_alarms(found),
                Some(_) => Err("there are none"),
                None => Err("they could not be read, or there are none"),
            },
        },
        Item {
            name: "smoke tests",
            inputs: &[
                "smoke-tests",
                "test-url",
                "production-url",
                "version",
                "expose-env",
            ],
            seen: match &settings.checks.suite {
                Some(_) => Ok("the document is valid".to_owned()),
                None => Err("there are none"),
            },
        },
        Item {
            name: "analysis",
            inputs: &["analysis"],
            seen: match &settings.checks.analysis {
                Some(_) => Ok("the document is valid".to_owned()),
                None => Err("there is none"),
            },
        },
    ]
}
