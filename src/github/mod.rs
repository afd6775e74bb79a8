//! What the GitHub runner understands: workflow commands on standard output, and its command files.

pub mod commands;
pub mod files;
