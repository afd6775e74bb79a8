//! How a failure reaches the engine: a reason, the chain of causes as sentences, hints, and the
//! containers that stopped.
//!
//! Every step has an error of its own; [`Explain`] is what they share, [`Failure`] is what they all
//! become.

use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::outcome::Reason;
use crate::text::Text;

/// An error that knows its reason and what to do about it.
pub trait Explain: Error {
    /// The output `reason`.
    fn reason(&self) -> Reason;

    /// What to do: the command, the IAM action or the input to change.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// A container whose end explains a failure: why it stopped, and the last lines of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoppedContainer {
    /// The container's name.
    pub container: String,
    /// The task's id.
    pub task: String,
    /// The exit code; none when it did not start.
    pub exit_code: Option<i32>,
    /// AWS's reason why it or its task stopped.
    pub why: Text,
    /// The last lines of its log, oldest first; empty when they cannot be read.
    pub log: Vec<Text>,
}

impl StoppedContainer {
    /// How it ended, in a few words. A container with log lines did run, even if AWS has no exit
    /// code of it.
    pub fn describe_exit(&self) -> String {
        match self.exit_code {
            Some(code) => format!("exit code {code}"),
            None if self.log.is_empty() => "never ran".to_owned(),
            None => "ran, and its exit code is not known".to_owned(),
        }
    }
}

/// A failure on its way to the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The output `reason`.
    pub reason: Reason,
    /// What failed, followed by each cause.
    pub chain: Vec<Text>,
    /// What to do: a command, an IAM action or an input.
    pub hints: Vec<Text>,
    /// Containers that stopped, if they explain the failure.
    pub stopped: Vec<StoppedContainer>,
}

impl Failure {
    /// A failure that is one sentence.
    pub fn new(reason: Reason, sentence: impl Into<Text>) -> Self {
        Self {
            reason,
            chain: vec![sentence.into()],
            hints: Vec::new(),
            stopped: Vec::new(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Text>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a cause after the last one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Text>) -> Self {
        self.chain.push(cause.into());
        self
    }

    /// Adds the containers that explain it.
    #[must_use]
    pub fn with_stopped(mut self, stopped: Vec<StoppedContainer>) -> Self {
        self.stopped.extend(stopped);
        self
    }

    /// The first sentence.
    pub fn sentence(&self) -> &str {
        self.chain.first().map_or("", Text::as_str)
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        let chain = cause_chain(&error).into_iter().map(Text::from).collect();
        Self {
            reason: error.reason(),
            chain,
            hints: error.hint().into_iter().map(Text::from).collect(),
            stopped: Vec::new(),
        }
    }
}

/// The error's sentence and those of its sources.
pub fn cause_chain(error: &dyn Error) -> Vec<String> {
    let mut chain = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let sentence = cause.to_string();
        if chain.last().is_none_or(|last| !last.contains(&sentence)) {
            chain.push(sentence);
        }
        next = cause.source();
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_logged_did_run() {
        let ended = |exit_code, log: &[&str]| {
            let log = log.iter().map(|line| Text::from(*line)).collect();
            StoppedContainer {
                container: "app".into(),
                task: "t".into(),
                exit_code,
                why: "gone".into(),
                log,
            }
            .describe_exit()
        };
        assert_eq!(ended(Some(1), &[]), "exit code 1");
        assert_eq!(ended(None, &[]), "never ran");
        assert_eq!(
            ended(None, &["started"]),
            "ran, and its exit code is not known"
        );
    }
}
