//! One deployment under way: how its state is changed, and how it waits without missing a stop or
//! an alarm.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Interruption;
use crate::account::{Account, Deployment, EventStatus, Status};
use crate::clock::{Clock, Dwell};
use crate::cloud::Cloud;

/// How often a wait looks whether it is over.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Whether what was waited for came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitResult {
    Met,
    TimedOut,
}

/// A deployment under way.
#[derive(Debug, Clone)]
pub(super) struct Cycle {
    cloud: Arc<Cloud>,
    id: String,
}

impl Cycle {
    pub(super) fn new(cloud: &Arc<Cloud>, id: &str) -> Self {
        Self {
            cloud: Arc::clone(cloud),
            id: id.to_owned(),
        }
    }

    pub(super) const fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn clock(&self) -> Clock {
        self.cloud.clock()
    }

    pub(super) fn mark(&self, state: &str) {
        self.cloud.ledger.mark(&self.id, state);
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Deployment) -> T) -> Option<T> {
        self.cloud
            .read(|account| account.deployment(&self.id).map(look))
    }

    /// Changes the deployment in a way that a reader could notice.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Deployment) -> T) -> Option<T> {
        self.cloud.change(|account| {
            let deployment = account.deployment_mut(&self.id)?;
            let result = change(deployment);
            deployment.mark_changed();
            Some(result)
        })
    }

    /// Moves the status on.
    pub(super) fn set_status(&self, status: Status) {
        self.change(|deployment| deployment.status = status);
        self.mark(status.as_str());
    }

    /// Moves a lifecycle event on.
    pub(super) fn set_event_status(&self, name: &str, status: EventStatus) {
        self.change(|deployment| {
            deployment
                .event_mut(name)
                .map(|event| event.set_status(status))
        });
        self.mark(&format!("{name} {}", status.as_str()));
    }

    /// A lifecycle event with no work of its own but a hook's.
    pub(super) async fn run_event(&self, name: &str, seconds: f64) -> Result<(), Interruption> {
        self.set_event_status(name, EventStatus::InProgress);
        self.dwell(self.clock().seconds(seconds)).await?;
        if self.read(|deployment| {
            deployment
                .group
                .options
                .failing_hooks
                .iter()
                .any(|hook| hook == name)
        }) == Some(true)
        {
            let message = format!("The hook of {name} reported failure");
            return Err(Interruption::Failed {
                code: "HOOK_EXECUTION_FAILURE",
                message,
            });
        }
        self.set_event_status(name, EventStatus::Succeeded);
        Ok(())
    }

    /// Stays in the present state for as long as the clock says.
    pub(super) async fn dwell(&self, dwell: Dwell) -> Result<(), Interruption> {
        self.dwell_unless(dwell, |_| false).await
    }

    /// Like `dwell`, but ends early when the condition holds.
    pub(super) async fn dwell_unless(
        &self,
        dwell: Dwell,
        is_over: impl Fn(&Deployment) -> bool,
    ) -> Result<(), Interruption> {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let read = |deployment: &Deployment| {
            (dwell.until_read && deployment.was_read(version)) || is_over(deployment)
        };
        self.wait_until(dwell.at_most, read).await.map(drop)
    }

    /// Waits for a condition on the deployment.
    pub(super) async fn wait_until(
        &self,
        limit: Duration,
        condition: impl Fn(&Deployment) -> bool,
    ) -> Result<WaitResult, Interruption> {
        self.wait_for_account(limit, |account| {
            account.deployment(&self.id).is_some_and(&condition)
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

    /// Waits for a condition on the account, whatever else happens.
    pub(super) async fn wait_uninterrupted(
        &self,
        limit: Duration,
        condition: impl Fn(&Account) -> bool,
    ) -> WaitResult {
        let started = Instant::now();
        while !self.cloud.read(&condition) {
            if started.elapsed() >= limit {
                return WaitResult::TimedOut;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        WaitResult::Met
    }

    /// Stays in the present state for as long as the clock says, whatever else happens.
    pub(super) async fn dwell_uninterrupted(&self, dwell: Dwell) {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let read = |account: &Account| {
            dwell.until_read
                && account
                    .deployment(&self.id)
                    .is_some_and(|deployment| deployment.was_read(version))
        };
        self.wait_uninterrupted(dwell.at_most, read).await;
    }

    fn find_interruption(&self, account: &Account) -> Option<Interruption> {
        let deployment = account.deployment(&self.id)?;
        if deployment.stop.is_some() {
            return Some(Interruption::Stopped);
        }
        let active_alarms = account.active_alarms(&deployment.alarms);
        (!active_alarms.is_empty()).then_some(Interruption::Alarms(active_alarms))
    }
}
