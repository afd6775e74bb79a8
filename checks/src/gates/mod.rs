//! Start gates: what must hold before a deployment writes anything. Windows of time, incidents of
//! other services, budgets, backups: each is open or closed, with the reason and what opens it.
//!
//! | file | does |
//! |---|---|
//! | `form`, `parse` | the input → [`StartGates`], or every problem it has |
//! | `windows`, `zone` | whether a window is open at an instant, and when that changes next; pure |
//! | `finding` | what one look at a gate showed |
//! | `ask` | PagerDuty, Statuspage and other HTTP services |
//!
//! What AWS and GitHub know is asked by the action. The format is documented for users in
//! `docs/gates.md`.

pub mod ask;
mod finding;
mod form;
mod parse;
mod windows;
mod zone;

pub use crate::template::Values;
pub use finding::GateFinding;
pub use form::{
    Backup, BackupSource, CommitChecks, ErrorBudget, GateKind, IncidentSource, StartGates,
    TestedDeployment,
};
pub use parse::parse;
#[cfg(test)]
pub use parse::schema;
pub use windows::{WindowState, Windows};
