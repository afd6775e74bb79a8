//! Smoke tests in the log: a line for each, and what differed from the expectation.

use crate::checks::smoke::{TestResult, TestVerdict};
use crate::sinks::console::sanitize_line;
use crate::sinks::outputs::human_duration;

pub(super) fn lines(result: &TestResult, target: &str) -> Vec<String> {
    let (name, request) = (&result.name, &result.request);
    let took = human_duration(result.last_milliseconds);
    let attempts = if result.attempts > 1 {
        format!(", attempt {}", result.attempts)
    } else {
        String::new()
    };
    match result.verdict {
        TestVerdict::Passed => vec![sanitize_line(&format!(
            "✓ {name} {target}: {request} ({took}{attempts})"
        ))],
        TestVerdict::Skipped => mismatch_lines(
            format!("– {name} {target}: {request}, cancelled because another test failed first"),
            result,
        ),
        TestVerdict::Unfinished => {
            let tries = if result.attempts == 1 {
                "1 attempt".to_owned()
            } else {
                format!("{} attempts", result.attempts)
            };
            mismatch_lines(
                format!(
                    "– {name} {target}: {request}, had not passed after {tries} when the run ended"
                ),
                result,
            )
        }
        TestVerdict::Failed => mismatch_lines(
            format!("✗ {name} {target}: {request} ({took}{attempts})"),
            result,
        ),
    }
}

fn mismatch_lines(head: String, result: &TestResult) -> Vec<String> {
    let failures = result.failures.iter().map(|failure| {
        format!(
            "    {}: expected {}, found {}",
            failure.what, failure.expected, failure.found
        )
    });
    std::iter::once(head)
        .chain(failures)
        .map(|line| sanitize_line(&line))
        .collect()
}
