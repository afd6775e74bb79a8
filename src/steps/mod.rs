//! The steps of a deployment, and what they share to look at AWS (`traffic`, `serving`, `stopped`,
//! `log_lines`, `outage`). Steps act and tell; what an observation means is decided in `decide`.

pub mod ahead;
pub mod alarms;
pub mod analysis;
pub mod green_health;
pub mod history;
pub mod image;
pub mod load;
mod log_lines;
pub mod outage;
mod push_progress;
pub mod queue;
mod repository;
pub mod revision;
pub mod rollout;
pub mod scaling;
pub mod scan;
pub mod secrets;
pub mod serving;
pub mod smoke;
pub mod sources;
pub mod stale;
pub mod stopped;
pub mod tags;
pub mod task;
pub mod task_failures;
pub mod test_url;
pub mod tester;
pub mod traffic;
