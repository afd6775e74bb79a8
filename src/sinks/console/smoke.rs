//! Smoke tests in the log: a line for each, and what was not as expected.

use crate::checks::smoke::{TestResult, TestVerdict};
use crate::sinks::console::quiet;
use crate::sinks::outputs::human;

/// The result of one test.
pub(super) fn lines(result: &TestResult, on: &str) -> Vec<String> {
    let (name, request) = (&result.name, &result.request);
    let took = human(result.last_milliseconds);
    let attempts = if result.attempts > 1 {
        format!(", attempt {}", result.attempts)
    } else {
        String::new()
    };
    match result.verdict {
        TestVerdict::Passed => vec![quiet(&format!(
            "✓ {name} {on}: {request} ({took}{attempts})"
        ))],
        TestVerdict::Skipped => mismatches(
            format!("– {name} {on}: {request}, called off: another test failed first"),
            result,
        ),
        TestVerdict::Unfinished => {
            let tries = if result.attempts == 1 {
                "1 attempt".to_owned()
            } else {
                format!("{} attempts", result.attempts)
            };
            mismatches(
                format!(
                    "– {name} {on}: {request}, had not passed after {tries} when the run ended"
                ),
                result,
            )
        }
        TestVerdict::Failed => mismatches(
            format!("✗ {name} {on}: {request} ({took}{attempts})"),
            result,
        ),
    }
}

fn mismatches(head: String, result: &TestResult) -> Vec<String> {
    let failures = result.failures.iter().map(|failure| {
        format!(
            "    {}: expected {}, found {}",
            failure.what, failure.expected, failure.found
        )
    });
    std::iter::once(head)
        .chain(failures)
        .map(|line| quiet(&line))
        .collect()
}
