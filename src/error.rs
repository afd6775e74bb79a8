//! How a failure reaches the engine: a reason, the chain of causes as sentences, what to do, and
//! what was seen.
//!
//! Every step has an error of its own; [`Explain`] is what they share, [`Failure`] is what they all
//! become.

use std::error::Error;

use serde::{Deserialize, Serialize};

use crate::outcome::Reason;
use crate::text::Text;

/// An error that knows its reason and what to do about it.
pub trait Explain: Error {
    /// The reason in the outputs.
    fn reason(&self) -> Reason;

    /// What to do: the command, the IAM action or the input to change.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// The end of a container that matters: why it stopped and what it said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoppedContainer {
    /// The container's name.
    pub container: String,
    /// The task it belonged to, by id.
    pub task: String,
    /// Its exit code, when it came to run.
    pub exit_code: Option<i32>,
    /// Why it or its task stopped, in AWS's words.
    pub why: Text,
    /// The last lines of its log, oldest first; empty when they cannot be had.
    pub log: Vec<Text>,
}

impl StoppedContainer {
    /// How it ended, in a few words. One that has logged did run, whatever AWS knows of its exit.
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
    /// The reason in the outputs.
    pub reason: Reason,
    /// What failed, then each cause.
    pub chain: Vec<Text>,
    /// What to do.
    pub hints: Vec<Text>,
    /// Containers that stopped, where that explains the failure.
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

    /// The same, with something to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Text>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same, with a cause below the last one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Text>) -> Self {
        self.chain.push(cause.into());
        self
    }

    /// The same, with the containers that explain it.
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
