//! A problem with the user's input: where, what is wrong, and how to fix it.
//!
//! Problems are collected, never thrown one by one: a run reports all of them at once, before
//! anything is touched.

use std::fmt;

/// The place of a problem in a file or an inline document; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file as the user wrote it, or `inline` for a document in the input itself.
    pub origin: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.origin, self.line, self.column)
    }
}

/// A problem with an input, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The input's name as the user writes it in the workflow, for example `smoke-tests`.
    pub input: String,
    /// Where in the input's document, when it has one.
    pub position: Option<Position>,
    /// What is wrong: one sentence without a final full stop.
    pub message: String,
    /// What to do: one sentence without a final full stop.
    pub remedy: String,
}

impl Problem {
    /// A problem of an input as a whole.
    pub fn new(
        input: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            input: input.into(),
            position: None,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The same problem, at a place in the input's document.
    #[must_use]
    pub fn at_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.input)?;
        if let Some(position) = &self.position {
            write!(out, "{position}: ")?;
        }
        out.write_str(&self.message)
    }
}
