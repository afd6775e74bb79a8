//! An HTTP endpoint that answers with JSON.

use serde_json_path::JsonPath;

use crate::analysis::form::QueryTemplate;
use crate::document::Node;
use crate::form::FromNode;
use crate::reader::Reader;
use crate::template::Template;
use crate::web_address::{Texts, WebAddress};
use crate::{document_form, document_schema};

document_form! {
    pub(in crate::analysis::parse) struct Http {
        #[required("Write `url: https://host/path`")]
        url: WebAddress,
        /// `JSONPath` (RFC 9535) to a number or to many.
        #[required("Write `path: $.value`, a JSONPath to the number")]
        path: ValuePath,
        headers: Option<Texts>,
        /// With a body it is a POST.
        body: Option<Template>,
    }
}

#[derive(Debug, Clone)]
pub(in crate::analysis::parse) struct ValuePath(String);

impl FromNode for ValuePath {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let path = reader.text(node, what)?;
        if JsonPath::parse(&path).is_err() {
            return reader.refuse(
                node.place,
                format!("`{path}` is not a JSONPath"),
                "Write a JSONPath (RFC 9535) such as `$.data.value`",
            );
        }
        Some(Self(path))
    }
}

document_schema!(ValuePath as String);

impl Http {
    pub(super) fn into_query(self) -> QueryTemplate {
        QueryTemplate::Http {
            url: self.url.url,
            headers: self.headers.map(|headers| headers.0).unwrap_or_default(),
            body: self.body,
            path: self.path.0,
        }
    }
}
