//! One service deployment under way: how its state is changed, and how it waits without missing a
//! stop or an alarm.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Interruption, hooks};
use crate::account::{
    Account, AlarmWatch, LifecycleStage, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::clock::{Clock, Dwell};
use crate::cloud::Cloud;
use crate::options::Breaker;
use crate::switches::{AlarmWindow, PreProduction, Toggle};

/// How often a wait looks whether it is over.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Whether what was waited for came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitResult {
    Met,
    TimedOut,
}

/// A service deployment under way.
#[derive(Debug, Clone)]
pub(super) struct Cycle {
    cloud: Arc<Cloud>,
    arn: String,
}

impl Cycle {
    pub(super) fn new(cloud: &Arc<Cloud>, arn: &str) -> Self {
        Self {
            cloud: Arc::clone(cloud),
            arn: arn.to_owned(),
        }
    }

    pub(super) const fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) fn clock(&self) -> Clock {
        self.cloud.clock()
    }

    pub(super) fn mark(&self, state: &str) {
        self.cloud.ledger.mark(&self.arn, state);
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&ServiceDeployment) -> T) -> Option<T> {
        self.cloud
            .read(|account| account.service_deployment(&self.arn).map(look))
    }

    /// Changes the deployment in a way that a reader could notice.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ServiceDeployment) -> T) -> Option<T> {
        self.cloud.change(|account| {
            let deployment = account.service_deployment_mut(&self.arn)?;
            let result = change(deployment);
            deployment.mark_changed();
            Some(result)
        })
    }

    /// Moves the status on.
    pub(super) fn set_status(&self, status: ServiceDeploymentStatus) {
        self.change(|deployment| deployment.set_status(status));
        self.mark(status.as_str());
    }

    /// Performs a step unless the deployment was interrupted. Check and step happen under one lock.
    pub(super) fn advance<T>(
        &self,
        step: impl FnOnce(&mut Account) -> T,
    ) -> Result<T, Interruption> {
        self.cloud
            .change(|account| match self.find_interruption(account) {
                Some(interruption) => Err(interruption),
                None => Ok(step(account)),
            })
    }

    pub(super) fn enter_stage(&self, stage: LifecycleStage) -> Result<(), Interruption> {
        let hidden = stage == LifecycleStage::PreProductionTrafficShift
            && self.cloud.switches().pre_production == PreProduction::FormerStage;
        self.advance(|account| {
            let Some(deployment) = account.service_deployment_mut(&self.arn) else {
                return;
            };
            if !hidden {
                deployment.stage = Some(stage);
            }
            deployment.mark_changed();
        })?;
        self.mark(stage.as_str());
        Ok(())
    }

    /// A stage with no work of its own but its hooks'.
    pub(super) async fn run_stage(&self, stage: LifecycleStage) -> Result<(), Interruption> {
        self.enter_stage(stage)?;
        self.dwell(self.clock().seconds(2.0)).await?;
        hooks::run(self, stage).await
    }

    /// Stays in the present state for as long as the clock says.
    pub(super) async fn dwell(&self, dwell: Dwell) -> Result<(), Interruption> {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let read =
            |deployment: &ServiceDeployment| dwell.until_read && deployment.read_version >= version;
        self.wait_until(dwell.at_most, read).await.map(drop)
    }

    /// Waits for a condition on the deployment.
    pub(super) async fn wait_until(
        &self,
        limit: Duration,
        condition: impl Fn(&ServiceDeployment) -> bool,
    ) -> Result<WaitResult, Interruption> {
        self.wait_for_account(limit, |account| {
            account
                .service_deployment(&self.arn)
                .is_some_and(&condition)
        })
        .await
    }

    /// Waits for a condition on the account; a stop or an alarm breaks it off.
    pub(super) async fn wait_for_account(
        &self,
        limit: Duration,
        condition: impl Fn(&Account) -> bool,
    ) -> Result<WaitResult, Interruption> {
        let started = Instant::now();
        loop {
            let (met, interruption) = self
                .cloud
                .read(|account| (condition(account), self.find_interruption(account)));
            match interruption {
                Some(interruption) => return Err(interruption),
                None if met => return Ok(WaitResult::Met),
                None if started.elapsed() >= limit => return Ok(WaitResult::TimedOut),
                None => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// Stays in the present state for as long as the clock says, whatever else happens.
    pub(super) async fn dwell_uninterrupted(&self, dwell: Dwell) {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let started = Instant::now();
        let was_read = || {
            dwell.until_read
                && self.read(|deployment| deployment.read_version >= version) == Some(true)
        };
        while started.elapsed() < dwell.at_most && !was_read() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The reason why the deployment cannot continue, if there is one.
    pub(super) fn find_interruption(&self, account: &Account) -> Option<Interruption> {
        let deployment = account.service_deployment(&self.arn)?;
        if !deployment.status.is_advancing() {
            return Some(Interruption::ByStatus(deployment.status));
        }
        let active_alarms = self.active_alarms(account, deployment);
        if !active_alarms.is_empty() {
            return Some(Interruption::Alarms(active_alarms));
        }
        is_breaker_tripped(account, deployment)
            .then(|| Interruption::Failed("the circuit breaker threshold was exceeded".to_owned()))
    }

    fn active_alarms(&self, account: &Account, deployment: &ServiceDeployment) -> Vec<String> {
        let muted = deployment.is_paused() && self.cloud.switches().alarm_in_pause == Toggle::Off;
        let watched = deployment.alarms == AlarmWatch::Monitoring
            && self.watches_alarms(deployment.stage)
            && !muted;
        if watched {
            account.active_alarms(&deployment.configuration.alarms())
        } else {
            Vec::new()
        }
    }

    fn watches_alarms(&self, stage: Option<LifecycleStage>) -> bool {
        let shifted = matches!(
            stage,
            Some(
                LifecycleStage::PreProductionTrafficShift
                    | LifecycleStage::ProductionTrafficShift
                    | LifecycleStage::PostProductionTrafficShift
            )
        );
        stage == Some(LifecycleStage::BakeTime)
            || (shifted && self.cloud.switches().alarm_window == AlarmWindow::ShiftAndBake)
    }
}

/// Green's tasks failed more often than its circuit breaker bears.
fn is_breaker_tripped(account: &Account, deployment: &ServiceDeployment) -> bool {
    let Some(green) = account.fleet(&deployment.target.fleet) else {
        return false;
    };
    deployment.configuration.breaker() != Breaker::Off
        && deployment.failures >= deployment.configuration.breaker_threshold(green.desired)
}
