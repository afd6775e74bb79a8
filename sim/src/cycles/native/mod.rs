//! The life of a service deployment that shifts traffic, as the developer guide tells it: a
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

pub(crate) use begin::{Beginning, begin, give_second_group, play};
pub(crate) use traffic::TEST_HEADER;
pub(super) use traffic::{Lane, point};

/// Why the line was broken off.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Interruption {
    /// The status already says so: a caller stopped it, rejected a hook, or started another
    /// deployment.
    ByStatus(ServiceDeploymentStatus),
    /// Alarms ring.
    Alarms(Vec<String>),
    /// Green does not come up, or does not stay up.
    Broken(String),
    /// A hook failed or was not answered in time.
    Hook(String),
}

async fn line(cycle: &Cycle) -> Result<(), Interruption> {
    begin::start(cycle).await?;
    scale::reconcile(cycle).await?;
    cycle.stage(LifecycleStage::PreScaleUp).await?;
    scale::up(cycle).await?;
    cycle.stage(LifecycleStage::PostScaleUp).await?;
    traffic::shift_test(cycle).await?;
    cycle.stage(LifecycleStage::PostTestTrafficShift).await?;
    traffic::shift_production(cycle).await?;
    cycle
        .stage(LifecycleStage::PostProductionTrafficShift)
        .await?;
    traffic::bake(cycle).await?;
    scale::clean_up(cycle).await?;
    ending::succeed(cycle);
    Ok(())
}
