//! The life cycle of a `CodeDeploy` deployment on ECS, as the user guide describes it. Each wait
//! can be interrupted by a stop, an alarm or a failure.

mod cycle;
mod ending;
mod install;
mod rollback;
mod shift;
mod traffic;

use std::sync::Arc;

use crate::account::{Deployment, EventStatus, ReadyWait, Status, WaitType};
use crate::cloud::Cloud;
use crate::switches::Toggle;
use cycle::{Cycle, WaitResult};

/// Why the line was broken off.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interruption {
    /// A caller stopped it.
    Stopped,
    /// These alarms are in ALARM.
    Alarms(Vec<String>),
    /// Nobody continued it in time.
    ReadyExpired,
    /// A lifecycle event failed.
    Failed { code: &'static str, message: String },
}

/// Adds a deployment and plays it to its end in the background.
pub(crate) fn begin(cloud: &Arc<Cloud>, deployment: Deployment) {
    let cycle = Cycle::new(cloud, &deployment.id);
    cloud.ledger.mark(&deployment.id, "Created");
    cloud.change(|account| account.deployments.push(deployment));
    let shared = Arc::clone(cloud);
    shared.spawn(async move {
        if let Err(interruption) = run(&cycle).await {
            ending::conclude(&cycle, interruption).await;
        }
    });
}

async fn run(cycle: &Cycle) -> Result<(), Interruption> {
    start(cycle).await?;
    cycle.run_event("BeforeInstall", 2.0).await?;
    install::install(cycle).await?;
    cycle.run_event("AfterInstall", 2.0).await?;
    traffic::allow_test(cycle).await?;
    cycle.run_event("AfterAllowTestTraffic", 2.0).await?;
    wait_for_continue(cycle).await?;
    cycle.run_event("BeforeAllowTraffic", 2.0).await?;
    traffic::allow_production(cycle).await?;
    cycle.run_event("AfterAllowTraffic", 2.0).await?;
    wait_before_termination(cycle).await?;
    install::terminate_blue(cycle).await;
    ending::succeed(cycle);
    Ok(())
}

async fn start(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.dwell(cycle.clock().seconds(1.0)).await?;
    cycle.set_status(Status::Queued);
    cycle.dwell(cycle.clock().seconds(1.0)).await?;
    let blue = cycle
        .cloud()
        .read(|account| install::find_blue(account, cycle.id()));
    cycle.change(|deployment| {
        deployment.started_ms = Some(crate::clock::now_ms());
        deployment.blue = blue;
    });
    cycle.set_status(Status::InProgress);
    Ok(())
}

/// Green is installed and tested. Waits for `ContinueDeployment` if the group is configured to.
async fn wait_for_continue(cycle: &Cycle) -> Result<(), Interruption> {
    let Some(ReadyWait::Stop(minutes)) = cycle.read(|deployment| deployment.group.ready_wait())
    else {
        return Ok(());
    };
    cycle.set_status(Status::Ready);
    let limit = cycle.clock().limit(f64::from(minutes));
    match cycle
        .wait_until(limit, |deployment| {
            deployment.continued.contains(&WaitType::Ready)
        })
        .await?
    {
        WaitResult::Met => cycle.set_status(Status::InProgress),
        WaitResult::TimedOut => return Err(Interruption::ReadyExpired),
    }
    Ok(())
}

/// Keeps blue for the termination wait. The status stays `InProgress`; only
/// `instanceTerminationWaitTimeStarted` shows that traffic has moved.
async fn wait_before_termination(cycle: &Cycle) -> Result<(), Interruption> {
    let minutes = cycle
        .read(|deployment| deployment.group.options.termination_minutes)
        .unwrap_or(0);
    if minutes == 0 {
        return Ok(());
    }
    cycle.change(|deployment| deployment.termination_wait_started = true);
    cycle.mark("termination wait");
    if cycle.cloud().switches().baking == Toggle::On {
        cycle.set_status(Status::Baking);
    }
    let dwell = cycle.clock().minutes(f64::from(minutes));
    cycle
        .dwell_unless(dwell, |deployment| {
            deployment.continued.contains(&WaitType::Termination)
        })
        .await
}

/// The event that is under way, if any, ends like this; those after it are skipped.
fn close_events(deployment: &mut Deployment, under_way: EventStatus, message: Option<&str>) {
    for event in &mut deployment.events {
        match event.status {
            EventStatus::InProgress => {
                event.set_status(under_way);
                event.message = message.map(ToOwned::to_owned);
            }
            EventStatus::Pending => event.set_status(EventStatus::Skipped),
            EventStatus::Succeeded | EventStatus::Failed | EventStatus::Skipped => {}
        }
    }
}
