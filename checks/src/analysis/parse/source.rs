//! What is asked of CloudWatch, Prometheus, Datadog or an HTTP endpoint.

mod cloudwatch;
mod http;

use std::time::Duration;

use crate::analysis::form::{Asks, Grain, GrainKind, Source};
use crate::document::Node;
use crate::document_form;
use crate::form::Spanned;
use crate::reader::{Fields, Reader};

use super::check_settings::CheckSettings;
use super::provider::{ProviderKind, ProviderQuery, Providers};
use cloudwatch::CloudWatch;
use http::Http;

/// CloudWatch and Datadog: points of a minute are complete a minute later, as a rule.
const LATE: Duration = Duration::from_mins(1);

/// Prometheus scrapes every 15 s where nothing else is configured.
const SCRAPE: Duration = Duration::from_secs(15);

/// Of which one is asked.
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

/// A metric, or one of its parts, asks one source. `what` names it.
pub(super) fn check_one_source(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    what: &str,
) {
    match fields.among(SOURCE_KEYS).as_slice() {
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
    /// The one source that is asked; None where there is none.
    pub(super) fn source(
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
        let others = others.into_iter().filter(|is_there| *is_there).count();
        if others > 1 || (others == 1 && self.cloudwatch.is_some()) {
            // That two are asked was reported.
            return None;
        }
        let mut ask = |query: Spanned<ProviderQuery>, kind| {
            query.value.asks(reader, query.place, kind, providers)
        };
        let asks = match (self.cloudwatch, self.prometheus, self.datadog, self.http) {
            (Some(cloudwatch), ..) => cloudwatch.asks()?,
            (None, Some(query), ..) => ask(query, ProviderKind::Prometheus)?,
            (None, None, Some(query), _) => ask(query, ProviderKind::Datadog)?,
            (None, None, None, http) => http?.asks(),
        };
        let grain = grain(&asks, run);
        Some(Source { asks, grain })
    }
}

fn grain(asks: &Asks, run: &CheckSettings) -> Grain {
    let (kind, period, delay) = match asks {
        Asks::CloudWatch { .. } => (GrainKind::Whole, run.period(), LATE),
        Asks::Datadog { .. } => (GrainKind::Moving, run.period(), LATE),
        Asks::Prometheus { .. } => (GrainKind::Moving, run.period(), SCRAPE),
        // What an endpoint answers is how things are now.
        Asks::Http { .. } => {
            return Grain {
                kind: GrainKind::Moving,
                period: Duration::ZERO,
                delay: Duration::ZERO,
            };
        }
        Asks::Logs { .. } => (GrainKind::Moving, super::logs::PERIOD, super::logs::LATE),
    };
    Grain {
        kind,
        period,
        delay: run.delay().unwrap_or(delay),
    }
}
