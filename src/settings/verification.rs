//! What a verification looks at besides what a deployment does, and the lint of the task definition.

use std::time::Duration;

use super::collect::ProblemCollector;
use crate::choices::LintLevel;
use crate::inputs::Inputs;

/// Settings of the lint and of the lines of a verification.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerificationSettings {
    /// What becomes of findings of the lint; in a verification only warnings when none is chosen.
    pub lint: Option<LintLevel>,
    /// The age from which a secret should have been rotated.
    pub rotation: Option<Duration>,
    /// Whether the keys of secrets that are JSON objects are looked for, which reads their values.
    pub reads_secret_keys: bool,
}

pub(super) fn settings(inputs: &Inputs, collect: &mut ProblemCollector) -> VerificationSettings {
    let levels = [
        ("warn", LintLevel::Warn),
        ("error", LintLevel::Error),
        ("off", LintLevel::Off),
    ];
    VerificationSettings {
        lint: collect.read_choice("lint", inputs.lint.as_deref(), &levels),
        rotation: read_days(inputs.rotation.as_deref(), collect),
        reads_secret_keys: collect
            .read_bool("verify-secret-keys", inputs.verify_secret_keys.as_deref())
            .unwrap_or_default(),
    }
}

/// `90d`: nobody rotates by the hour.
fn read_days(text: Option<&str>, collect: &mut ProblemCollector) -> Option<Duration> {
    let text = text?;
    let days = text
        .trim()
        .strip_suffix('d')
        .and_then(|number| number.parse::<u64>().ok())
        .filter(|days| (1..=3_650).contains(days));
    if days.is_none() {
        collect.add_problem(
            "rotation",
            format!("`{text}` is not a number of days"),
            "write days, such as 90d",
        );
    }
    days.map(|days| Duration::from_hours(24 * days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_of_days() {
        let table = [
            ("90d", Some(90)),
            (" 1d", Some(1)),
            ("0d", None),
            ("90", None),
            ("3months", None),
            ("4000d", None),
        ];
        for (text, days) in table {
            let mut collect = ProblemCollector::default();
            assert_eq!(
                read_days(Some(text), &mut collect),
                days.map(|days| Duration::from_hours(24 * days)),
                "{text}"
            );
        }
    }
}
