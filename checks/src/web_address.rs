//! Addresses of services that a document asks, and the headers that it sends them.

use url::Url;

use crate::destination;
use crate::document::Node;
use crate::document_schema;
use crate::form::FromNode;
use crate::reader::Reader;
use crate::template::Template;

/// An http or https URL; with variables in it, what it is shows only when it is asked.
#[derive(Debug, Clone)]
pub(crate) struct WebAddress {
    pub(crate) url: Template,
    host: Option<String>,
}

impl WebAddress {
    /// The host, as far as it is written without variables.
    pub(crate) fn host(&self) -> String {
        self.host.clone().unwrap_or_else(|| "a service".to_owned())
    }
}

impl FromNode for WebAddress {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let written = reader.text(node, what)?;
        let text = reader.parse_template(node, &written)?;
        let url = Url::parse(&written).ok();
        if let Some(why) = url.as_ref().and_then(destination::describe_forbidden) {
            return reader.refuse(
                node.place,
                format!("{what}: {why}"),
                "Write the URL of the service that is to be asked",
            );
        }
        let is_web = url
            .as_ref()
            .is_some_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_web && !written.contains("${") {
            return reader.refuse(
                node.place,
                format!("{what}: `{written}` is not a URL"),
                "Write `https://host/path`",
            );
        }
        let host = url.and_then(|url| url.host_str().map(str::to_owned));
        let host = host.filter(|host| !host.contains(['$', '{', '%']));
        Some(Self { url: text, host })
    }
}

document_schema!(WebAddress as String);

/// Texts with variables by name, such as headers.
#[derive(Debug, Clone)]
pub(crate) struct Texts(pub(crate) Vec<(String, Template)>);

impl FromNode for Texts {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.templates(node, what).map(Self)
    }
}

document_schema!(Texts as std::collections::BTreeMap<String, Template>);
