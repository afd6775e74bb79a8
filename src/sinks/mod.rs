//! Where events become words: the live log, the journal, the step summary and the outputs. Only
//! `main` knows them.

pub mod console;
pub mod journal;
mod load;
pub mod markdown;
mod measurements;
pub mod outputs;
pub mod recorder;
pub mod replay;
pub mod scan;
pub mod summary;
mod tester;
