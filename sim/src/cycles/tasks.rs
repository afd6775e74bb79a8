//! Starts and ends tasks for real, and keeps what ECS would say about them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::account::{Account, Phase, StopCode, Task};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::world::{TaskHandle, TaskSpec};

/// How long requests under way may take after a task has left its target group.
const DRAINING: Duration = Duration::from_secs(10);

/// Accepts a task and starts its containers in the background.
pub(crate) fn launch(cloud: &Arc<Cloud>, task: Task, specs: Vec<TaskSpec>) {
    let id = task.id.clone();
    cloud.change(|account| account.tasks.push(task));
    let shared = Arc::clone(cloud);
    cloud.spawn(async move { start(&shared, &id, specs).await });
}

async fn start(cloud: &Arc<Cloud>, id: &str, specs: Vec<TaskSpec>) {
    if cloud.read(|account| {
        account
            .task(id)
            .is_some_and(|task| task.origin.service().is_none())
    }) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(cloud.switches().run_task_start_ms) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if cloud.read(|account| account.task(id).is_some_and(Task::is_over)) {
                return finish(cloud, id).await;
            }
        }
    }
    set_phase(cloud, id, Phase::Pending);
    for (index, spec) in specs.into_iter().enumerate() {
        match cloud.world.start_task(spec).await {
            Ok(handle) => cloud.change(|account| attach(account, id, index, handle)),
            Err(reason) => return fail_to_start(cloud, id, index, &reason).await,
        }
    }
    let ended_meanwhile = cloud.change(|account| {
        let task = account.task_mut(id)?;
        if !task.is_over() {
            task.phase = Phase::Running;
            task.started_ms = Some(now_ms());
        }
        Some(task.is_over())
    });
    if ended_meanwhile == Some(true) {
        finish(cloud, id).await;
    }
}

/// A container runs; the load balancer reaches the task by its first one with a port.
fn attach(account: &mut Account, id: &str, index: usize, handle: TaskHandle) {
    let Some(task) = account.task_mut(id) else {
        return;
    };
    let Some(container) = task.containers.get_mut(index) else {
        return;
    };
    if container.port != 0 {
        task.address = task.address.or_else(|| handle.address());
    }
    container.handle = Some(handle);
}

async fn fail_to_start(cloud: &Arc<Cloud>, id: &str, index: usize, reason: &str) {
    cloud.change(|account| {
        let Some(task) = account.task_mut(id) else {
            return;
        };
        task.mark_stopping(StopCode::FailedToStart, reason);
        if let Some(container) = task.containers.get_mut(index) {
            container.reason = Some(reason.to_owned());
        }
        count_failure(account, id, cloud.switches().restart_delay_ms);
    });
    finish(cloud, id).await;
}

/// Counts a task that ended unexpectedly, and delays the next start.
pub(super) fn count_failure(account: &mut Account, id: &str, pause_ms: u64) {
    let fleet = account
        .task(id)
        .and_then(|task| task.origin.fleet().map(ToOwned::to_owned));
    let Some(fleet) = fleet.and_then(|fleet| account.fleet_mut(&fleet)) else {
        return;
    };
    fleet.failed_tasks += 1;
    let id = fleet.id.clone();
    // The first failures come fast, as a circuit breaker needs them; then ECS waits longer and
    // longer.
    let pause = pause_ms << fleet.failed_tasks.saturating_sub(4).min(5);
    fleet.paused_until_ms = now_ms() + i64::try_from(pause).unwrap_or(i64::MAX / 2);
    let deployments = account.service_deployments.iter_mut();
    deployments
        .filter(|deployment| deployment.target.fleet == id && !deployment.status.is_over())
        .for_each(|deployment| deployment.failures += 1);
}

fn set_phase(cloud: &Cloud, id: &str, phase: Phase) {
    cloud.change(|account| {
        if let Some(task) = account.task_mut(id).filter(|task| !task.is_over()) {
            task.phase = phase;
        }
    });
}

/// Takes a task out of its target group at once, and ends its containers a little later, as ECS
/// does for requests under way.
pub(crate) fn stop_task(cloud: &Arc<Cloud>, id: &str, code: StopCode, reason: &str) {
    let reached_at = cloud.change(|account| {
        let task = account.task_mut(id).filter(|task| !task.is_over())?;
        task.mark_stopping(code, reason);
        let started = task.phase == Phase::Running;
        task.phase = Phase::Deactivating;
        Some((task.address, started))
    });
    // A task that is not started yet is finished by the code that starts it.
    let Some((was_reached, true)) = reached_at else {
        return;
    };
    let pause = Duration::from_millis(cloud.switches().deregistration_ms);
    let (shared, id) = (Arc::clone(cloud), id.to_owned());
    cloud.spawn(async move {
        if let Some(address) = was_reached {
            tokio::time::sleep(pause).await;
            shared.world.wait_until_drained(address, DRAINING).await;
        }
        finish(&shared, &id).await;
    });
}

/// Ends the containers that still run and notes how each ended.
pub(super) async fn finish(cloud: &Arc<Cloud>, id: &str) {
    let handles = cloud.change(|account| {
        let task = account.task_mut(id)?;
        task.phase = Phase::Stopping;
        Some(
            task.containers
                .iter()
                .map(|container| container.handle.clone())
                .collect::<Vec<_>>(),
        )
    });
    for (index, handle) in handles.unwrap_or_default().into_iter().enumerate() {
        let Some(handle) = handle else { continue };
        handle.stop().await;
        let code = handle.exit_code().await;
        cloud.change(|account| record_exit(account, id, index, code));
    }
    cloud.change(|account| {
        let Some(task) = account.task_mut(id) else {
            return;
        };
        task.phase = Phase::Stopped;
        task.stopped_ms = Some(now_ms());
    });
}

pub(super) fn record_exit(account: &mut Account, id: &str, index: usize, code: Option<i32>) {
    let container = account
        .task_mut(id)
        .and_then(|task| task.containers.get_mut(index));
    if let Some(container) = container {
        container.exit_code = container.exit_code.or(code);
    }
}
