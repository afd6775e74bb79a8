//! The result of one smoke test, as it goes to the journal: facts, free of secrets, safe to print
//! on one line each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::scrub::{Scrubber, mask, mask_tokens, to_one_line};
use crate::text::Text;

/// Longer texts are cut: enough to recognise an error page, too little to fill a log.
const MAX_TEXT: usize = 300;

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// When it ran.
    pub moment: Moment,
    /// Its request, for example `GET /health`.
    pub request: Text,
    /// What it came to.
    pub verdict: TestVerdict,
    /// How often it was sent.
    pub attempts: u32,
    /// How long the last attempt took.
    pub last_milliseconds: u64,
    /// From the first attempt's start to the last one's end.
    pub total_milliseconds: u64,
    /// What the last attempt got that was not expected.
    pub failures: Vec<Mismatch>,
    /// The beginning of the last answer's body, when the test did not pass and there was one.
    pub excerpt: Option<Text>,
}

/// What a test came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestVerdict {
    /// Every expectation was met.
    Passed,
    /// Not met within its retry budget.
    Failed,
    /// Called off because another test had failed; its failures, if any, are those of its last
    /// attempt.
    Skipped,
    /// The run ended before the test did; its failures are those of its last attempt.
    Unfinished,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What was looked at: `status`, `$.version`, `header content-type`, `cookie session`.
    pub what: Text,
    /// What was expected of it.
    pub expected: Text,
    /// What was there.
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

    /// Whether no connection came about, which says nothing about the version behind it.
    pub fn is_connection_failure(&self) -> bool {
        self.what == "connection"
            && (self.expected.starts_with("to stand ")
                || self.found.starts_with("client error (Connect)"))
    }

    /// What stands in it from outside was masked when it was found.
    pub(super) fn to_presentable(&self) -> Self {
        Self::new(
            mask_line(&self.what),
            mask_line(&self.expected),
            mask_line(&self.found),
        )
    }
}

/// What the last attempt of a test came to; not yet fit to be read by people.
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

/// Much more than is shown, so that a secret is not cut before it is masked, and much less than a
/// body may have.
fn body_start(body: &str) -> &str {
    const MUCH: usize = 16 * 1024;
    body.char_indices()
        .nth(MUCH)
        .map_or(body, |(end, _)| &body[..end])
}

fn to_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A sentence of ours on one line.
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
