//! Where a test may end: on the origin of its first request, or on those that it names. Evaluated
//! before the body is read.

use url::{Origin, Url};

use crate::document::Node;
use crate::document_schema;
use crate::form::FromNode;
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};

use super::Expect;

/// Scheme, host and port of where a test may end.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct ExpectedOrigin(Template);

document_schema!(ExpectedOrigin as String);

impl FromNode for ExpectedOrigin {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let origin = reader.parse_template(node, &text)?;
        let is_one = |url: Url| {
            url.path() == "/"
                && url.query().is_none()
                && matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
        };
        if !text.contains("${") && !Url::parse(&text).is_ok_and(is_one) {
            reader.report(
                node.place,
                format!("`{text}` is not an origin"),
                "Write scheme, host and port such as `https://login.example.com`, without a path",
            );
        }
        Some(Self(origin))
    }
}

/// Why an answer of `url` may not end a test whose first request went to `first_origin`.
pub(in crate::smoke) fn evaluate(
    expect: &Expect,
    first_origin: &Origin,
    url: &Url,
    values: &Values,
) -> Option<Mismatch> {
    let found = url.origin();
    let Some(origins) = &expect.origin else {
        let words = || {
            format!(
                "an answer of {}, or `expect: {{ origin: … }}` with another one",
                first_origin.ascii_serialization()
            )
        };
        return (found != *first_origin)
            .then(|| Mismatch::new("origin", words(), mask(&found.ascii_serialization())));
    };
    let is_it = |ExpectedOrigin(origin): &ExpectedOrigin| {
        Url::parse(&origin.render(values)).is_ok_and(|url| url.origin() == found)
    };
    let words = || {
        origins
            .iter()
            .map(|origin| origin.0.render_masked(values))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    (!origins.iter().any(is_it))
        .then(|| Mismatch::new("origin", words(), mask(&found.ascii_serialization())))
}
