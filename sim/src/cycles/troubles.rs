//! Lets the tasks of a revision go wrong once an event has come.

use crate::account::Account;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::{TaskTrouble, TaskTroubleKind};
use crate::world::TaskHandle;

/// One round over the tasks of every trouble that has begun.
pub(super) fn advance(cloud: &Cloud) {
    if cloud.options.task_troubles.is_empty() {
        return;
    }
    let shifts = cloud.shifts();
    let begun = cloud
        .options
        .task_troubles
        .iter()
        .filter(|trouble| shifts.has_come(&trouble.when, now_ms()));
    for trouble in begun {
        for handle in cloud.look(|account| running(account, trouble)) {
            match trouble.kind {
                TaskTroubleKind::Crashes | TaskTroubleKind::AllButOneCrash => handle.crash(),
                TaskTroubleKind::Hangs => handle.hang(),
            }
        }
    }
}

fn running(account: &Account, trouble: &TaskTrouble) -> Vec<TaskHandle> {
    let named = format!("task-definition/{}", trouble.revision);
    let tasks = account.tasks.iter().filter(|task| {
        task.is_running() && task.origin.fleet().is_some() && task.revision.ends_with(&named)
    });
    let spared = usize::from(trouble.kind == TaskTroubleKind::AllButOneCrash);
    tasks
        .skip(spared)
        .flat_map(|task| &task.containers)
        .filter_map(|container| container.handle.clone())
        .collect()
}
