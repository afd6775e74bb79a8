//! PURE: the checks of green and of production, as the steps that run them need them.

use std::collections::BTreeSet;

use url::Url;

use super::TaskHost;
use crate::checks::analysis::Analysis;
use crate::checks::moment::Moment;
use crate::checks::smoke::Suite;
use crate::secret::Secret;
use crate::settings::Settings;

/// The checks of a run.
#[derive(Debug)]
pub struct ChecksPlan {
    /// The smoke tests, load probes and testers.
    pub suite: Option<Suite>,
    /// The URL at which green is tested, before traffic.
    pub test_url: Option<Url>,
    /// The URL at which production is tested, after the shift.
    pub production_url: Option<Url>,
    /// The analysis of metrics while traffic shifts.
    pub analysis: Option<Analysis>,
    /// The version that users see.
    pub version: Option<String>,
    /// The values of `${env.NAME}`.
    pub environment: Vec<(String, Secret)>,
    /// The names of those values that are no secrets.
    pub plain: BTreeSet<String>,
    /// Secrets that must not appear in a tester's log.
    pub confidential: Vec<Secret>,
    /// Where testers run that run as tasks.
    pub host: TaskHost,
}

impl ChecksPlan {
    /// The checks in the settings.
    pub fn new(settings: &Settings) -> Self {
        let checks = &settings.checks;
        Self {
            suite: checks.suite.clone(),
            test_url: checks.test_url.clone(),
            production_url: checks.production_url.clone(),
            analysis: checks.analysis.clone(),
            version: settings.version.clone(),
            environment: checks.environment.clone(),
            plain: checks.plain_names.clone(),
            confidential: settings.secrets().cloned().collect(),
            host: super::task::task_host(settings),
        }
    }

    /// The URL at which a moment's tests run.
    pub fn url(&self, moment: Moment) -> Option<&Url> {
        match moment {
            Moment::Green => self.test_url.as_ref(),
            Moment::Step | Moment::Production | Moment::Bake => self.production_url.as_ref(),
        }
    }

    /// Whether anything is tested or measured at a moment.
    pub fn has(&self, moment: Moment) -> bool {
        self.measures(moment)
            || self.suite.as_ref().is_some_and(|suite| {
                suite.count_tests(moment) > 0 || suite.loads(moment).next().is_some()
            })
    }

    /// The checks of a side at a moment, as a phrase.
    pub fn sentence(&self, moment: Moment, side: &str) -> String {
        let names = self.suite.as_ref().map(|suite| suite.names(moment));
        let names = names.unwrap_or_default().join(", ");
        let at = self
            .url(moment)
            .map(|url| format!(" at {url}"))
            .unwrap_or_default();
        if names.is_empty() {
            format!("{side} is measured")
        } else {
            format!("{side} is tested{at}: {names}")
        }
    }

    /// Whether anything is measured at a moment.
    pub fn measures(&self, moment: Moment) -> bool {
        self.analysis
            .as_ref()
            .is_some_and(|analysis| analysis.runs_on(moment))
    }
}
