//! The steps of a deployment. Steps act and report; what an observation means is decided in
//! `decide`, and what only reads is in `observe`.

pub mod alarms;
pub mod analysis;
mod backup;
pub mod cleanup;
pub mod green_health;
pub mod image;
pub mod load;
pub mod migration;
mod push_progress;
mod repository;
pub mod revision;
pub mod rollout;
pub mod scaling;
pub mod scan;
pub mod secrets;
pub mod smoke;
pub mod start_gates;
pub mod tags;
pub mod task;
pub mod test_url;
pub mod tester;
