//! Renders events as text: the live log, the journal, the step summary and the outputs. Only `main`
//! uses them.

pub mod background;
mod cleanup;
pub mod comment;
pub mod console;
pub mod dispatcher;
mod drift;
pub mod journal;
mod load;
pub mod markdown;
mod measurements;
pub mod outputs;
pub mod plan;
pub mod recorder;
pub mod replay;
pub mod scan;
pub mod sink;
mod start_gates;
pub mod summary;
mod tester;
mod verification;

use crate::runner::Runner;
use crate::sinks::background::Background;
use crate::sinks::comment::{CommentTarget, PlanComment};
use crate::sinks::console::Console;
use crate::sinks::journal::Journal;
use crate::sinks::outputs::OutputFile;
use crate::sinks::sink::Sink;
use crate::sinks::summary::SummaryFile;

/// All sinks of a process, for the main step and the post step. A remote sink is one more line:
/// `Box::new(Background::start(…))`. `comment` is where a plan is commented, if anywhere.
pub fn for_runner(runner: &Runner, comment: Option<CommentTarget>) -> Vec<Box<dyn Sink>> {
    let mut sinks: Vec<Box<dyn Sink>> = vec![
        Box::new(Console::new(runner.log_style)),
        Box::new(Journal::create(runner.workspace.runner_temp.as_deref())),
        Box::new(OutputFile::new(runner.files.output.clone())),
        Box::new(SummaryFile::new(runner.files.summary.clone())),
    ];
    if let Some(target) = comment {
        sinks.push(Box::new(Background::start(PlanComment::new(target))));
    }
    sinks
}
