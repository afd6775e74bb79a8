//! The stage: simulated AWS services over a world in which tasks really run, behind a proxy with
//! real traffic.
//!
//! - [`Stage`] starts everything, is looked at and steered, and ends everything;
//! - [`StageOptions`] say what exists, how fast it goes ([`Clock`]), what is unsure ([`Switches`])
//!   and what goes wrong ([`Fault`]);
//! - `account` is what exists, `aws` answers from it, `cycles` are what AWS does by itself,
//!   [`world`] is real.
//!
//! The product knows nothing of it: it is given an endpoint URL. [`rehearse`] does that, for `make
//! rehearse` and the measurements.

mod account;
mod aws;
mod clock;
mod cloud;
mod control;
mod cycles;
mod event_time;
mod faults;
mod github;
mod ledger;
mod limits;
mod metrics;
mod options;
pub mod rehearse;
mod request_counts;
mod serve;
mod sessions;
mod sources;
mod stage;
mod switches;
pub mod world;

pub use clock::Clock;
pub use event_time::EventTime;
pub use faults::{Fault, FaultKind};
pub use github::{GithubAccess, GithubCheck, GithubComment, GithubOptions, GithubRun};
pub use ledger::{Entry, StateChange};
pub use limits::{Limit, Limits};
pub use options::{
    AccountOptions, AlarmDetails, AlarmState, Breaker, CalendarReading, CalendarState,
    ConfigOptions, Controller, DatabaseKind, DatabaseOptions, EcrOptions, EcsStrategyOptions,
    Exposure, GroupOptions, IncompleteMetric, IncompleteStatus, LoadBalancerKind, MetricsOptions,
    ObjectiveOptions, RecoveryPointOptions, RepositoryOptions, RoleOptions, RollingOptions,
    ScalingOptions, ScanFinding, ScanKind, ScanOptions, ScanReading, ScheduleOptions, SecretValue,
    SeriesChange, SeriesOptions, ServiceOptions, SnapshotEnd, StageOptions, Strategy, Suspension,
    TaskEngine, TaskFault, TaskFaultKind, TemplateOptions, Traffic,
};
pub use request_counts::{OperationCounts, RequestCounts};
pub use sources::{
    DatadogKeys, Measurand, Measure, MeasuredSide, Reply, ReplyAnswer, SourceRequest,
    SourcesOptions,
};
pub use stage::{FleetView, ScalingView, ServiceDeploymentView, ServiceView, Stage, StageError};
pub use switches::{
    AlarmWindow, BareHook, BreakerRollback, ConcurrentUpdate, HealthChecks, HookDetails, HookScope,
    LateStop, LaterPause, OrphanGreen, PreProduction, ReadyExpiry, RemovedHooks, RollbackEnding,
    ShownDeployment, StaleHook, StopAbort, StopAnswer, SuspensionUpdate, Switches, Toggle,
    UpdateAnswer,
};
