//! What is asked of CloudWatch, Prometheus, Datadog or an HTTP endpoint.

mod cloudwatch;

use std::time::Duration;

use serde_json_path::JsonPath;

use crate::analysis::form::{Asks, Grain, GrainKind, Source};
use crate::document::{Entry, Node};
use crate::reader::{Fields, Reader};

use super::keys::{HTTP_KEYS, QUERY_KEYS, SOURCE_KEYS};
use super::provider::{Provider, Providers, named, web_address};
use super::run::Run;

/// CloudWatch and Datadog: points of a minute are complete a minute later, as a rule.
const LATE: Duration = Duration::from_mins(1);

/// Prometheus scrapes every 15 s where nothing else is configured.
const SCRAPE: Duration = Duration::from_secs(15);

/// The one source of a metric, or of one of its queries. `what` names it.
pub(super) fn source(
    reader: &mut Reader<'_>,
    at: &Node,
    fields: &Fields<'_>,
    run: &Run,
    providers: &Providers,
    what: &str,
) -> Option<Source> {
    let entries = fields.among(SOURCE_KEYS);
    if let Some(second) = entries.get(1) {
        let message = format!(
            "{what} asks two sources: `{}` and `{}`",
            entries[0].key, second.key
        );
        reader.report(
            second.place,
            message,
            "Keep one, and write a metric of its own for the other",
        );
    }
    let Some(entry) = entries.first() else {
        let remedy = "Write one of `cloudwatch:`, `prometheus:`, `datadog:` and `http:`";
        return reader.refuse(
            at.place,
            format!("{what} does not say what is asked"),
            remedy,
        );
    };
    let asks = asks(reader, entry, providers)?;
    let grain = grain(&asks, run);
    Some(Source { asks, grain })
}

/// A source in a mapping of its own: `errors: { cloudwatch: … }`.
pub(super) fn nested(
    reader: &mut Reader<'_>,
    node: &Node,
    run: &Run,
    providers: &Providers,
    what: &str,
) -> Option<Source> {
    let fields = reader.fields(node, what, SOURCE_KEYS)?;
    source(reader, node, &fields, run, providers, what)
}

fn asks(reader: &mut Reader<'_>, entry: &Entry, providers: &Providers) -> Option<Asks> {
    match entry.key.as_str() {
        "cloudwatch" => cloudwatch::cloudwatch(reader, &entry.value),
        "http" => http(reader, &entry.value),
        kind => query(reader, &entry.value, kind, providers),
    }
}

fn query(reader: &mut Reader<'_>, node: &Node, kind: &str, providers: &Providers) -> Option<Asks> {
    let fields = reader.fields(node, &format!("`{kind}`"), QUERY_KEYS)?;
    let query = match fields.get("query") {
        Some(query) => reader.template(query, "`query`"),
        None => reader.refuse(
            node.place,
            format!("`{kind}` has no `query`"),
            "Write `query:` in the provider's language",
        ),
    };
    let provider = named(reader, node, &fields, providers, kind)?;
    match (kind, provider) {
        (
            "prometheus",
            Provider::Prometheus {
                url,
                headers,
                sigv4,
            },
        ) => Some(Asks::Prometheus {
            url: url.clone(),
            headers: headers.clone(),
            sigv4: sigv4.clone(),
            query: query?,
        }),
        (
            "datadog",
            Provider::Datadog {
                url,
                api_key,
                application_key,
            },
        ) => Some(Asks::Datadog {
            url: url.clone(),
            api_key: api_key.clone(),
            application_key: application_key.clone(),
            query: query?,
        }),
        (_, Provider::Unreadable) => None,
        (_, Provider::Prometheus { .. } | Provider::Datadog { .. }) => reader.refuse(
            node.place,
            format!("The provider is not one of {kind}"),
            "Name a provider of the same kind",
        ),
    }
}

fn http(reader: &mut Reader<'_>, node: &Node) -> Option<Asks> {
    let fields = reader.fields(node, "`http`", HTTP_KEYS)?;
    let url = match fields.get("url") {
        Some(url) => web_address(reader, url, "`url`"),
        None => reader.refuse(
            node.place,
            "`http` has no `url`",
            "Write `url: https://host/path`",
        ),
    };
    let path = match fields.get("path") {
        Some(path) => json_path(reader, path),
        None => reader.refuse(
            node.place,
            "`http` has no `path`",
            "Write `path: $.value`, a JSONPath to the number",
        ),
    };
    let headers = fields.get("headers").map_or_else(
        || Some(Vec::new()),
        |node| reader.templates(node, "`headers`"),
    );
    let body = fields
        .get("body")
        .map_or(Some(None), |node| reader.template(node, "`body`").map(Some));
    Some(Asks::Http {
        url: url?,
        headers: headers?,
        body: body?,
        path: path?,
    })
}

fn json_path(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let path = reader.text(node, "`path`")?;
    if JsonPath::parse(&path).is_ok() {
        return Some(path);
    }
    reader.refuse(
        node.place,
        format!("`{path}` is not a JSONPath"),
        "Write a JSONPath (RFC 9535) such as `$.data.value`",
    )
}

fn grain(asks: &Asks, run: &Run) -> Grain {
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
        delay: run.delay.unwrap_or(delay),
    }
}
