//! What only reads AWS and never changes anything: which side production traffic goes to, which
//! tasks stopped and what they logged, what was measured, which runs of the workflow come first.

pub mod followed_log;
pub mod log_lines;
pub mod metric_sources;
pub mod outage;
pub mod own_deployments;
pub mod revision_version;
pub mod serving;
pub mod stop_reasons;
pub mod stopped_tasks;
pub mod task_failures;
pub mod traffic;
pub mod uses;
pub mod workflow_runs;
