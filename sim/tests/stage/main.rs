//! The stage played for real: tasks of the sample application behind the proxy, asked over HTTP as
//! AWS would be.

#![expect(clippy::expect_used, reason = "what is not as expected ends a test")]

mod cbor;
mod codedeploy;
mod control;
mod faults;
mod github;
mod harness;
mod hooks;
mod metrics;
mod native;
mod native_ends;
mod native_kinds;
mod native_random;
mod native_switches;
mod rolling;
mod rolling_deployments;
mod scaling;
mod scans;
mod services;
mod switches;
mod tasks;
mod throttling;
mod traffic;
