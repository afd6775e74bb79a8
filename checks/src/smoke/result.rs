//! The result of one smoke test, as it goes to the journal: texts are free of secrets, and on one
//! line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::scrub::{Scrubber, mask, mask_tokens, to_one_line};
use crate::text::Text;

/// Longer texts are cut: enough to recognise an error page, too little to fill a log.
const MAX_TEXT: usize = 300;

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// The moment of the rollout at which it ran.
    pub moment: Moment,
    /// Its request, for example `GET /health`.
    pub request: Text,
    /// Passed, failed, skipped or unfinished.
    pub verdict: TestVerdict,
    /// How often it was sent.
    pub attempts: u32,
    /// How long the last attempt took.
    pub last_milliseconds: u64,
    /// From the first attempt's start to the last one's end.
    pub total_milliseconds: u64,
    /// The mismatches of the last attempt.
    pub failures: Vec<Mismatch>,
    /// The beginning of the last answer's body, when the test did not pass and there was one.
    pub excerpt: Option<Text>,
}

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestVerdict {
    /// Every expectation was met.
    Passed,
    /// Not met within its retry budget.
    Failed,
    /// Cancelled because another test had failed; its failures, if any, are those of its last
    /// attempt.
    Skipped,
    /// The run ended before the test did; its failures are those of its last attempt.
    Unfinished,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// The part of the answer: `status`, `$.version`, `header content-type`, `cookie session`.
    pub what: Text,
    /// The expected value.
    pub expected: Text,
    /// The value that was found.
    pub found: Text,
}

impl Mismatch {
    pub(super) fn new(
        what: impl Into<Text>,
        expected: impl Into<Text>,
        found: impl Into<Text>,
    ) -> Self {
        Self {
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Whether the connection failed, which says nothing about the version behind it.
    pub fn is_connection_failure(&self) -> bool {
        self.what == "connection"
            && (self.expected.starts_with("established ")
                || self.found.starts_with("client error (Connect)"))
    }

    /// Texts from outside were masked when they were found.
    pub(super) fn to_presentable(&self) -> Self {
        Self::new(
            mask_line(&self.what),
            mask_line(&self.expected),
            mask_line(&self.found),
        )
    }
}

/// The outcome of a test's last attempt; not yet masked for people.
#[derive(Debug, Clone, Default)]
pub(super) struct AttemptOutcome {
    pub(super) count: u32,
    pub(super) last: Duration,
    pub(super) total: Duration,
    pub(super) failures: Vec<Mismatch>,
    pub(super) body: Option<String>,
}

impl AttemptOutcome {
    /// Nothing could be sent at all.
    pub(super) fn from_obstacle(obstacle: &Mismatch) -> Self {
        Self {
            failures: vec![obstacle.clone()],
            ..Self::default()
        }
    }
}

impl TestResult {
    pub(super) fn new(
        name: &str,
        moment: Moment,
        request: &str,
        verdict: TestVerdict,
        attempted: &AttemptOutcome,
    ) -> Self {
        Self {
            name: name.to_owned(),
            moment,
            request: mask_line(request).into(),
            verdict,
            attempts: attempted.count,
            last_milliseconds: to_milliseconds(attempted.last),
            total_milliseconds: to_milliseconds(attempted.total),
            failures: attempted
                .failures
                .iter()
                .map(Mismatch::to_presentable)
                .collect(),
            excerpt: attempted
                .body
                .as_ref()
                .filter(|body| !body.is_empty())
                .map(|body| to_one_line(&mask(body_start(body)), MAX_TEXT).into()),
        }
    }
}

/// The beginning of a body: much more than is shown, so that a secret is not cut before it is
/// masked.
fn body_start(body: &str) -> &str {
    const MUCH: usize = 16 * 1024;
    body.char_indices()
        .nth(MUCH)
        .map_or(body, |(end, _)| &body[..end])
}

fn to_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Our own sentence, on one line.
pub(crate) fn mask_line(text: &str) -> String {
    to_one_line(&mask_tokens(text), MAX_TEXT)
}

/// A text from outside. Scrubbed first, cut afterwards: half a secret is not recognised.
pub(crate) fn scrub_line(text: &str, scrubber: &Scrubber) -> String {
    to_one_line(&scrubber.scrub(text), MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn texts_are_scrubbed_before_they_are_cut_and_stay_on_one_line() {
        let secret = Secret::new("s".repeat(20));
        let scrubber = Scrubber::new([&secret]);
        let text = format!(
            "{}{}\n::error::\u{1b}[31m\u{202e}",
            "a".repeat(290),
            secret.expose()
        );
        let shown = scrub_line(&text, &scrubber);
        assert_eq!(shown.chars().count(), MAX_TEXT);
        assert!(
            shown.contains("a*** ::er") && !shown.contains('s') && shown.ends_with('…'),
            "{shown}"
        );
        assert_eq!(
            scrub_line("a\r\n\u{1b}[31m\u{202e}b", &scrubber),
            "a  \u{fffd}[31m\u{fffd}b"
        );
    }
}
