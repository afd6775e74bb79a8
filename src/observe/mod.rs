//! What only looks at AWS and never changes anything: which side production's traffic goes to, what
//! tasks stopped and what they logged, what was measured.

pub mod log_lines;
pub mod metric_sources;
pub mod outage;
pub mod serving;
pub mod stopped_tasks;
pub mod traffic;
