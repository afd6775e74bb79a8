//! The addresses and credentials of Prometheus and Datadog.

use crate::analysis::form::QueryTemplate;
use crate::document::{Entry, Node, Place};
use crate::document_form;
use crate::form::{FromNode, Spanned};
use crate::reader::{Reader, suggest_choices};
use crate::template::Template;
use crate::web_address::{Texts, WebAddress};

use super::values::NonEmptyText;

/// The providers of a document by name; none: it could not be read, which was reported.
#[derive(Debug, Clone, Default)]
pub(super) struct Providers(Vec<(String, Option<Provider>)>);

/// A service that is asked with queries of its own.
#[derive(Debug, Clone)]
enum Provider {
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
}

/// Which language a query is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProviderKind {
    Prometheus,
    Datadog,
}

impl ProviderKind {
    fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Datadog => "datadog",
        }
    }
}

document_form! {
    /// A service that is asked with queries of its own: prometheus or datadog.
    #[schemars(rename = "Provider", extend("oneOf" = [{ "required": ["prometheus"] }, { "required": ["datadog", "api-key", "application-key"] }]))]
    pub(super) struct ProviderForm {
        /// The base URL, before `/api/v1/query`.
        prometheus: Option<WebAddress>,
        /// Headers that are sent.
        headers: Option<Texts>,
        /// The region for which requests are signed (Amazon Managed Service for Prometheus).
        sigv4: Option<NonEmptyText>,
        /// The site: `datadoghq.eu`.
        datadog: Option<NonEmptyText>,
        api_key: Option<Template>,
        application_key: Option<Template>,
    }
}

impl FromNode for Providers {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        let providers = entries.iter().map(|entry| {
            check_kind(reader, entry);
            let what = format!("provider `{}`", entry.key);
            let form = ProviderForm::from_node(reader, &entry.value, &what);
            (
                entry.key.clone(),
                form.and_then(ProviderForm::into_provider),
            )
        });
        Some(Self(providers.collect()))
    }
}

/// Checks the keys that each kind of provider requires.
fn check_kind(reader: &mut Reader<'_>, entry: &Entry) {
    let has = |key: &str| entry.value.entry(key).is_some();
    let (kind, irrelevant_keys) = match (has("prometheus"), has("datadog")) {
        (true, false) => ("prometheus", ["api-key", "application-key"]),
        (false, true) => ("datadog", ["headers", "sigv4"]),
        (true, true) | (false, false) => {
            let message = format!(
                "The provider `{}` is neither or both of prometheus and datadog",
                entry.key
            );
            let remedy = "Write `prometheus: https://…` or `datadog: datadoghq.eu`, and a provider of its own for the other";
            return reader.report(entry.place, message, remedy);
        }
    };
    for key in irrelevant_keys {
        if let Some(entry) = entry.value.entry(key) {
            reader.report(
                entry.place,
                format!("`{key}` has no meaning for {kind}"),
                "Leave it out",
            );
        }
    }
    for key in ["api-key", "application-key"] {
        if kind == "datadog" && !has(key) {
            reader.report(
                entry.place,
                format!("Datadog wants `{key}`"),
                format!("Write `{key}: \"${{env.NAME}}\"`, and set NAME from a secret"),
            );
        }
    }
}

impl ProviderForm {
    fn into_provider(self) -> Option<Provider> {
        if let Some(address) = self.prometheus {
            return Some(Provider::Prometheus {
                url: address.url,
                headers: self.headers.map(|headers| headers.0).unwrap_or_default(),
                sigv4: self.sigv4.map(|region| region.0),
            });
        }
        let site = self.datadog?.0;
        // A whole URL is for a proxy in front of Datadog.
        let url = if site.contains("://") {
            site
        } else {
            format!("https://api.{site}")
        };
        Some(Provider::Datadog {
            url,
            api_key: self.api_key?,
            application_key: self.application_key?,
        })
    }
}

document_form! {
    pub(super) struct ProviderQuery {
        /// One of `providers`; may be left out where there is only one.
        provider: Option<Spanned<String>>,
        #[required("Write `query:` in the provider's language")]
        query: Template,
    }
}

impl ProviderQuery {
    /// The query to the provider that it names, or to the only one.
    pub(super) fn into_query(
        self,
        reader: &mut Reader<'_>,
        place: Place,
        kind: ProviderKind,
        providers: &Providers,
    ) -> Option<QueryTemplate> {
        let provider = providers.find_provider(reader, place, self.provider.as_ref(), kind)?;
        match (kind, provider.clone()?) {
            (
                ProviderKind::Prometheus,
                Provider::Prometheus {
                    url,
                    headers,
                    sigv4,
                },
            ) => Some(QueryTemplate::Prometheus {
                url,
                headers,
                sigv4,
                query: self.query,
            }),
            (
                ProviderKind::Datadog,
                Provider::Datadog {
                    url,
                    api_key,
                    application_key,
                },
            ) => Some(QueryTemplate::Datadog {
                url,
                api_key,
                application_key,
                query: self.query,
            }),
            (_, Provider::Prometheus { .. } | Provider::Datadog { .. }) => reader.refuse(
                place,
                format!("The provider is not one of {}", kind.name()),
                "Name a provider of the same kind",
            ),
        }
    }
}

impl Providers {
    fn find_provider(
        &self,
        reader: &mut Reader<'_>,
        query: Place,
        name: Option<&Spanned<String>>,
        kind: ProviderKind,
    ) -> Option<&Option<Provider>> {
        if let Some(name) = name {
            let mut providers = self.0.iter();
            let names: Vec<&String> = self.0.iter().map(|(name, _)| name).collect();
            let found = providers.find(|(provider_name, _)| *provider_name == name.value);
            return found.map(|(_, provider)| provider).or_else(|| {
                reader.refuse(
                    name.place,
                    format!("There is no provider `{}`", name.value),
                    suggest_choices(&name.value, &names),
                )
            });
        }
        if let [(_, only)] = self.0.as_slice() {
            return Some(only);
        }
        reader.refuse(
            query,
            format!("`{}` does not say which provider is asked", kind.name()),
            "Write `provider:` with a name from `providers`",
        )
    }
}

#[cfg(test)]
mod schema {
    use std::collections::BTreeMap;

    use super::{ProviderForm, Providers};

    crate::document_schema!(Providers as BTreeMap<String, ProviderForm>);
}
