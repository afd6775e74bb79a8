//! The stage: simulated AWS services over a world in which tasks really run, behind a proxy with real traffic.
//!
//! - [`Stage`] starts everything, is looked at and steered, and ends everything;
//! - [`StageOptions`] say what exists, how fast it goes ([`Clock`]), what is unsure ([`Switches`]) and what goes wrong ([`Fault`]);
//! - `account` is what exists, `aws` answers from it, `cycles` are what AWS does by itself, [`world`] is real.
//!
//! The product knows nothing of it: it is given an endpoint URL. [`rehearse`] does that, for `make rehearse` and the measurements.

mod account;
mod aws;
mod clock;
mod cloud;
mod control;
mod cycles;
mod faults;
mod ledger;
mod options;
pub mod rehearse;
mod serve;
mod stage;
mod switches;
pub mod world;

pub use clock::Clock;
pub use faults::{Fault, FaultKind};
pub use ledger::{Entry, Moment};
pub use options::{
    AlarmState, Breaker, ConfigOptions, Controller, Exposure, GroupOptions, Kind, NativeOptions, RollingOptions, ServiceOptions,
    StageOptions, Strategy, TaskEngine, Traffic,
};
pub use stage::{FleetView, ServiceDeploymentView, ServiceView, Stage, StageError};
pub use switches::{
    AlarmWindow, BreakerRollback, ConcurrentUpdate, HookScope, LateStop, LaterPause, OrphanGreen, PreProduction, ReadyExpiry, RemovedHooks,
    RollbackEnding, ShownDeployment, StaleHook, StopAbort, StopAnswer, Switches, Toggle,
};
