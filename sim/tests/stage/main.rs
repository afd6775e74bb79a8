//! The stage played for real: tasks of the sample application behind the proxy, asked over HTTP as
//! AWS would be.

#![expect(clippy::expect_used, reason = "what is not as expected ends a test")]

mod codedeploy;
mod control;
mod ecs;
mod ecs_ends;
mod ecs_kinds;
mod ecs_random;
mod ecs_switches;
mod faults;
mod github;
mod harness;
mod hooks;
mod metrics;
mod rolling;
mod rolling_deployments;
mod scaling;
mod scans;
mod services;
mod switches;
mod tasks;
mod throttling;
mod traffic;
