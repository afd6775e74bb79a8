//! PURE: the URLs of the tests are reached from this runner, over TLS that is valid.

use url::Url;

use super::{LineResult, Subject};

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let checks = &subject.settings.checks;
    let urls = [
        ("test-url", &checks.test_url),
        ("production-url", &checks.production_url),
    ];
    let given: Vec<(&str, &Url)> = urls
        .into_iter()
        .filter_map(|(input, url)| Some((input, url.as_ref()?)))
        .collect();
    if given.is_empty() || checks.suite.is_none() {
        return vec![LineResult::skipped("no test asks any")];
    }
    let seen = &subject.snapshot.urls;
    let findings: Vec<LineResult> = given
        .iter()
        .filter_map(|(input, _)| seen.unreachable.iter().find(|found| found.input == *input))
        .map(|found| {
            LineResult::warned(
                format!(
                    "{}: {} cannot be reached from this runner: {}",
                    found.input, found.url, found.why
                ),
                "the tests there fail unless that changes once green is up",
            )
        })
        .collect();
    if !findings.is_empty() {
        // What is refused is told as a problem of its input.
        let (refused, _) = crate::plan::test_url::unreachable_urls(subject.snapshot);
        return if refused.is_empty() {
            findings
        } else {
            Vec::new()
        };
    }
    let answers: Vec<String> = given
        .iter()
        .map(|(input, url)| describe(input, url, seen.addresses.get(*input)))
        .collect();
    vec![LineResult::Ok(answers.join("; "))]
}

fn describe(input: &str, url: &Url, addresses: Option<&Vec<String>>) -> String {
    let at = addresses
        .filter(|found| !found.is_empty())
        .map(|found| format!(" ({})", found.join(", ")))
        .unwrap_or_default();
    let how = if url.scheme() == "https" {
        "answers over TLS"
    } else {
        "answers"
    };
    format!("{input} {how}{at}")
}
