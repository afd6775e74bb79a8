//! The input `command` → the words of a command.

use crate::checks::command;
use crate::problem::Problem;

pub(super) fn split_command(text: &str) -> Result<Vec<String>, Problem> {
    command::split_words(text)
        .ok_or_else(|| Problem::new("command", "A quote is not closed", command::UNCLOSED))
}
