//! The life of a `CodeDeploy` deployment on ECS, as the user guide tells it: a straight line that
//! any wait can break off.

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
use cycle::{Cycle, Met};

/// Why the line was broken off.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interruption {
    /// A caller stopped it.
    Stopped,
    /// These alarms ring.
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
        if let Err(interruption) = line(&cycle).await {
            ending::conclude(&cycle, interruption).await;
        }
    });
}

async fn line(cycle: &Cycle) -> Result<(), Interruption> {
    start(cycle).await?;
    cycle.event("BeforeInstall", 2.0).await?;
    install::install(cycle).await?;
    cycle.event("AfterInstall", 2.0).await?;
    traffic::allow_test(cycle).await?;
    cycle.event("AfterAllowTestTraffic", 2.0).await?;
    ready_wait(cycle).await?;
    cycle.event("BeforeAllowTraffic", 2.0).await?;
    traffic::allow(cycle).await?;
    cycle.event("AfterAllowTraffic", 2.0).await?;
    termination_wait(cycle).await?;
    install::terminate_blue(cycle).await;
    ending::succeed(cycle);
    Ok(())
}

async fn start(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.dwell(cycle.clock().seconds(1.0)).await?;
    cycle.turn(Status::Queued);
    cycle.dwell(cycle.clock().seconds(1.0)).await?;
    let blue = cycle
        .cloud()
        .look(|account| install::blue(account, cycle.id()));
    cycle.change(|deployment| {
        deployment.started_ms = Some(crate::clock::now_ms());
        deployment.blue = blue;
    });
    cycle.turn(Status::InProgress);
    Ok(())
}

/// Green stands installed and tested. It waits for `ContinueDeployment`, or moves on at once.
async fn ready_wait(cycle: &Cycle) -> Result<(), Interruption> {
    let Some(ReadyWait::Stop(minutes)) = cycle.read(|deployment| deployment.group.ready_wait())
    else {
        return Ok(());
    };
    cycle.turn(Status::Ready);
    let limit = cycle.clock().limit(f64::from(minutes));
    match cycle
        .until(limit, |deployment| {
            deployment.continued.contains(&WaitType::Ready)
        })
        .await?
    {
        Met::InTime => cycle.turn(Status::InProgress),
        Met::Never => return Err(Interruption::ReadyExpired),
    }
    Ok(())
}

/// Blue still stands by. The status stays `InProgress`: that traffic has moved shows elsewhere.
async fn termination_wait(cycle: &Cycle) -> Result<(), Interruption> {
    let minutes = cycle
        .read(|deployment| deployment.group.options.termination_minutes)
        .unwrap_or(0);
    if minutes == 0 {
        return Ok(());
    }
    cycle.change(|deployment| deployment.termination_wait_started = true);
    cycle.mark("termination wait");
    if cycle.cloud().switches().baking == Toggle::On {
        cycle.turn(Status::Baking);
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
                event.turn(under_way);
                event.message = message.map(ToOwned::to_owned);
            }
            EventStatus::Pending => event.turn(EventStatus::Skipped),
            EventStatus::Succeeded | EventStatus::Failed | EventStatus::Skipped => {}
        }
    }
}
