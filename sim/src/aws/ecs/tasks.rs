//! `RunTask` and what is asked about tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::in_cluster;
use super::task_view::view;
use crate::account::{Account, Origin, Revision, StopCode, Task, last_part};
use crate::aws::{Answer, Asked, Refusal};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::cycles::{Overrides, assemble, end_task, launch};

/// AWS starts at most so many tasks at once.
const AT_ONCE: u64 = 10;

/// Members of the request that come back in the task.
const KEPT: [&str; 5] = [
    "overrides",
    "tags",
    "launchType",
    "platformVersion",
    "enableExecuteCommand",
];

pub(super) fn run(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let token = asked.text("clientToken").map(ToOwned::to_owned);
    let known = token
        .as_ref()
        .and_then(|token| cloud.look(|account| account.run_tokens.get(token).cloned()));
    let ids = match known {
        Some(ids) => ids,
        None => start(cloud, asked)?,
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

fn start(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Result<Vec<String>, Refusal> {
    let reference = asked
        .text("taskDefinition")
        .ok_or_else(|| Refusal::client("TaskDefinition can not be blank."))?;
    let revision = cloud.look(|account| account.revisions.find(reference).cloned());
    let revision = revision.ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if revision.deregistered_ms.is_some() {
        return Err(Refusal::client("TaskDefinition is inactive"));
    }
    check_network(&revision, asked)?;
    let overrides = Overrides::parse(asked.get("overrides").unwrap_or(&Value::Null));
    if let Some(unknown) = overrides
        .names()
        .find(|name| revision.container(name).is_none())
    {
        return Err(Refusal::parameter(format!(
            "Override for container named {unknown} is not a container in the TaskDefinition."
        )));
    }
    let count = asked.number("count").unwrap_or(1);
    if count == 0 || count > AT_ONCE {
        return Err(Refusal::parameter(
            "Number of tasks to start should be between 1 and 10.",
        ));
    }
    Ok((0..count)
        .map(|_| start_one(cloud, &revision, &overrides, asked))
        .collect())
}

fn check_network(revision: &Revision, asked: Asked<'_>) -> Result<(), Refusal> {
    let needs = revision.text("networkMode") == Some("awsvpc");
    if needs
        && asked
            .get("networkConfiguration")
            .and_then(|network| network.get("awsvpcConfiguration"))
            .is_none()
    {
        return Err(Refusal::parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    Ok(())
}

fn start_one(
    cloud: &Arc<Cloud>,
    revision: &Revision,
    overrides: &Overrides,
    asked: Asked<'_>,
) -> String {
    let id = cloud.change(|account| account.ids.task());
    let (containers, specs) = assemble(revision, &id, overrides, &cloud.options.secrets);
    let origin = Origin::Run {
        started_by: asked.text("startedBy").map(ToOwned::to_owned),
        group: asked
            .text("group")
            .map_or_else(|| format!("family:{}", revision.family), ToOwned::to_owned),
    };
    let mut task = Task::new(id.clone(), &revision.arn, origin, containers);
    for member in KEPT {
        if let Some(value) = asked.get(member) {
            task.launch.insert(member.to_owned(), value.clone());
        }
    }
    launch(cloud, task, specs);
    id
}

pub(super) fn describe(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let references = asked.texts("tasks");
    if references.is_empty() {
        return Err(Refusal::parameter("Tasks cannot be empty."));
    }
    Ok(cloud.look(|account| {
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            match account.task(reference) {
                Some(task) => tasks.push(view(account, task)),
                None => failures.push(json!({ "arn": account.place.task_arn(last_part(reference)), "reason": "MISSING" })),
            }
        }
        json!({ "tasks": tasks, "failures": failures })
    }))
}

pub(super) fn list(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let service = asked.text("serviceName").map(last_part);
    if let Some(name) = service
        && cloud.look(|account| account.service(name).is_none())
    {
        return Err(Refusal::new(
            "ServiceNotFoundException",
            "Service not found.",
        ));
    }
    let lag_ms = i64::try_from(cloud.switches().task_list_lag_ms).unwrap_or(i64::MAX / 2);
    let is_listed =
        |task: &Task| task.origin.service().is_some() || now_ms() - task.created_ms >= lag_ms;
    Ok(cloud.look(|account| {
        let fitting = account
            .tasks
            .iter()
            .filter(|task| is_listed(task) && fits(account, task, service, asked));
        let arns: BTreeSet<String> = fitting
            .map(|task| account.place.task_arn(&task.id))
            .collect();
        json!({ "taskArns": arns })
    }))
}

fn fits(account: &Account, task: &Task, service: Option<&str>, asked: Asked<'_>) -> bool {
    let stopped = asked.text("desiredStatus") == Some("STOPPED");
    let family = asked.text("family");
    let of_family = |family: &str| {
        account
            .revisions
            .find(&task.revision)
            .is_some_and(|revision| revision.family == family)
    };
    let started_by = asked.text("startedBy");
    let by = match &task.origin {
        Origin::Fleet { fleet, .. } => Some(fleet.as_str()),
        Origin::Run { started_by, .. } => started_by.as_deref(),
    };
    task.is_over() == stopped
        && service.is_none_or(|name| task.origin.service() == Some(name))
        && family.is_none_or(of_family)
        && started_by.is_none_or(|wanted| by == Some(wanted))
}

pub(super) fn stop(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let reference = asked.text("task").unwrap_or_default();
    let id = cloud.look(|account| account.task(reference).map(|task| task.id.clone()));
    let id = id.ok_or_else(|| Refusal::parameter("The referenced task was not found."))?;
    end_task(
        cloud,
        &id,
        StopCode::UserInitiated,
        asked.text("reason").unwrap_or("Task stopped by user"),
    );
    cloud.look(|account| {
        let task = account
            .task(&id)
            .ok_or_else(|| Refusal::parameter("The referenced task was not found."))?;
        Ok(json!({ "task": view(account, task) }))
    })
}
