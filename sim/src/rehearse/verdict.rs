//! Whether a scenario ended as it must. Pure.

use super::job::StepResult;
use super::scenario::Scenario;
use crate::world::load::Stats;

/// A scenario and its result.
#[derive(Debug, Clone)]
pub struct PlayedScenario {
    /// The scenario.
    pub scenario: Scenario,
    /// What the step left.
    pub ended: StepResult,
    /// The exit code of the post step.
    pub post: i32,
    /// How long the step took.
    pub seconds: f64,
    /// What users saw meanwhile.
    pub stats: Stats,
    /// The log, as it was shown.
    pub log: String,
}

impl PlayedScenario {
    /// An output of the step; empty when there is none.
    pub fn output(&self, name: &str) -> &str {
        self.ended
            .outputs
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The versions that users saw, in the order of their first answers.
    pub fn versions_seen(&self) -> Vec<(&str, u64)> {
        let mut versions: Vec<_> = self.stats.versions.iter().collect();
        versions.sort_by_key(|(_, seen)| seen.first_seen);
        versions
            .into_iter()
            .map(|(version, seen)| (version.as_str(), seen.requests))
            .collect()
    }

    /// The version that answered last. Both sides answer within milliseconds while traffic is
    /// split; in the end only one does.
    pub fn serving_version(&self) -> &str {
        self.stats
            .versions
            .iter()
            .max_by_key(|(_, seen)| seen.last_seen)
            .map(|(version, _)| version.as_str())
            .unwrap_or_default()
    }

    /// Everything that is not as it must be.
    pub fn collect_problems(&self, secret: &str) -> Vec<String> {
        let expected = &self.scenario.expected;
        let mut versions: Vec<&str> = self
            .versions_seen()
            .into_iter()
            .map(|(version, _)| version)
            .collect();
        versions.sort_unstable();
        let facts = [
            describe_difference("the outcome", expected.outcome, self.output("outcome")),
            describe_difference("the reason", expected.reason, self.output("reason")),
            describe_difference(
                "the exit code",
                &expected.exit.to_string(),
                &self.ended.exit.to_string(),
            ),
            describe_difference("the post step's exit code", "0", &self.post.to_string()),
            describe_difference(
                "the versions users saw",
                &expected.seen.join(", "),
                &versions.join(", "),
            ),
            describe_difference(
                "the version that serves in the end",
                expected.serves,
                self.serving_version(),
            ),
            (self.stats.requests == 0).then(|| "no user was there".to_owned()),
            describe_failures(&self.stats),
            self.ended
                .summary
                .is_empty()
                .then(|| "there is no step summary".to_owned()),
            (self.log.contains(secret) || self.ended.summary.contains(secret))
                .then(|| "a secret was shown".to_owned()),
        ];
        facts
            .into_iter()
            .flatten()
            .map(|fact| format!("{}: {fact}", self.scenario.name))
            .collect()
    }
}

fn describe_difference(what: &str, expected: &str, found: &str) -> Option<String> {
    (expected != found).then(|| format!("{what} is {found:?}, expected {expected:?}"))
}

fn describe_failures(stats: &Stats) -> Option<String> {
    let kinds: Vec<String> = stats
        .failures_by_kind
        .iter()
        .map(|(kind, count)| format!("{count} × {kind}"))
        .collect();
    (stats.failures > 0).then(|| {
        format!(
            "{} of {} user requests failed: {}",
            stats.failures,
            stats.requests,
            kinds.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rehearse::scenario::GATED;
    use crate::world::load::VersionSeen;

    fn played_scenario() -> PlayedScenario {
        let outputs = [("outcome", "deployed"), ("reason", "as-planned")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let ended = StepResult {
            summary: "## deployed".into(),
            outputs: outputs.into(),
            ..StepResult::default()
        };
        let versions =
            [("1.0.0", 1, 5), ("1.1.0", 4, 9)].map(|(version, first_seen, last_seen)| {
                (
                    version.to_owned(),
                    VersionSeen {
                        requests: 7,
                        first_seen,
                        last_seen,
                    },
                )
            });
        let stats = Stats {
            requests: 14,
            versions: versions.into(),
            ..Stats::default()
        };
        PlayedScenario {
            scenario: GATED[0],
            ended,
            post: 0,
            seconds: 1.0,
            stats,
            log: String::new(),
        }
    }

    #[test]
    fn what_went_as_expected_leaves_nothing_to_complain_about() {
        assert_eq!(
            played_scenario().collect_problems("hush"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_failed_request_another_outcome_and_a_shown_secret_are_named() {
        let mut played = played_scenario();
        played.stats.failures = 2;
        played.stats.failures_by_kind = BTreeMap::from([("status 503".to_owned(), 2)]);
        played
            .ended
            .outputs
            .insert("outcome".into(), "stuck".into());
        played.log = "hush".into();
        let expected = [
            "good: the outcome is \"stuck\", expected \"deployed\"",
            "good: 2 of 14 user requests failed: 2 × status 503",
            "good: a secret was shown",
        ];
        assert_eq!(played.collect_problems("hush"), expected);
    }

    #[test]
    fn a_version_that_users_must_not_see_is_named() {
        let mut played = played_scenario();
        played.stats.versions.insert(
            "1.2.0".into(),
            VersionSeen {
                requests: 1,
                first_seen: 2,
                last_seen: 2,
            },
        );
        assert_eq!(
            played.collect_problems("hush"),
            ["good: the versions users saw is \"1.0.0, 1.1.0, 1.2.0\", expected \"1.0.0, 1.1.0\""]
        );
    }
}
