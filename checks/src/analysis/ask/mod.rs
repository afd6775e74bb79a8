//! Queries the sources that are not part of the AWS SDK: Prometheus (also Amazon's, signed by the
//! caller), Datadog, any HTTP endpoint.
//!
//! One request per question, at most ten seconds and 1 MiB, no redirects. Every failure becomes a
//! message without secrets; the judge decides whether to ask again.

mod datadog;
mod http;
mod prometheus;
pub(crate) mod source_client;

pub use datadog::datadog;
pub use http::http;
pub use prometheus::prometheus;
pub use source_client::build_client;

use super::question::Answer;

/// Signs a complete request. The error's message is free of secrets.
pub type Sign<'a> = &'a (dyn Fn(&mut reqwest::Request) -> Result<(), String> + Sync);

/// The answer of a source, and what to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceAnswer {
    /// Its answer.
    pub answer: Answer,
    /// What to know about it: warnings of the source, values that were left out.
    pub notes: Vec<String>,
    /// Whether the source accepted the credentials.
    pub access: Access,
}

/// Whether a source accepted the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It did, or the question never got so far.
    Granted,
    /// It answered 401 or 403.
    Denied,
}

impl From<Result<AnswerPoints, source_client::QueryFailure>> for SourceAnswer {
    fn from(found: Result<AnswerPoints, source_client::QueryFailure>) -> Self {
        match found {
            Ok(found) => Self {
                answer: Answer::Points(found.points),
                notes: found.notes,
                access: Access::Granted,
            },
            Err(obstacle) => Self {
                answer: Answer::Failed(obstacle.message),
                notes: Vec::new(),
                access: obstacle.access,
            },
        }
    }
}

#[derive(Debug, Default)]
struct AnswerPoints {
    points: Vec<super::question::Point>,
    notes: Vec<String>,
}

impl AnswerPoints {
    /// Sorted by time, without NaN: a NaN would pass every negated comparison.
    fn normalize(mut self) -> Self {
        let all = self.points.len();
        self.points.retain(|point| !point.value.is_nan());
        let dropped = all - self.points.len();
        if dropped > 0 {
            self.notes.push(format!(
                "{dropped} of {all} values are NaN and count as no data"
            ));
        }
        self.points
            .sort_by(|left, right| left.at.total_cmp(&right.at));
        self
    }
}

#[cfg(test)]
mod tests;
