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
const LOOK: Duration = Duration::from_millis(10);

/// Whether what was waited for came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    InTime,
    Never,
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

    /// Looks at the deployment.
    pub(super) fn read<T>(&self, look: impl FnOnce(&ServiceDeployment) -> T) -> Option<T> {
        self.cloud
            .look(|account| account.service_deployment(&self.arn).map(look))
    }

    /// Changes the deployment in a way that a reader could notice.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut ServiceDeployment) -> T) -> Option<T> {
        self.cloud.change(|account| {
            let deployment = account.service_deployment_mut(&self.arn)?;
            let result = change(deployment);
            deployment.changed();
            Some(result)
        })
    }

    /// Moves the status on.
    pub(super) fn turn(&self, status: ServiceDeploymentStatus) {
        self.change(|deployment| deployment.turn(status));
        self.mark(status.as_str());
    }

    /// Goes forward, unless the deployment was stopped: nothing comes between the look and the
    /// step.
    pub(super) fn go<T>(&self, step: impl FnOnce(&mut Account) -> T) -> Result<T, Interruption> {
        self.cloud
            .change(|account| match self.interruption(account) {
                Some(interruption) => Err(interruption),
                None => Ok(step(account)),
            })
    }

    /// Enters a stage.
    pub(super) fn enter(&self, stage: LifecycleStage) -> Result<(), Interruption> {
        let hidden = stage == LifecycleStage::PreProductionTrafficShift
            && self.cloud.switches().pre_production == PreProduction::FormerStage;
        self.go(|account| {
            let Some(deployment) = account.service_deployment_mut(&self.arn) else {
                return;
            };
            if !hidden {
                deployment.stage = Some(stage);
            }
            deployment.changed();
        })?;
        self.mark(stage.as_str());
        Ok(())
    }

    /// A stage with no work of its own but its hooks'.
    pub(super) async fn stage(&self, stage: LifecycleStage) -> Result<(), Interruption> {
        self.enter(stage)?;
        self.dwell(self.clock().seconds(2.0)).await?;
        hooks::run(self, stage).await
    }

    /// Stays in the present state for as long as the clock says.
    pub(super) async fn dwell(&self, dwell: Dwell) -> Result<(), Interruption> {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let read = |deployment: &ServiceDeployment| dwell.until_read && deployment.seen >= version;
        self.until(dwell.at_most, read).await.map(drop)
    }

    /// Waits for a condition on the deployment.
    pub(super) async fn until(
        &self,
        limit: Duration,
        met: impl Fn(&ServiceDeployment) -> bool,
    ) -> Result<Met, Interruption> {
        self.until_account(limit, |account| {
            account.service_deployment(&self.arn).is_some_and(&met)
        })
        .await
    }

    /// Waits for a condition on the account; a stop or an alarm breaks it off.
    pub(super) async fn until_account(
        &self,
        limit: Duration,
        met: impl Fn(&Account) -> bool,
    ) -> Result<Met, Interruption> {
        let began = Instant::now();
        loop {
            let (met, interruption) = self
                .cloud
                .look(|account| (met(account), self.interruption(account)));
            match interruption {
                Some(interruption) => return Err(interruption),
                None if met => return Ok(Met::InTime),
                None if began.elapsed() >= limit => return Ok(Met::Never),
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Stays in the present state for as long as the clock says, whatever else happens.
    pub(super) async fn rest(&self, dwell: Dwell) {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let began = Instant::now();
        let was_read =
            || dwell.until_read && self.read(|deployment| deployment.seen >= version) == Some(true);
        while began.elapsed() < dwell.at_most && !was_read() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What keeps the deployment from going forward, if anything does.
    pub(super) fn interruption(&self, account: &Account) -> Option<Interruption> {
        let deployment = account.service_deployment(&self.arn)?;
        if !deployment.status.goes_forward() {
            return Some(Interruption::ByStatus(deployment.status));
        }
        let ringing = self.ringing(account, deployment);
        if !ringing.is_empty() {
            return Some(Interruption::Alarms(ringing));
        }
        tripped(account, deployment)
            .then(|| Interruption::Broken("the circuit breaker threshold was exceeded".to_owned()))
    }

    fn ringing(&self, account: &Account, deployment: &ServiceDeployment) -> Vec<String> {
        let muted = deployment.is_paused() && self.cloud.switches().alarm_in_pause == Toggle::Off;
        let watched =
            deployment.alarms == AlarmWatch::Monitoring && self.watches(deployment.stage) && !muted;
        if watched {
            account.ringing(&deployment.configuration.alarms())
        } else {
            Vec::new()
        }
    }

    fn watches(&self, stage: Option<LifecycleStage>) -> bool {
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
fn tripped(account: &Account, deployment: &ServiceDeployment) -> bool {
    let Some(green) = account.fleet(&deployment.target.fleet) else {
        return false;
    };
    deployment.configuration.breaker() != Breaker::Off
        && deployment.failures >= deployment.configuration.breaker_threshold(green.desired)
}
