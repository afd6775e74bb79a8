//! What all handlers and life cycles share: the account behind a lock, the world, the clock, the
//! ledger, and the jobs under way.

mod setup;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;

use crate::account::Account;
use crate::aws::Scans;
use crate::clock::{Clock, now_ms};
use crate::event_time::TrafficHistory;
use crate::faults::FaultPlan;
use crate::github::GithubOptions;
use crate::ledger::Ledger;
use crate::limits::Buckets;
use crate::metrics::PutMetrics;
use crate::options::{CalendarReading, StageOptions};
use crate::sessions::Sessions;
use crate::sources::Sources;
use crate::switches::Switches;
use crate::world::World;

pub(crate) use setup::new_account;

/// The shared whole.
#[derive(Debug)]
pub(crate) struct Cloud {
    account: Mutex<Account>,
    jobs: Mutex<JoinSet<()>>,
    denied: Mutex<Vec<String>>,
    allowed: Mutex<Vec<String>>,
    github: Mutex<GithubOptions>,
    traffic_history: Mutex<TrafficHistory>,
    calendar_reads: Mutex<BTreeMap<String, usize>>,
    pub(crate) put_metrics: PutMetrics,
    pub(crate) sources: Sources,
    pub(crate) world: World,
    pub(crate) options: StageOptions,
    pub(crate) ledger: Ledger,
    pub(crate) faults: FaultPlan,
    pub(crate) buckets: Buckets,
    pub(crate) scans: Scans,
    /// When the stage was started.
    pub(crate) began_ms: i64,
    pub(crate) sessions: Sessions,
}

impl Cloud {
    pub(crate) fn new(
        account: Account,
        world: World,
        options: StageOptions,
        ledger: Ledger,
    ) -> Self {
        Self {
            account: Mutex::new(account),
            jobs: Mutex::default(),
            denied: Mutex::new(options.denied.clone()),
            allowed: Mutex::new(options.allowed.clone()),
            github: Mutex::new(options.github.clone()),
            traffic_history: Mutex::new(TrafficHistory::new(now_ms())),
            calendar_reads: Mutex::default(),
            put_metrics: PutMetrics::default(),
            sources: Sources::new(options.sources.clone()),
            world,
            faults: FaultPlan::new(&options.faults),
            buckets: Buckets::new(&options.limits, now_ms()),
            scans: Scans::default(),
            began_ms: now_ms(),
            sessions: Sessions::default(),
            options,
            ledger,
        }
    }

    /// The account, locked: never held across an await.
    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the account.
    pub(crate) fn read<T>(&self, view: impl FnOnce(&Account) -> T) -> T {
        view(&self.account())
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.account())
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.options.clock
    }

    pub(crate) const fn switches(&self) -> &Switches {
        &self.options.switches
    }

    /// The IAM actions that are denied now.
    pub(crate) fn denied_actions(&self) -> Vec<String> {
        self.denied
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Denies these IAM actions, and no others, from now on.
    pub(crate) fn set_denied(&self, actions: Vec<String>) {
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = actions;
    }

    /// The only IAM actions that are allowed now; all when there are none.
    pub(crate) fn allowed_actions(&self) -> Vec<String> {
        self.allowed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Allows these IAM actions, and no others, from now on; all when there are none.
    pub(crate) fn set_allowed(&self, actions: Vec<String>) {
        *self.allowed.lock().unwrap_or_else(PoisonError::into_inner) = actions;
    }

    /// What GitHub knows now.
    pub(crate) fn github(&self) -> GithubOptions {
        self.github
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// GitHub knows this, and nothing else, from now on.
    pub(crate) fn change_github<T>(&self, change: impl FnOnce(&mut GithubOptions) -> T) -> T {
        change(&mut self.github.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_github(&self, github: GithubOptions) {
        *self.github.lock().unwrap_or_else(PoisonError::into_inner) = github;
    }

    /// What a calendar says this time; none for one that does not exist.
    pub(crate) fn next_calendar_reading(&self, name: &str) -> Option<CalendarReading> {
        let lines = self.options.calendars.get(name)?;
        let mut reads = self
            .calendar_reads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let read = reads.entry(name.to_owned()).or_default();
        let line = lines.get(*read).or(lines.last()).cloned();
        *read += 1;
        line
    }

    /// Runs something beside everything else, until it is done or the stage ends.
    pub(crate) fn spawn(&self, job: impl Future<Output = ()> + Send + 'static) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        while jobs.try_join_next().is_some() {}
        jobs.spawn(job);
    }

    /// Ends all jobs.
    pub(crate) fn abort_jobs(&self) {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }

    /// Points a listener at target groups, in the account and in the world.
    pub(crate) fn set_listener_weights(
        &self,
        subject: &str,
        listener: &str,
        weights: &[(String, u32)],
    ) {
        self.change(|account| self.apply_listener_weights(account, subject, listener, weights));
    }

    /// Like `set_listener_weights`, for callers that already hold the account's lock.
    pub(crate) fn apply_listener_weights(
        &self,
        account: &mut Account,
        subject: &str,
        listener: &str,
        weights: &[(String, u32)],
    ) {
        account.balancer.forward(listener, weights);
        self.world.set_weights(listener, weights);
        self.record_shift(listener, weights);
        let weights: Vec<String> = weights
            .iter()
            .map(|(name, weight)| format!("{name}={weight}"))
            .collect();
        self.ledger.mark(
            subject,
            format!("{listener} forwards to {}", weights.join(" ")),
        );
    }

    /// What the listeners forwarded to, since the stage was started.
    pub(crate) fn traffic_history(&self) -> TrafficHistory {
        self.traffic_history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn record_shift(&self, listener: &str, weights: &[(String, u32)]) {
        self.traffic_history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(listener, weights, now_ms());
    }

    /// Registers addresses in a target group, if they are not the ones it has.
    pub(crate) fn register_targets(&self, target_group: &str, targets: &[SocketAddr]) {
        let changed = self.change(|account| {
            let group = account
                .balancer
                .target_groups
                .iter_mut()
                .find(|group| group.name == target_group)?;
            (group.targets != targets).then(|| group.targets = targets.to_vec())
        });
        if changed.is_some() {
            self.world.set_targets(target_group, targets);
        }
    }
}
