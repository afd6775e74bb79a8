//! The life of a service deployment that shifts traffic, as the developer guide describes it: a
//! straight line that any wait can break off.

mod begin;
mod cycle;
mod ending;
mod hooks;
mod rollback;
mod scale;
mod traffic;

use crate::account::{LifecycleStage, ServiceDeploymentStatus};
use cycle::Cycle;

pub(crate) use begin::{NewDeployment, add_second_target_group, begin, spawn};
pub(crate) use traffic::TEST_HEADER;
pub(super) use traffic::{TrafficKind, set_green_share};

/// Why the line was broken off.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interruption {
    /// The status already says so: a caller stopped it, rejected a hook, or started another
    /// deployment.
    ByStatus(ServiceDeploymentStatus),
    /// Alarms are in ALARM.
    Alarms(Vec<String>),
    /// Green does not come up, or does not stay up.
    Failed(String),
    /// A hook failed or was not answered in time.
    Hook(String),
}

async fn run(cycle: &Cycle) -> Result<(), Interruption> {
    begin::start(cycle).await?;
    scale::reconcile(cycle).await?;
    cycle.run_stage(LifecycleStage::PreScaleUp).await?;
    scale::start_green(cycle).await?;
    cycle.run_stage(LifecycleStage::PostScaleUp).await?;
    traffic::shift_test(cycle).await?;
    cycle
        .run_stage(LifecycleStage::PostTestTrafficShift)
        .await?;
    traffic::shift_production(cycle).await?;
    cycle
        .run_stage(LifecycleStage::PostProductionTrafficShift)
        .await?;
    traffic::bake(cycle).await?;
    scale::clean_up(cycle).await?;
    ending::succeed(cycle);
    Ok(())
}
