//! PURE: both target groups are there, take the tasks, and check their health at a port that
//! answers.

use super::{LineResult, Subject};
use crate::aws::arn::target_group_name;
use crate::aws::target_groups::TargetGroupSettings;
use crate::documents::task_definition::TaskDefinition;
use crate::survey::{Looked, Snapshot, SurveyedTargetGroup};

/// The names of the service's target groups.
pub(super) fn names(snapshot: &Snapshot) -> Vec<String> {
    if let Some(group) = &snapshot.group {
        return group.target_groups.clone();
    }
    let service = snapshot.service.as_ref();
    service
        .map(crate::aws::ecs_shapes::Service::all_target_groups)
        .unwrap_or_default()
        .iter()
        .map(|arn| target_group_name(arn).to_owned())
        .collect()
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let names = names(subject.snapshot);
    if names.is_empty() {
        return vec![LineResult::skipped("the service has none")];
    }
    let seen = &subject.snapshot.prerequisites.target_groups;
    let (mut findings, mut good) = (Vec::new(), Vec::new());
    for name in names {
        match seen.get(&name) {
            Some(Looked::Found(found)) => {
                let wrong = look_at(subject, found);
                if wrong.is_empty() {
                    good.push(describe(found));
                }
                findings.extend(wrong);
            }
            Some(Looked::Missing) => findings.push(missing(subject, &name)),
            Some(Looked::Unread(error)) => findings.push(LineResult::unread(error)),
            None => findings.push(LineResult::skipped(format!("{name} was not read"))),
        }
    }
    findings.dedup();
    if !good.is_empty() {
        findings.insert(0, LineResult::Ok(good.join("; ")));
    }
    findings
}

fn missing(subject: &Subject<'_>, name: &str) -> LineResult {
    let input = if subject.snapshot.group.is_some() {
        "codedeploy-deployment-group"
    } else {
        "service"
    };
    LineResult::failed(
        input,
        format!("there is no target group `{name}`"),
        "create it, or give the service or its deployment group another",
    )
}

fn describe(found: &SurveyedTargetGroup) -> String {
    let settings = &found.settings;
    let health = found
        .health
        .filter(|health| health.all > 0)
        .map(|health| format!(", {} of {} healthy", health.healthy, health.all))
        .unwrap_or_default();
    format!(
        "{} is checked by {}{} at {}{health}",
        settings.name, settings.check_protocol, settings.check_path, settings.check_port
    )
    .replace("HTTP/", "HTTP /")
    .replace("HTTPS/", "HTTPS /")
}

fn look_at(subject: &Subject<'_>, found: &SurveyedTargetGroup) -> Vec<LineResult> {
    let settings = &found.settings;
    let mut findings = Vec::new();
    findings.extend(wrong_target_type(subject, settings));
    findings.extend(unanswered_port(subject, settings));
    let name = &settings.name;
    if !settings.is_checked {
        findings.push(LineResult::warned(
            format!("{name} does not check the health of its targets"),
            "turn its health check on: broken tasks would get traffic",
        ));
    }
    if settings.load_balancers.is_empty() {
        findings.push(LineResult::warned(
            format!("no load balancer forwards to {name}"),
            "let the production or the test listener forward to it, with the weight 0",
        ));
    }
    let health = found.health.unwrap_or_default();
    if health.all > 0 && health.healthy + health.unknown == 0 {
        findings.push(LineResult::warned(
            format!("none of the {} targets of {name} is healthy", health.all),
            format!(
                "see why: aws elbv2 describe-target-health --target-group-arn {}",
                settings.arn
            ),
        ));
    }
    findings
}

/// Tasks with a network interface of their own are registered by address.
fn wrong_target_type(subject: &Subject<'_>, settings: &TargetGroupSettings) -> Option<LineResult> {
    let mode = TaskDefinition(subject.definition?).network_mode()?;
    let is_wrong = mode == "awsvpc" && settings.target_type == "instance";
    is_wrong.then(|| {
        LineResult::failed(
            "task-definition",
            format!(
                "target group {} takes instances, and tasks with the network mode awsvpc are registered by address",
                settings.name
            ),
            "create the target group again with the target type ip",
        )
    })
}

/// A health check at a port of its own needs a container that listens there.
fn unanswered_port(subject: &Subject<'_>, settings: &TargetGroupSettings) -> Option<LineResult> {
    let port: u64 = settings.check_port.parse().ok()?;
    let task = TaskDefinition(subject.definition?);
    let is_answered = task
        .containers()
        .any(|container| container.listens_on(port));
    (!is_answered).then(|| {
        LineResult::warned(
            format!(
                "target group {} checks port {port}, and no container has it in its portMappings",
                settings.name
            ),
            "check traffic-port, or a port that a container listens on",
        )
    })
}
