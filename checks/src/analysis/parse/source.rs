//! Queries to CloudWatch, Prometheus, Datadog or an HTTP endpoint.

mod cloudwatch;
mod http;

use std::time::Duration;

use crate::analysis::form::{QueryTemplate, Sampling, SamplingKind, Source};
use crate::document::Node;
use crate::document_form;
use crate::form::Spanned;
use crate::reader::{Fields, Reader};

use super::check_settings::CheckSettings;
use super::provider::{ProviderKind, ProviderQuery, Providers};
use cloudwatch::CloudWatch;
use http::Http;

/// CloudWatch and Datadog: points of a minute are complete a minute later, as a rule.
const PUBLISH_DELAY: Duration = Duration::from_mins(1);

/// Prometheus scrapes every 15 s where nothing else is configured.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(15);

/// A metric has exactly one of these keys.
pub(super) const SOURCE_KEYS: &[&str] = &["cloudwatch", "prometheus", "datadog", "http"];

document_form! {
    pub(super) struct Sources {
        cloudwatch: Option<CloudWatch>,
        prometheus: Option<Spanned<ProviderQuery>>,
        datadog: Option<Spanned<ProviderQuery>>,
        http: Option<Http>,
    }
}

document_form! {
    #[schemars(rename = "Source", extend("minProperties" = 1, "maxProperties" = 1))]
    pub(super) struct SourceForm, check check_one_source {
        ..sources: Sources
    }
}

/// Checks that a metric, or one of its parts, has exactly one source. `what` names it.
pub(super) fn check_one_source(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    what: &str,
) {
    match fields.entries_with(SOURCE_KEYS).as_slice() {
        [] => reader.report(
            node.place,
            format!("{what} does not say what is asked"),
            "Write one of `cloudwatch:`, `prometheus:`, `datadog:` and `http:`",
        ),
        [_] => {}
        [first, second, ..] => reader.report(
            second.place,
            format!(
                "{what} asks two sources: `{}` and `{}`",
                first.key, second.key
            ),
            "Keep one, and write a metric of its own for the other",
        ),
    }
}

impl Sources {
    /// The source; `None` if there is none.
    pub(super) fn into_source(
        self,
        reader: &mut Reader<'_>,
        run: &CheckSettings,
        providers: &Providers,
    ) -> Option<Source> {
        let others = [
            self.prometheus.is_some(),
            self.datadog.is_some(),
            self.http.is_some(),
        ];
        let others = others.into_iter().filter(|is_given| *is_given).count();
        if others > 1 || (others == 1 && self.cloudwatch.is_some()) {
            // Two sources were reported before.
            return None;
        }
        let mut ask = |query: Spanned<ProviderQuery>, kind| {
            query.value.into_query(reader, query.place, kind, providers)
        };
        let query = match (self.cloudwatch, self.prometheus, self.datadog, self.http) {
            (Some(cloudwatch), ..) => cloudwatch.into_query()?,
            (None, Some(query), ..) => ask(query, ProviderKind::Prometheus)?,
            (None, None, Some(query), _) => ask(query, ProviderKind::Datadog)?,
            (None, None, None, http) => http?.into_query(),
        };
        let sampling = source_sampling(&query, run);
        Some(Source { query, sampling })
    }
}

fn source_sampling(query: &QueryTemplate, run: &CheckSettings) -> Sampling {
    let (kind, period, delay) = match query {
        QueryTemplate::CloudWatch { .. } => (SamplingKind::Aligned, run.period(), PUBLISH_DELAY),
        QueryTemplate::Datadog { .. } => (SamplingKind::Sliding, run.period(), PUBLISH_DELAY),
        QueryTemplate::Prometheus { .. } => (SamplingKind::Sliding, run.period(), SCRAPE_INTERVAL),
        // An endpoint answers with the present values.
        QueryTemplate::Http { .. } => {
            return Sampling {
                kind: SamplingKind::Sliding,
                period: Duration::ZERO,
                delay: Duration::ZERO,
            };
        }
        QueryTemplate::Logs { .. } => (
            SamplingKind::Sliding,
            super::logs::LOG_PERIOD,
            super::logs::LOG_DELAY,
        ),
    };
    Sampling {
        kind,
        period,
        delay: run.delay().unwrap_or(delay),
    }
}
