//! Where events become words: the live log, the journal, the step summary and the outputs. Only
//! `main` knows them.

pub mod background;
pub mod console;
pub mod dispatcher;
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
pub mod summary;
mod tester;

use crate::runner::Runner;
use crate::sinks::console::Console;
use crate::sinks::journal::Journal;
use crate::sinks::outputs::OutputFile;
use crate::sinks::sink::Sink;
use crate::sinks::summary::SummaryFile;

/// Everything that takes the events of a process, of the main step as of the post step. One that
/// needs time or the network is a line more: `Box::new(Background::start(…))`.
pub fn for_runner(runner: &Runner) -> Vec<Box<dyn Sink>> {
    vec![
        Box::new(Console::default()),
        Box::new(Journal::create(runner.workspace.runner_temp.as_deref())),
        Box::new(OutputFile::new(runner.files.output.clone())),
        Box::new(SummaryFile::new(runner.files.summary.clone())),
    ]
}
