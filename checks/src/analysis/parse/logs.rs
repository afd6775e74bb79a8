//! Patterns that are counted in logs.

use std::time::Duration;

use crate::analysis::form::{
    Check, Judgement, Measure, QueryTemplate, Sampling, SamplingKind, Source,
};
use crate::analysis::preset;
use crate::document::{Node, Place};
use crate::document_form;
use crate::form::{Count, Spanned};
use crate::reader::{Fields, Reader};

use super::check_settings::CheckSettings;
use super::judgement::{AllowedIncrease, Alpha, Blue, compare_policy};
use super::values::{CheckName, CheckNames, NonEmptyText};
use super::{CheckParts, build_check};

/// Lines are looked for once there may be some.
pub(super) const LOG_PERIOD: Duration = Duration::from_secs(15);

/// CloudWatch Logs shows a line a few seconds after it was written; the agent in the task holds it
/// back for 5 s.
pub(super) const LOG_DELAY: Duration = Duration::from_secs(15);

document_form! {
    pub(super) struct Log: "a log check", check check_comparison {
        /// Words for the log and the summary; each check has its own.
        #[required("Write `name:` with words for the log and the summary")]
        name: Spanned<CheckName>,
        /// A filter pattern of CloudWatch Logs.
        #[required("Write `pattern: panic`, or a filter pattern of CloudWatch Logs")]
        pattern: NonEmptyText,
        /// Log groups; those of the containers when absent.
        groups: Option<Vec<NonEmptyText>>,
        /// At most this many lines; 0 when absent.
        at_most: Option<Count>,
        compare: Option<Blue>,
        allowed_increase: Option<AllowedIncrease>,
        alpha: Option<Alpha>,
        ..run: CheckSettings
    }
}

fn check_comparison(reader: &mut Reader<'_>, _: &Node, fields: &Fields<'_>, _: &str) {
    if fields.get("compare").is_some() {
        return;
    }
    for entry in fields.entries_with(&["allowed-increase", "alpha"]) {
        reader.report(
            entry.place,
            format!("`{}` wants `compare: blue`", entry.key),
            "Write `compare: blue`, or leave it out",
        );
    }
}

impl Log {
    pub(super) fn into_check(
        self,
        reader: &mut Reader<'_>,
        place: Place,
        inherited: &CheckSettings,
        names: &mut CheckNames,
    ) -> Check {
        let run = self.run.with_defaults(inherited);
        let at_most = self.at_most.map_or(0, |most| most.0).into();
        let groups = self.groups.unwrap_or_default().into_iter();
        let source = Source {
            query: QueryTemplate::Logs {
                groups: groups.map(|group| group.0).collect(),
                filter: self.pattern.0,
            },
            sampling: Sampling {
                kind: SamplingKind::Sliding,
                period: LOG_PERIOD,
                delay: run.delay().unwrap_or(LOG_DELAY),
            },
        };
        // Requests over the same time as the lines: a share of both needs that.
        let requests =
            preset::request_source(preset::load_balancer_sampling(run.period(), run.delay()));
        let parts = CheckParts {
            measure: Measure::Lines { source, requests },
            judgement: match self.compare {
                None => Judgement::AtMost(at_most),
                Some(Blue) => Judgement::Lines {
                    at_most,
                    policy: compare_policy(self.alpha, self.allowed_increase),
                },
            },
            volume: None,
            window: None,
        };
        let name = names.unique_name(reader, self.name);
        build_check(name, reader.position(place), &run, parts)
    }
}
