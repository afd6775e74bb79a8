//! The checks of a service before and after users reach it: smoke tests, testers, load probes and
//! analysis, plus the document readers that they share.
//!
//! | file | does |
//! |---|---|
//! | `document` | YAML and JSON as a tree; every node has its line and column |
//! | `form`, `reader` | the description of a form: its keys, its reader and its schema in one; reading a tree as values |
//! | `problem` | what is wrong with an input, where, and what to do |
//! | `smoke/` | smoke tests: the form, the requests, their order, the evaluation |
//! | `tester/` | the tools that people already have, in containers: how one is run, its log and its JUnit report |
//! | `load/` | load probes: many requests, and how long their answers took |
//! | `moment` | when a check runs: green, step, production, bake |
//! | `analysis/` | what is measured while traffic shifts, and how it is evaluated |
//! | `gates/` | what must hold before a deployment writes anything: windows, incidents, budgets |
//! | `statistics/` | whether two sides differ by more than chance |
//! | `measurement` | the common form in which measurements are reported |
//! | `template`, `scope` | texts with `${…}` in them; which names are in scope where |
//! | `files` | files that inputs and documents name: regular, inside the job's folders, of bounded size |
//! | `duration`, `command`, `nearest` | `90s`; the words of a command; the word that was probably meant |
//! | `destination` | hosts and addresses to which no request of a document may go |
//! | `environment` | which variables of the environment a document may use |
//!
//! A check only reports what it observed. Whether the rollout continues, waits or rolls back is
//! decided in the action (`src/`). Nothing here knows AWS, reads the environment, or prints.
//!
//! Before the first request a rustls crypto provider is installed for the process, unless there is
//! one.

pub mod analysis;
mod cause;
pub mod command;
mod destination;
pub mod document;
pub mod duration;
pub mod environment;
pub mod files;
pub mod form;
pub mod gates;
#[cfg(test)]
mod generated;
pub mod load;
pub mod measurement;
pub mod moment;
pub mod nearest;
pub mod problem;
pub mod reader;
mod scope;
pub mod smoke;
pub mod statistics;
mod template;
#[cfg(test)]
mod test_server;
pub mod tester;
mod web_address;

pub use destination::describe_forbidden as forbidden;
use ecs_bluegreen_registry::{scrub, secret, text};
