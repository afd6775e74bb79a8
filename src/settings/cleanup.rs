//! `mode: cleanup`: what is kept, and whether anything goes.

use super::collect::ProblemCollector;
use crate::choices::CleanupEffect;
use crate::cleanup::KeptCounts;
use crate::identity::RepositoryName;
use crate::inputs::Inputs;
use crate::outcome::Mode;

/// Kept of each unless the user says how many.
const DEFAULT_KEPT: usize = 20;
/// The days that CloudWatch Logs takes (PutRetentionPolicy, `retentionInDays`).
const RETENTION_DAYS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// What is kept, and whether anything goes.
#[derive(Debug, Clone)]
pub struct CleanupSettings {
    /// Whether anything goes.
    pub effect: CleanupEffect,
    /// How many are kept although nothing needs them.
    pub kept: KeptCounts,
    /// The repository whose images are cleaned.
    pub repository: Option<RepositoryName>,
    /// How long the service's log groups keep their lines, in days.
    pub log_retention: Option<i64>,
}

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) -> CleanupSettings {
    let dry = collect.read_bool("dry-run", inputs.dry_run.as_deref());
    let mut read_count = |input: &str, text: Option<&str>| {
        collect
            .read_number(input, text, 1..=10_000)
            .unwrap_or(DEFAULT_KEPT)
    };
    let kept = KeptCounts {
        revisions: read_count("keep-revisions", inputs.keep_revisions.as_deref()),
        images: read_count("keep-images", inputs.keep_images.as_deref()),
    };
    CleanupSettings {
        effect: if dry == Some(false) {
            CleanupEffect::Done
        } else {
            CleanupEffect::Shown
        },
        kept,
        repository: (mode == Mode::Cleanup)
            .then(|| read_repository(inputs, collect))
            .flatten(),
        log_retention: read_retention(inputs, collect),
    }
}

/// Images are only deleted in the account and region of the run.
fn read_repository(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<RepositoryName> {
    let Some(given) = inputs.repository.as_deref() else {
        if inputs.keep_images.is_some() {
            collect.add_problem(
                "keep-images",
                "no repository is named whose images could go",
                "set repository, or leave it out",
            );
        }
        return None;
    };
    let has_host = given
        .split_once('/')
        .is_some_and(|(host, _)| host.contains(['.', ':']));
    if has_host {
        collect.add_problem(
            "repository",
            "images are deleted in the run's own account and region only",
            "give the repository's name alone, such as team/api, and that region as aws-region",
        );
    }
    Some(given.into())
}

fn read_retention(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<i64> {
    let days: i64 =
        collect.read_number("log-retention", inputs.log_retention.as_deref(), 1..=3653)?;
    if RETENTION_DAYS.contains(&days) {
        return Some(days);
    }
    let longer = RETENTION_DAYS.iter().find(|known| **known > days);
    collect.add_problem(
        "log-retention",
        format!(
            "CloudWatch Logs keeps lines for certain times only, and {days} days is none of them"
        ),
        format!("the next longer time is {}", longer.unwrap_or(&3653)),
    );
    None
}
