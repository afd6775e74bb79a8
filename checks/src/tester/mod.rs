//! Testers: the tools that people already have (hurl, k6, Playwright, newman, pytest), each in a
//! container.
//!
//! | file | does |
//! |---|---|
//! | `form` | what a tester is once its document was read, and the environment that it is given |
//! | `result` | the result: exit code, cases, the end of its log |
//! | `lines`, `transcript` | a container's log as lines; how many of them are printed and kept |
//! | `junit`, `reports` | the cases of a JUnit report; which files of the workspace are reports of this run |
//! | `engine/` | the Docker engine of the runner: images, a container's life, where the workspace is |
//!
//! The exit code is the result. The caller removes the containers that it creates, and decides what
//! a failure leads to.

pub mod engine;
mod form;
mod junit;
mod lines;
mod reports;
mod result;
mod transcript;

pub use form::{RunnerPlace, TaskPlace, Tester, TesterPlace};
pub use junit::Cases;
pub use reports::{ExistingReports, ReportPath};
pub use result::{Case, CaseCounts, CaseVerdict, TesterResult, TesterVerdict};
pub use transcript::{Transcript, strip_colors};

pub(crate) use form::{RESERVED, WHOLE_WORKSPACE};
pub(crate) use reports::is_inside;
