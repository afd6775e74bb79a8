//! PURE: the roles exist, and whoever must assume them may.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LineResult, Subject};
use crate::aws::arn::short_name;
use crate::aws::iam::IamRole;
use crate::documents::deployment_configuration::all_hooks;
use crate::documents::task_definition::TaskDefinition;
use crate::survey::Looked;

/// Who assumes the roles of tasks, of ECS's work on load balancers, and of CodeDeploy.
const TASKS: &str = "ecs-tasks.amazonaws.com";
const ECS: &str = "ecs.amazonaws.com";
const CODEDEPLOY: &str = "codedeploy.amazonaws.com";

/// A role that somebody must be able to assume.
struct NeededRole {
    /// As it is written: an ARN, or a name.
    role: String,
    /// What it is for.
    what: &'static str,
    /// The service that assumes it.
    assumed_by: &'static str,
    /// The input that leads to it.
    input: &'static str,
}

impl NeededRole {
    fn name(&self) -> &str {
        short_name(&self.role)
    }

    /// Roles that AWS makes for itself exist, and roles of other accounts cannot be read.
    fn is_looked_for(&self, account: Option<&str>) -> bool {
        let of_account = self.role.split(':').nth(4);
        let is_foreign = of_account
            .zip(account)
            .is_some_and(|(theirs, ours)| theirs != ours);
        !self.role.contains(":role/aws-service-role/") && !is_foreign
    }
}

fn needed_roles(subject: &Subject<'_>) -> Vec<NeededRole> {
    let role = |role: &str, what, assumed_by, input| NeededRole {
        role: role.to_owned(),
        what,
        assumed_by,
        input,
    };
    let mut needed = Vec::new();
    if let Some(definition) = subject.definition {
        let roles = TaskDefinition(definition).roles();
        let of_task = |given: Option<&str>, what| {
            given.map(|given| role(given, what, TASKS, "task-definition"))
        };
        needed.extend(of_task(roles.execution, "execution role"));
        needed.extend(of_task(roles.task, "task role"));
    }
    if let Some(group) = &subject.snapshot.group {
        needed.extend(group.service_role.iter().map(|given| {
            role(
                given,
                "role of CodeDeploy",
                CODEDEPLOY,
                "codedeploy-deployment-group",
            )
        }));
    }
    if let Some(service) = &subject.snapshot.service {
        needed.extend(
            service
                .infrastructure_roles()
                .map(|given| role(given, "role for load balancers", ECS, "service")),
        );
        let hooks = all_hooks(service.deployment_configuration.as_ref());
        needed.extend(
            hooks
                .iter()
                .filter_map(|hook| hook["roleArn"].as_str())
                .map(|given| role(given, "role of a hook", ECS, "service")),
        );
    }
    needed
}

/// The account of the service, or of the group's role.
fn account<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let service = subject.snapshot.service.as_ref()?;
    service.service_arn.as_str().split(':').nth(4)
}

/// The names of the roles that are looked for.
pub(super) fn names(subject: &Subject<'_>) -> BTreeSet<String> {
    let account = account(subject);
    needed_roles(subject)
        .into_iter()
        .filter(|needed| needed.is_looked_for(account))
        .map(|needed| needed.name().to_owned())
        .collect()
}

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let account = account(subject);
    let (mut findings, mut good) = (Vec::new(), Vec::new());
    for needed in needed_roles(subject) {
        if !needed.is_looked_for(account) {
            continue;
        }
        match subject.snapshot.prerequisites.roles.get(needed.name()) {
            Some(Looked::Found(found)) => match distrust(&needed, found) {
                Some(finding) => findings.push(finding),
                None => good.push(format!("{} ({})", needed.name(), needed.what)),
            },
            Some(Looked::Missing) => findings.push(missing(&needed)),
            Some(Looked::Unread(error)) => findings.push(LineResult::unread(error)),
            None => {}
        }
    }
    findings.dedup();
    match (findings.is_empty(), good.is_empty()) {
        (true, true) => vec![LineResult::skipped("there are none, or they are not known")],
        (true, false) => vec![LineResult::Ok(format!(
            "{} exist, and whoever assumes them may",
            good.join(", ")
        ))],
        (false, _) => findings,
    }
}

fn missing(needed: &NeededRole) -> LineResult {
    LineResult::failed(
        needed.input,
        format!("the {} `{}` does not exist", needed.what, needed.role),
        format!(
            "create it, with a trust policy for {}, or name one that exists",
            needed.assumed_by
        ),
    )
}

/// A regional principal, such as `codedeploy.eu-central-1.amazonaws.com`, is as good.
fn distrust(needed: &NeededRole, found: &IamRole) -> Option<LineResult> {
    let wanted = needed.assumed_by;
    let service = wanted.split('.').next().unwrap_or(wanted);
    let is_meant = |principal: &String| {
        principal == "*"
            || principal == wanted
            || (principal.starts_with(&format!("{service}.")) && principal.contains(".amazonaws."))
    };
    if found.trusted_services.iter().any(is_meant) {
        return None;
    }
    let trusted = if found.trusted_services.is_empty() {
        "no service".to_owned()
    } else {
        found.trusted_services.join(", ")
    };
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": { "Service": wanted }, "Action": "sts:AssumeRole",
    });
    Some(LineResult::failed(
        needed.input,
        format!(
            "the {} `{}` cannot be assumed by {wanted}: its trust policy allows {trusted}",
            needed.what,
            needed.name()
        ),
        format!("add to its trust policy: {}", Value::to_string(&statement)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_trusted_by_its_service_only() {
        let needed = NeededRole {
            role: "arn:aws:iam::1:role/path/x".to_owned(),
            what: "role",
            assumed_by: CODEDEPLOY,
            input: "service",
        };
        assert_eq!(needed.name(), "x");
        let trusts = |principals: &[&str]| {
            let found = IamRole {
                arn: needed.role.clone(),
                trusted_services: principals.iter().map(|name| (*name).to_owned()).collect(),
            };
            distrust(&needed, &found).is_none()
        };
        assert!(trusts(&["*"]) && trusts(&["ec2.amazonaws.com", CODEDEPLOY]));
        assert!(trusts(&["codedeploy.eu-central-1.amazonaws.com"]));
        assert!(!trusts(&[]) && !trusts(&[TASKS]) && !trusts(&["codedeploy.evil.example"]));
        assert!(needed.is_looked_for(Some("1")) && !needed.is_looked_for(Some("2")));
    }
}
