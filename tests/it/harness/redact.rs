//! What differs between two runs of the same story becomes a word in brackets.

use std::path::Path;
use std::sync::LazyLock;

use ecs_bluegreen_sim::Stage;
use regex::{Captures, Regex};

/// Texts and patterns, in the order in which they are replaced.
pub(super) struct Redactor {
    texts: Vec<(String, &'static str)>,
    deployments: Vec<String>,
}

const PATTERNS: &[(&str, &str)] = &[
    (r"sha256(:|&#58;|%3A)[0-9a-f]{12,64}", "[digest]"),
    (r"\b\d+-\d-[0-9a-f]{8}\b", "[run]"),
    (r"\blocal-[0-9a-f]{8}\b", "local-[run]"),
    (r"ecs-svc/[0-9]+", "[ecs deployment]"),
    (r"\bp1(-[0-9a-f]{32}){5}\b", "[plan]"),
    (r"\b[0-9a-f]{32}\b", "[task]"),
    (
        r"\b\d{4}-\d\d-\d\dT\d\d(:|&#58;)\d\d(:|&#58;)\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
        "[time]",
    ),
    (r"\b[0-9a-f]{21}\b", "[service deployment]"),
    (
        r"service-revision/([a-z0-9/-]+)/\d+",
        "service-revision/$1/[id]",
    ),
    (r"targetgroup/([a-z0-9-]+)/[0-9a-f]+", "targetgroup/$1/[id]"),
    (r"\(\d+(\.\d)? (ms|s)(, attempt \d+)?\)", "([time])"),
    (r"\((\d+ m )?\d+ s\)", "([time])"),
    (r"after (\d+ m )?\d+(\.\d)? (ms|s)", "after [time]"),
    (r"\d+ attempts?", "[n] attempts"),
    (
        r"\d+ of its tasks have failed",
        "[n] of its tasks have failed",
    ),
    (r"after \d+ tasks could not", "after [n] tasks could not"),
    (r"\d+\.\d MiB", "[size]"),
    (r"\b\d+ bytes\b", "[size]"),
    (r"duration-seconds=\d+", "duration-seconds=[n]"),
    (
        r"\| (\d+ m )?\d+(\.\d)? (ms|s) \| \d+ \|",
        "| [time] | [n] |",
    ),
    (r"\| (\d+ m )?\d+(\.\d)? (ms|s) \|", "| [time] |"),
    (
        r"(\d+ m )?\d+(\.\d)? (ms|s) in all, \d+ reads",
        "[time] in all, [n] reads",
    ),
    (r"(\d+ m )?\d+(\.\d)? (ms|s) in all", "[time] in all"),
    (r"127\.0\.0\.1:\d+", "[address]"),
];

/// The id of a deployment of CodeDeploy.
static DEPLOYMENT: LazyLock<Regex> = LazyLock::new(|| compile(r"\bd-[A-Z0-9]{9}\b"));
static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    PATTERNS
        .iter()
        .map(|(pattern, word)| (compile(pattern), *word))
        .collect()
});

/// Digits of ASCII only: those of all of Unicode take a debug build long.
fn compile(pattern: &str) -> Regex {
    Regex::new(&format!("(?-u){pattern}")).expect("a pattern")
}

impl Redactor {
    /// What is this stage's and this job's own.
    pub(super) fn for_stage(stage: &Stage, workspace: &Path) -> Self {
        let listener = |name| {
            stage
                .listener(name)
                .map_or_else(|| "no listener".to_owned(), |address| address.to_string())
        };
        let port = stage.listener("prod").map_or_else(
            || "no port".to_owned(),
            |address| address.port().to_string(),
        );
        let texts = vec![
            (workspace.display().to_string(), "[workspace]"),
            (
                workspace.with_file_name("temp").display().to_string(),
                "[temp]",
            ),
            (stage.registry_host(), "[registry]"),
            (listener("prod"), "[production]"),
            (listener("test"), "[test]"),
            (port, "[port]"),
        ];
        Self {
            texts,
            deployments: stage.deployments(),
        }
    }

    /// The text without what differs.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (own, word) in &self.texts {
            text = text
                .replace(own, word)
                .replace(&own.replace(':', "&#58;"), word);
        }
        text = DEPLOYMENT
            .replace_all(&text, |found: &Captures<'_>| self.deployment(&found[0]))
            .into_owned();
        for (pattern, word) in COMPILED.iter() {
            text = pattern.replace_all(&text, *word).into_owned();
        }
        text
    }

    /// `[deployment 1]`, in the order in which AWS made them.
    fn deployment(&self, id: &str) -> String {
        let number = self
            .deployments
            .iter()
            .position(|own| own == id)
            .map_or("unknown".to_owned(), |at| (at + 1).to_string());
        format!("[deployment {number}]")
    }
}
