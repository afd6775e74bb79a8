//! `version`: short for "the answer is of the version that is being deployed".

use reqwest::header::HeaderName;

use crate::document::Node;
use crate::form::Named;
use crate::reader::{Fields, Reader};
use crate::smoke::parse::request::SentHeaderName;
use crate::template::{JsonTemplate, Template};
use crate::{document_form, document_union};

use super::Expect;
use super::json::{JsonExpectation, JsonValueExpectation, WrittenPath};
use super::text::{HeaderExpectation, TextExpectation};

/// Where a version is unless the test says otherwise.
const DEFAULT_PATH: &str = "$.version";

document_union! {
    /// Where the deployed version is to be seen; `true`: in `$.version`.
    #[schemars(rename = "Version")]
    pub(in crate::smoke) enum VersionExpectation {
        Enabled(bool),
        Custom(VersionPlace),
    }
}

document_form! {
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    pub(in crate::smoke) struct VersionPlace, check check_one_place {
        /// A `JSONPath` (RFC 9535).
        json: Option<WrittenPath>,
        /// The name of a header.
        header: Option<SentHeaderName>,
    }
}

fn check_one_place(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, _: &str) {
    if fields.entries_with(&["json", "header"]).len() != 1 {
        let remedy = "Write `true`, `{ json: $.version }` or `{ header: x-version }`";
        reader.report(node.place, "`version` must say where it is, once", remedy);
    }
}

impl Expect {
    /// The expectations, with `version` replaced by the conditions that it abbreviates.
    pub(in crate::smoke) fn with_version_expanded(mut self) -> Self {
        let Ok(version) = Template::parse("${version}") else {
            return self;
        };
        let (path, header): (Option<WrittenPath>, Option<HeaderName>) = match self.version.take() {
            None | Some(VersionExpectation::Enabled(false)) => (None, None),
            Some(VersionExpectation::Enabled(true)) => {
                (WrittenPath::from_valid(DEFAULT_PATH), None)
            }
            Some(VersionExpectation::Custom(place)) => {
                (place.json, place.header.map(|SentHeaderName(name)| name))
            }
        };
        if let Some(path) = path {
            let expected = JsonTemplate::Text(version.clone());
            let expected = JsonValueExpectation::Value(expected);
            let json = self.json.get_or_insert_with(|| Named(Vec::new()));
            json.0.push(JsonExpectation { path, expected });
        }
        if let Some(name) = header {
            let expected = TextExpectation::Value(version);
            let headers = self.headers.get_or_insert_with(|| Named(Vec::new()));
            headers.0.push(HeaderExpectation { name, expected });
        }
        self
    }
}
