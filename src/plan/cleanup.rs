//! PURE: the plan of `mode: cleanup`.

use super::running::{HistoryQuery, history_query, service_key};
use crate::choices::CleanupEffect;
use crate::cleanup::KeptCounts;
use crate::identity::RepositoryName;
use crate::settings::Settings;
use crate::undo::ServiceKey;

/// What is cleaned, and how much is kept.
#[derive(Debug)]
pub struct CleanupPlan {
    /// The service.
    pub place: ServiceKey,
    /// Where its deployments are read.
    pub history: HistoryQuery,
    /// The repository whose images are cleaned.
    pub repository: Option<RepositoryName>,
    /// How many are kept although nothing needs them.
    pub kept: KeptCounts,
    /// Whether anything goes.
    pub effect: CleanupEffect,
    /// How long the service's log groups are to keep their lines, in days.
    pub log_retention: Option<i64>,
}

impl CleanupPlan {
    /// The plan for the settings.
    pub fn new(settings: &Settings) -> Self {
        let cleanup = &settings.cleanup;
        Self {
            place: service_key(settings),
            history: history_query(settings),
            repository: cleanup.repository.clone(),
            kept: cleanup.kept,
            effect: cleanup.effect,
            log_retention: cleanup.log_retention,
        }
    }
}
