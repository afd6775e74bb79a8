//! Where Prometheus and Datadog are, and who asks them.

use url::Url;

use crate::destination;
use crate::document::{Entry, Node};
use crate::reader::{Fields, Reader, one_of};
use crate::template::Template;

use super::keys::PROVIDER_KEYS;

/// The providers of a document, by name.
pub(super) type Providers = Vec<(String, Provider)>;

/// A service that is asked with queries of its own.
#[derive(Debug, Clone)]
pub(super) enum Provider {
    Prometheus {
        url: Template,
        headers: Vec<(String, Template)>,
        sigv4: Option<String>,
    },
    Datadog {
        url: String,
        api_key: Template,
        application_key: Template,
    },
    /// It could not be read, which was reported.
    Unreadable,
}

pub(super) fn providers(reader: &mut Reader<'_>, node: &Node) -> Option<Providers> {
    let entries = reader.entries(node, "`providers`")?;
    Some(
        entries
            .iter()
            .map(|entry| {
                (
                    entry.key.clone(),
                    provider(reader, entry).unwrap_or(Provider::Unreadable),
                )
            })
            .collect(),
    )
}

fn provider(reader: &mut Reader<'_>, entry: &Entry) -> Option<Provider> {
    let what = format!("provider `{}`", entry.key);
    let fields = reader.fields(&entry.value, &what, PROVIDER_KEYS)?;
    match (fields.get("prometheus"), fields.get("datadog")) {
        (Some(node), None) => prometheus(reader, &fields, node),
        (None, Some(node)) => datadog(reader, entry, &fields, node),
        (Some(_), Some(_)) | (None, None) => {
            let remedy = "Write `prometheus: https://…` or `datadog: datadoghq.eu`, and a provider of its own for the other";
            reader.refuse(
                entry.place,
                format!("The {what} is neither or both of prometheus and datadog"),
                remedy,
            )
        }
    }
}

fn prometheus(reader: &mut Reader<'_>, fields: &Fields<'_>, node: &Node) -> Option<Provider> {
    let url = web_address(reader, node, "`prometheus`");
    let headers = fields.get("headers").map_or_else(
        || Some(Vec::new()),
        |node| reader.templates(node, "`headers`"),
    );
    let sigv4 = fields.get("sigv4").map_or(Some(None), |node| {
        reader.non_empty_text(node, "`sigv4`").map(Some)
    });
    foreign(
        reader,
        fields,
        &["api-key", "application-key"],
        "prometheus",
    );
    Some(Provider::Prometheus {
        url: url?,
        headers: headers?,
        sigv4: sigv4?,
    })
}

fn datadog(
    reader: &mut Reader<'_>,
    entry: &Entry,
    fields: &Fields<'_>,
    node: &Node,
) -> Option<Provider> {
    let site = reader.non_empty_text(node, "`datadog`");
    let api_key = key(reader, entry, fields, "api-key");
    let application_key = key(reader, entry, fields, "application-key");
    foreign(reader, fields, &["headers", "sigv4"], "datadog");
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

fn key(reader: &mut Reader<'_>, entry: &Entry, fields: &Fields<'_>, key: &str) -> Option<Template> {
    let Some(node) = fields.get(key) else {
        return reader.refuse(
            entry.place,
            format!("Datadog wants `{key}`"),
            format!("Write `{key}: \"${{env.NAME}}\"`, and set NAME from a secret"),
        );
    };
    reader.template(node, &format!("`{key}`"))
}

fn foreign(reader: &mut Reader<'_>, fields: &Fields<'_>, keys: &[&str], kind: &str) {
    for entry in fields.among(keys) {
        reader.report(
            entry.place,
            format!("`{}` has no meaning for {kind}", entry.key),
            "Leave it out",
        );
    }
}

/// An http or https URL; with variables in it, what it is shows only when it is asked.
pub(super) fn web_address(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Template> {
    let written = reader.text(node, what)?;
    let text = reader.template(node, what)?;
    let legal = written.contains("${")
        || Url::parse(&written).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if let Some(why) = Url::parse(&written)
        .ok()
        .as_ref()
        .and_then(destination::refusal)
    {
        return reader.refuse(
            node.place,
            format!("{what}: {why}"),
            "Write the URL of the service that has the numbers",
        );
    }
    if legal {
        Some(text)
    } else {
        reader.refuse(
            node.place,
            format!("{what}: `{written}` is not a URL"),
            "Write `https://host/path`",
        )
    }
}

/// The provider that a query names; the only one of its kind when it names none.
pub(super) fn named<'p>(
    reader: &mut Reader<'_>,
    query: &Node,
    fields: &Fields<'_>,
    providers: &'p Providers,
    kind: &str,
) -> Option<&'p Provider> {
    if let Some(node) = fields.get("provider") {
        let name = reader.text(node, "`provider`")?;
        let found = providers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, provider)| provider);
        let known: Vec<&str> = providers.iter().map(|(name, _)| name.as_str()).collect();
        return found.or_else(|| {
            reader.refuse(
                node.place,
                format!("There is no provider `{name}`"),
                one_of(&name, &known),
            )
        });
    }
    if let [(_, only)] = providers.as_slice() {
        return Some(only);
    }
    reader.refuse(
        query.place,
        format!("`{kind}` does not say which provider is asked"),
        "Write `provider:` with a name from `providers`",
    )
}
