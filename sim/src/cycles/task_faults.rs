//! Makes the tasks of a revision crash or hang from an event on.

use crate::account::Account;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::{TaskFault, TaskFaultKind};
use crate::world::TaskHandle;

/// One round over the tasks of every trouble that has begun.
pub(super) fn advance(cloud: &Cloud) {
    if cloud.options.task_troubles.is_empty() {
        return;
    }
    let history = cloud.traffic_history();
    let begun = cloud
        .options
        .task_troubles
        .iter()
        .filter(|trouble| history.has_happened(&trouble.when, now_ms()));
    for trouble in begun {
        for handle in cloud.read(|account| affected_tasks(account, trouble)) {
            match trouble.kind {
                TaskFaultKind::Crashes | TaskFaultKind::AllButOneCrash => handle.crash(),
                TaskFaultKind::Hangs => handle.hang(),
            }
        }
    }
}

fn affected_tasks(account: &Account, trouble: &TaskFault) -> Vec<TaskHandle> {
    let named = format!("task-definition/{}", trouble.revision);
    let tasks = account.tasks.iter().filter(|task| {
        task.is_running() && task.origin.fleet().is_some() && task.revision.ends_with(&named)
    });
    let spared = usize::from(trouble.kind == TaskFaultKind::AllButOneCrash);
    tasks
        .skip(spared)
        .flat_map(|task| &task.containers)
        .filter_map(|container| container.handle.clone())
        .collect()
}
