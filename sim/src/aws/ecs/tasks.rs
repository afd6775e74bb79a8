//! `RunTask` and what is asked about tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::check_cluster;
use super::task_view::view;
use crate::account::{Account, Origin, Revision, StopCode, Task, name_from_arn};
use crate::aws::{Answer, Input, ServiceError};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::cycles::{Overrides, build_containers, launch, stop_task};

/// AWS starts at most so many tasks at once.
const MAX_TASKS: u64 = 10;

/// Members of the request that come back in the task.
const COPIED_MEMBERS: [&str; 5] = [
    "overrides",
    "tags",
    "launchType",
    "platformVersion",
    "enableExecuteCommand",
];

pub(super) fn run(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let token = input.text("clientToken").map(ToOwned::to_owned);
    let existing_ids = token
        .as_ref()
        .and_then(|token| cloud.read(|account| account.run_tokens.get(token).cloned()));
    let ids = match existing_ids {
        Some(ids) => ids,
        None => start(cloud, input)?,
    };
    Ok(cloud.change(|account| {
        if let Some(token) = token {
            account.run_tokens.insert(token, ids.clone());
        }
        let tasks: Vec<Value> = ids
            .iter()
            .filter_map(|id| account.task(id))
            .map(|task| view(account, task))
            .collect();
        json!({ "tasks": tasks, "failures": [] })
    }))
}

fn start(cloud: &Arc<Cloud>, input: Input<'_>) -> Result<Vec<String>, ServiceError> {
    let reference = input
        .text("taskDefinition")
        .ok_or_else(|| ServiceError::client_exception("TaskDefinition can not be blank."))?;
    let revision = cloud.read(|account| account.revisions.find(reference).cloned());
    let revision =
        revision.ok_or_else(|| ServiceError::client_exception("TaskDefinition not found."))?;
    if revision.deregistered_ms.is_some() {
        return Err(ServiceError::client_exception("TaskDefinition is inactive"));
    }
    check_network(&revision, input)?;
    let overrides = Overrides::parse(input.get("overrides").unwrap_or(&Value::Null));
    if let Some(unknown) = overrides
        .names()
        .find(|name| revision.container(name).is_none())
    {
        return Err(ServiceError::invalid_parameter(format!(
            "Override for container named {unknown} is not a container in the TaskDefinition."
        )));
    }
    let count = input.number("count").unwrap_or(1);
    if count == 0 || count > MAX_TASKS {
        return Err(ServiceError::invalid_parameter(
            "Number of tasks to start should be between 1 and 10.",
        ));
    }
    Ok((0..count)
        .map(|_| start_one(cloud, &revision, &overrides, input))
        .collect())
}

fn check_network(revision: &Revision, input: Input<'_>) -> Result<(), ServiceError> {
    let needs = revision.text("networkMode") == Some("awsvpc");
    if needs
        && input
            .get("networkConfiguration")
            .and_then(|network| network.get("awsvpcConfiguration"))
            .is_none()
    {
        return Err(ServiceError::invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    Ok(())
}

fn start_one(
    cloud: &Arc<Cloud>,
    revision: &Revision,
    overrides: &Overrides,
    input: Input<'_>,
) -> String {
    let id = cloud.change(|account| account.ids.next_task());
    let (containers, specs) = build_containers(revision, &id, overrides, &cloud.options.secrets);
    let origin = Origin::Run {
        started_by: input.text("startedBy").map(ToOwned::to_owned),
        group: input
            .text("group")
            .map_or_else(|| format!("family:{}", revision.family), ToOwned::to_owned),
    };
    let mut task = Task::new(id.clone(), &revision.arn, origin, containers);
    for member in COPIED_MEMBERS {
        if let Some(value) = input.get(member) {
            task.launch.insert(member.to_owned(), value.clone());
        }
    }
    launch(cloud, task, specs);
    id
}

pub(super) fn describe(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let references = input.text_list("tasks");
    if references.is_empty() {
        return Err(ServiceError::invalid_parameter("Tasks cannot be empty."));
    }
    Ok(cloud.read(|account| {
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            match account.task(reference) {
                Some(task) => tasks.push(view(account, task)),
                None => failures.push(json!({ "arn": account.location.task_arn(name_from_arn(reference)), "reason": "MISSING" })),
            }
        }
        json!({ "tasks": tasks, "failures": failures })
    }))
}

pub(super) fn list(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let service = input.text("serviceName").map(name_from_arn);
    if let Some(name) = service
        && cloud.read(|account| account.service(name).is_none())
    {
        return Err(ServiceError::new(
            "ServiceNotFoundException",
            "Service not found.",
        ));
    }
    let lag_ms = i64::try_from(cloud.switches().task_list_lag_ms).unwrap_or(i64::MAX / 2);
    let is_listed =
        |task: &Task| task.origin.service().is_some() || now_ms() - task.created_ms >= lag_ms;
    Ok(cloud.read(|account| {
        let fitting = account
            .tasks
            .iter()
            .filter(|task| is_listed(task) && matches_filter(account, task, service, input));
        let arns: BTreeSet<String> = fitting
            .map(|task| account.location.task_arn(&task.id))
            .collect();
        json!({ "taskArns": arns })
    }))
}

fn matches_filter(account: &Account, task: &Task, service: Option<&str>, input: Input<'_>) -> bool {
    let stopped = input.text("desiredStatus") == Some("STOPPED");
    let family = input.text("family");
    let of_family = |family: &str| {
        account
            .revisions
            .find(&task.revision)
            .is_some_and(|revision| revision.family == family)
    };
    let started_by = input.text("startedBy");
    let task_started_by = match &task.origin {
        Origin::Fleet { fleet, .. } => Some(fleet.as_str()),
        Origin::Run { started_by, .. } => started_by.as_deref(),
    };
    task.is_over() == stopped
        && service.is_none_or(|name| task.origin.service() == Some(name))
        && family.is_none_or(of_family)
        && started_by.is_none_or(|wanted| task_started_by == Some(wanted))
}

pub(super) fn stop(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let reference = input.text("task").unwrap_or_default();
    let id = cloud.read(|account| account.task(reference).map(|task| task.id.clone()));
    let id =
        id.ok_or_else(|| ServiceError::invalid_parameter("The referenced task was not found."))?;
    stop_task(
        cloud,
        &id,
        StopCode::UserInitiated,
        input.text("reason").unwrap_or("Task stopped by user"),
    );
    cloud.read(|account| {
        let task = account
            .task(&id)
            .ok_or_else(|| ServiceError::invalid_parameter("The referenced task was not found."))?;
        Ok(json!({ "task": view(account, task) }))
    })
}
