//! `version`: short for "what answers is the version that is being deployed".

use reqwest::header::HeaderName;
use serde_json_path::JsonPath;

use crate::document::{Content, Node};
use crate::reader::Reader;
use crate::smoke::form::{Expect, JsonCondition, JsonExpectation, TextCondition};
use crate::smoke::parse::keys::VERSION_KEYS;
use crate::smoke::parse::request::named_header;
use crate::template::{JsonTemplate, Template};

/// Where a version stands unless the test says otherwise.
const USUAL_PATH: &str = "$.version";

/// Where the deployed version is to be seen.
pub(super) enum VersionSource {
    NotAsked,
    Json {
        written: String,
        path: JsonPath,
        version: Template,
    },
    Header(HeaderName, Template),
}

pub(super) fn version(reader: &mut Reader<'_>, node: &Node) -> Option<VersionSource> {
    // As if it stood there: the variable counts as used.
    let version = reader.parsed(node, "${version}")?;
    if let Content::Boolean(wanted) = node.content {
        return if wanted {
            json(reader, node, USUAL_PATH, version)
        } else {
            Some(VersionSource::NotAsked)
        };
    }
    let fields = reader.fields(node, "`version`", VERSION_KEYS)?;
    let entries = fields.among(VERSION_KEYS);
    let [entry] = entries.as_slice() else {
        let remedy = "Write `true`, `{ json: $.version }` or `{ header: x-version }`";
        reader.report(node.place, "`version` must say where it is, once", remedy);
        return None;
    };
    let text = reader.text(&entry.value, &format!("`{}`", entry.key))?;
    match entry.key.as_str() {
        "header" => named_header(reader, entry.value.place, &text)
            .map(|name| VersionSource::Header(name, version)),
        _ => json(reader, &entry.value, &text, version),
    }
}

fn json(
    reader: &mut Reader<'_>,
    node: &Node,
    written: &str,
    version: Template,
) -> Option<VersionSource> {
    let path = super::json_path(reader, node.place, written)?;
    Some(VersionSource::Json {
        written: written.to_owned(),
        path,
        version,
    })
}

impl Expect {
    /// The same, and the version stands where it must.
    pub(super) fn with_version(mut self, seen: VersionSource) -> Self {
        match seen {
            VersionSource::NotAsked => {}
            VersionSource::Header(name, version) => self
                .headers
                .push((name, vec![TextCondition::Equals(version)])),
            VersionSource::Json {
                written,
                path,
                version,
            } => {
                let conditions = vec![JsonCondition::Equals(JsonTemplate::Text(version))];
                self.json.push(JsonExpectation {
                    written,
                    path,
                    conditions,
                });
            }
        }
        self
    }
}
