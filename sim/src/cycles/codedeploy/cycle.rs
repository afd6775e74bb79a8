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
const LOOK: Duration = Duration::from_millis(10);

/// Whether what was waited for came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    InTime,
    Never,
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

    /// Looks at the deployment.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Deployment) -> T) -> Option<T> {
        self.cloud
            .look(|account| account.deployment(&self.id).map(look))
    }

    /// Changes the deployment in a way that a reader could notice.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Deployment) -> T) -> Option<T> {
        self.cloud.change(|account| {
            let deployment = account.deployment_mut(&self.id)?;
            let result = change(deployment);
            deployment.changed();
            Some(result)
        })
    }

    /// Moves the status on.
    pub(super) fn turn(&self, status: Status) {
        self.change(|deployment| deployment.status = status);
        self.mark(status.as_str());
    }

    /// Moves a lifecycle event on.
    pub(super) fn turn_event(&self, name: &str, status: EventStatus) {
        self.change(|deployment| deployment.event_mut(name).map(|event| event.turn(status)));
        self.mark(&format!("{name} {}", status.as_str()));
    }

    /// A lifecycle event with no work of its own but a hook's.
    pub(super) async fn event(&self, name: &str, seconds: f64) -> Result<(), Interruption> {
        self.turn_event(name, EventStatus::InProgress);
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
        self.turn_event(name, EventStatus::Succeeded);
        Ok(())
    }

    /// Stays in the present state for as long as the clock says.
    pub(super) async fn dwell(&self, dwell: Dwell) -> Result<(), Interruption> {
        self.dwell_unless(dwell, |_| false).await
    }

    /// The same, and leaves it earlier when a condition is met.
    pub(super) async fn dwell_unless(
        &self,
        dwell: Dwell,
        over: impl Fn(&Deployment) -> bool,
    ) -> Result<(), Interruption> {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let read = |deployment: &Deployment| {
            (dwell.until_read && deployment.was_read(version)) || over(deployment)
        };
        self.until(dwell.at_most, read).await.map(drop)
    }

    /// Waits for a condition on the deployment.
    pub(super) async fn until(
        &self,
        limit: Duration,
        met: impl Fn(&Deployment) -> bool,
    ) -> Result<Met, Interruption> {
        self.until_account(limit, |account| {
            account.deployment(&self.id).is_some_and(&met)
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

    /// Waits for a condition on the account, whatever else happens.
    pub(super) async fn settle(&self, limit: Duration, met: impl Fn(&Account) -> bool) -> Met {
        let began = Instant::now();
        while !self.cloud.look(&met) {
            if began.elapsed() >= limit {
                return Met::Never;
            }
            tokio::time::sleep(LOOK).await;
        }
        Met::InTime
    }

    /// Stays in the present state for as long as the clock says, whatever else happens.
    pub(super) async fn rest(&self, dwell: Dwell) {
        let version = self.read(|deployment| deployment.version).unwrap_or(0);
        let read = |account: &Account| {
            dwell.until_read
                && account
                    .deployment(&self.id)
                    .is_some_and(|deployment| deployment.was_read(version))
        };
        self.settle(dwell.at_most, read).await;
    }

    fn interruption(&self, account: &Account) -> Option<Interruption> {
        let deployment = account.deployment(&self.id)?;
        if deployment.stop.is_some() {
            return Some(Interruption::Stopped);
        }
        let ringing = account.ringing(&deployment.alarms);
        (!ringing.is_empty()).then_some(Interruption::Alarms(ringing))
    }
}
