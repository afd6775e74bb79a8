//! Where Prometheus and Datadog are, and who asks them.

use url::Url;

use crate::analysis::text::Text;
use crate::destination;
use crate::document::{Entry, Node};
use crate::reader::{Fields, one_of};

use super::keys::PROVIDER_KEYS;
use super::pen::ValueReader;

/// The providers of a document, by name.
pub(super) type Providers = Vec<(String, Provider)>;

/// A service that is asked with queries of its own.
#[derive(Debug, Clone)]
pub(super) enum Provider {
    Prometheus {
        url: Text,
        headers: Vec<(String, Text)>,
        sigv4: Option<String>,
    },
    Datadog {
        url: String,
        api_key: Text,
        application_key: Text,
    },
    /// It could not be read, which was reported.
    Unreadable,
}

pub(super) fn providers(pen: &mut ValueReader<'_>, node: &Node) -> Option<Providers> {
    let entries = pen.reader.entries(node, "`providers`")?;
    Some(
        entries
            .iter()
            .map(|entry| {
                (
                    entry.key.clone(),
                    provider(pen, entry).unwrap_or(Provider::Unreadable),
                )
            })
            .collect(),
    )
}

fn provider(pen: &mut ValueReader<'_>, entry: &Entry) -> Option<Provider> {
    let what = format!("provider `{}`", entry.key);
    let fields = pen.reader.fields(&entry.value, &what, PROVIDER_KEYS)?;
    match (fields.get("prometheus"), fields.get("datadog")) {
        (Some(node), None) => prometheus(pen, &fields, node),
        (None, Some(node)) => datadog(pen, entry, &fields, node),
        (Some(_), Some(_)) | (None, None) => {
            let remedy = "Write `prometheus: https://…` or `datadog: datadoghq.eu`, and a provider of its own for the other";
            pen.refuse(
                entry.place,
                format!("The {what} is neither or both of prometheus and datadog"),
                remedy,
            )
        }
    }
}

fn prometheus(pen: &mut ValueReader<'_>, fields: &Fields<'_>, node: &Node) -> Option<Provider> {
    let url = web_address(pen, node, "`prometheus`");
    let headers = fields
        .get("headers")
        .map_or_else(|| Some(Vec::new()), |node| pen.texts(node, "`headers`"));
    let sigv4 = fields
        .get("sigv4")
        .map_or(Some(None), |node| pen.word(node, "`sigv4`").map(Some));
    foreign(pen, fields, &["api-key", "application-key"], "prometheus");
    Some(Provider::Prometheus {
        url: url?,
        headers: headers?,
        sigv4: sigv4?,
    })
}

fn datadog(
    pen: &mut ValueReader<'_>,
    entry: &Entry,
    fields: &Fields<'_>,
    node: &Node,
) -> Option<Provider> {
    let site = pen.word(node, "`datadog`");
    let api_key = key(pen, entry, fields, "api-key");
    let application_key = key(pen, entry, fields, "application-key");
    foreign(pen, fields, &["headers", "sigv4"], "datadog");
    let site = site?;
    // A whole URL is for a proxy that stands before Datadog.
    let url = if site.contains("://") {
        site
    } else {
        format!("https://api.{site}")
    };
    Some(Provider::Datadog {
        url,
        api_key: api_key?,
        application_key: application_key?,
    })
}

fn key(pen: &mut ValueReader<'_>, entry: &Entry, fields: &Fields<'_>, key: &str) -> Option<Text> {
    let Some(node) = fields.get(key) else {
        return pen.refuse(
            entry.place,
            format!("Datadog wants `{key}`"),
            format!("Write `{key}: \"${{env.NAME}}\"`, and set NAME from a secret"),
        );
    };
    pen.text(node, &format!("`{key}`"))
}

fn foreign(pen: &mut ValueReader<'_>, fields: &Fields<'_>, keys: &[&str], kind: &str) {
    for entry in fields.among(keys) {
        pen.reader.report(
            entry.place,
            format!("`{}` has no meaning for {kind}", entry.key),
            "Leave it out",
        );
    }
}

/// An http or https URL; with variables in it, what it is shows only when it is asked.
pub(super) fn web_address(pen: &mut ValueReader<'_>, node: &Node, what: &str) -> Option<Text> {
    let written = pen.reader.text(node, what)?;
    let text = pen.text(node, what)?;
    let legal = written.contains("${")
        || Url::parse(&written).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if let Some(why) = Url::parse(&written)
        .ok()
        .as_ref()
        .and_then(destination::refusal)
    {
        return pen.refuse(
            node.place,
            format!("{what}: {why}"),
            "Write the URL of the service that has the numbers",
        );
    }
    if legal {
        Some(text)
    } else {
        pen.refuse(
            node.place,
            format!("{what}: `{written}` is not a URL"),
            "Write `https://host/path`",
        )
    }
}

/// The provider that a query names; the only one of its kind when it names none.
pub(super) fn named<'p>(
    pen: &mut ValueReader<'_>,
    query: &Node,
    fields: &Fields<'_>,
    providers: &'p Providers,
    kind: &str,
) -> Option<&'p Provider> {
    if let Some(node) = fields.get("provider") {
        let name = pen.reader.text(node, "`provider`")?;
        let found = providers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, provider)| provider);
        let known: Vec<&str> = providers.iter().map(|(name, _)| name.as_str()).collect();
        return found.or_else(|| {
            pen.refuse(
                node.place,
                format!("There is no provider `{name}`"),
                one_of(&name, &known),
            )
        });
    }
    if let [(_, only)] = providers.as_slice() {
        return Some(only);
    }
    pen.refuse(
        query.place,
        format!("`{kind}` does not say which provider is asked"),
        "Write `provider:` with a name from `providers`",
    )
}
