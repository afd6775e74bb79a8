//! PURE: what the run's own role may do. Reads are proved by reading; writes are asked of IAM.

use super::{LineResult, Subject};
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::documents::task_definition::TaskDefinition;
use crate::survey::{ImageFound, NeededWrites};

/// The writes of a push.
const PUSH: [&str; 5] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];

/// Every write without which a deployment ends, or could not be rolled back.
pub(super) fn needed_writes(subject: &Subject<'_>) -> Vec<NeededWrites> {
    let mut writes = vec![on("*", &["ecs:RegisterTaskDefinition"])];
    writes.extend(passed_roles(subject));
    if let Some(service) = &subject.snapshot.service {
        match service.controller() {
            DeploymentController::CodeDeploy => writes.extend(codedeploy_writes(subject, service)),
            DeploymentController::Ecs(_) => {
                writes.push(on(service.service_arn.as_str(), &["ecs:UpdateService"]));
            }
            DeploymentController::Other(_) => {}
        }
        writes.extend(task_writes(subject, service));
    }
    if let (Some(seen), Some(ImageFound::Local { .. })) =
        (&subject.snapshot.repository, &subject.snapshot.image)
    {
        writes.push(on(&seen.arn(), &PUSH));
    }
    writes
}

fn on(resource: &str, actions: &[&str]) -> NeededWrites {
    NeededWrites {
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        resource: resource.to_owned(),
        context: Vec::new(),
    }
}

/// A role that the definition names is passed to ECS.
fn passed_roles(subject: &Subject<'_>) -> Vec<NeededWrites> {
    let Some(definition) = subject.definition else {
        return Vec::new();
    };
    let roles = TaskDefinition(definition).roles();
    let context = ("iam:PassedToService", "ecs-tasks.amazonaws.com".to_owned());
    [roles.execution, roles.task]
        .into_iter()
        .flatten()
        .filter(|role| role.starts_with("arn:"))
        .map(|role| NeededWrites {
            context: vec![context.clone()],
            ..on(role, &["iam:PassRole"])
        })
        .collect()
}

fn codedeploy_writes(subject: &Subject<'_>, service: &Service) -> Vec<NeededWrites> {
    let rollout = &subject.settings.rollout;
    let config = rollout.config.as_deref().or_else(|| {
        let group = subject.snapshot.group.as_ref()?;
        group.config.as_deref()
    });
    let Some(begin) = arn_begin(service, "codedeploy") else {
        return Vec::new();
    };
    let group = format!(
        "{begin}:deploymentgroup:{}/{}",
        rollout.application, rollout.group
    );
    let application = format!("{begin}:application:{}", rollout.application);
    let config = config.unwrap_or("CodeDeployDefault.ECSAllAtOnce");
    vec![
        on(
            &group,
            &["codedeploy:CreateDeployment", "codedeploy:StopDeployment"],
        ),
        on(&application, &["codedeploy:RegisterApplicationRevision"]),
        on(
            &format!("{begin}:deploymentconfig:{config}"),
            &["codedeploy:GetDeploymentConfig"],
        ),
    ]
}

fn task_writes(subject: &Subject<'_>, service: &Service) -> Option<NeededWrites> {
    let asked = subject.settings.task.is_some() || subject.settings.migration.is_some();
    let family = TaskDefinition(subject.definition?)
        .family()
        .filter(|_| asked)?;
    let begin = arn_begin(service, "ecs")?;
    let cluster = format!("{begin}:cluster/{}", service.cluster_name());
    Some(NeededWrites {
        context: vec![("ecs:cluster", cluster)],
        ..on(
            &format!("{begin}:task-definition/{family}:*"),
            &["ecs:RunTask"],
        )
    })
}

/// `arn:aws:SERVICE:REGION:ACCOUNT`, of the ECS service's own ARN.
fn arn_begin(service: &Service, of: &str) -> Option<String> {
    let parts: Vec<&str> = service.service_arn.as_str().split(':').take(5).collect();
    match parts.as_slice() {
        ["arn", partition, _, region, account] => {
            Some(format!("arn:{partition}:{of}:{region}:{account}"))
        }
        _ => None,
    }
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let asked = match &subject.snapshot.prerequisites.permissions {
        None => {
            return vec![LineResult::skipped(
                "no write is known that could be asked for",
            )];
        }
        Some(Err(error)) => return vec![LineResult::unread(error)],
        Some(Ok(asked)) => asked,
    };
    let findings: Vec<LineResult> = asked
        .iter()
        .filter(|answer| !answer.is_allowed())
        .map(|answer| {
            let why = format!(
                "{} on {} is not allowed ({})",
                answer.action, answer.resource, answer.decision
            );
            let remedy = format!(
                "allow {} on {} for the role that the job uses (docs/iam.md)",
                answer.action, answer.resource
            );
            // A repository's own policy may allow what the role's does not.
            if answer.action.starts_with("ecr:") {
                LineResult::warned(
                    format!("{why}, unless the repository's policy allows it"),
                    remedy,
                )
            } else {
                LineResult::failed("aws", why, remedy)
            }
        })
        .collect();
    if findings.is_empty() {
        let count = asked.len();
        return vec![LineResult::Ok(format!(
            "the role's policies allow all {count} writes that were asked for"
        ))];
    }
    findings
}
