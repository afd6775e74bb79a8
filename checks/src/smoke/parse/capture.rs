//! A test's `capture`: names for what is taken from its answer.

use reqwest::header::SET_COOKIE;

use crate::document::{Entry, Node};
use crate::form::{FromNode, read_all};
use crate::reader::{Fields, Reader};
use crate::smoke::expect::json::WrittenPath;
use crate::smoke::flow::{Capture, CaptureSource};
use crate::template::{Pattern, Secrecy};
use crate::{document_form, document_schema, document_union};

use super::names::declare;
use super::request::SentHeaderName;

/// A capture has exactly one of these keys.
const SOURCES: &[&str] = &["json", "header", "redirect", "cookie", "matches"];

const REMEDY: &str = "Write a JSONPath such as `$.id`, `status`, `url`, or one of { json, header, redirect, cookie, matches }";

/// The captures of a test. Their names are known once all of them are read: a capture cannot use
/// another one of the same answer.
#[derive(Debug, Clone)]
pub(super) struct Captures(pub(super) Vec<Capture>);

impl FromNode for Captures {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        let captures: Vec<_> = entries
            .iter()
            .map(|entry| read_capture(reader, entry))
            .collect();
        for (entry, capture) in entries.iter().zip(&captures) {
            let secrecy = capture.as_ref().map(|capture| capture.secrecy);
            let secrecy = secrecy.unwrap_or(Secrecy::Secret);
            declare(reader, &entry.key, secrecy, entry.place);
        }
        read_all(reader, &captures, |_, capture| capture.clone()).map(Self)
    }
}

fn read_capture(reader: &mut Reader<'_>, entry: &Entry) -> Option<Capture> {
    let what = format!("Capture `{}`", entry.key);
    let (source, secret) = match CaptureForm::from_node(reader, &entry.value, &what)? {
        CaptureForm::Part(part) => (part.to_source()?, part.secret == Some(true)),
        CaptureForm::Word(CaptureWord(source)) => (source, false),
    };
    let secrecy = if secret || source.is_secret() {
        Secrecy::Secret
    } else {
        Secrecy::Open
    };
    let name = entry.key.clone();
    Some(Capture {
        name,
        source,
        secrecy,
    })
}

document_union! {
    /// A JSONPath, `status`, `url`, or a part of the answer.
    #[schemars(rename = "Capture")]
    pub(super) enum CaptureForm {
        Part(CapturePart),
        Word(CaptureWord),
    }
}

document_form! {
    /// One part of an answer.
    #[schemars(extend("oneOf" = schema::one_source()))]
    pub(super) struct CapturePart, check check_one_source {
        /// A JSONPath that selects exactly one text, number, or true or false.
        json: Option<WrittenPath>,
        /// A header.
        header: Option<CapturedHeader>,
        /// A parameter of the URL that the answer points to; always a secret.
        redirect: Option<String>,
        /// A cookie that the answer sets; always a secret.
        cookie: Option<String>,
        /// A regular expression on the body: its first group, or all it matches.
        matches: Option<Pattern>,
        /// Whether the value is masked wherever people read; false when absent.
        secret: Option<bool>,
    }
}

fn check_one_source(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>, what: &str) {
    if fields.entries_with(SOURCES).len() != 1 {
        reader.report(
            node.place,
            format!("{what} does not name one part of an answer"),
            REMEDY,
        );
    }
}

impl CapturePart {
    fn to_source(&self) -> Option<CaptureSource> {
        let Self {
            json,
            header,
            redirect,
            cookie,
            matches,
            secret: _,
        } = self.clone();
        let header = header.map(|CapturedHeader(name)| CaptureSource::Header(name.0));
        json.map(CaptureSource::Json)
            .or(header)
            .or(redirect.map(CaptureSource::Redirect))
            .or(cookie.map(CaptureSource::Cookie))
            .or(matches.map(CaptureSource::Matches))
    }
}

/// A part of an answer that one word names.
#[derive(Debug, Clone)]
pub(super) struct CaptureWord(CaptureSource);

impl FromNode for CaptureWord {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let source = match text.as_str() {
            "status" => CaptureSource::Status,
            "url" => CaptureSource::Url,
            path if path.starts_with('$') => {
                CaptureSource::Json(WrittenPath::parse(reader, node.place, path)?)
            }
            _ => {
                let message = format!("{what}: `{text}` is not a part of an answer");
                return reader.refuse(node.place, message, REMEDY);
            }
        };
        Some(Self(source))
    }
}

#[derive(Debug, Clone)]
pub(super) struct CapturedHeader(SentHeaderName);

impl FromNode for CapturedHeader {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let name = SentHeaderName::from_node(reader, node, what)?;
        if name.0 == SET_COOKIE {
            return reader.refuse(
                node.place,
                "`set-cookie` holds more than a cookie's value",
                "Write `{ cookie: name }`",
            );
        }
        Some(Self(name))
    }
}

document_schema!(CapturedHeader as String);

impl CaptureSource {
    /// Cookies and what a redirect carries (codes, states) authenticate someone: they are always
    /// secrets.
    fn is_secret(&self) -> bool {
        match self {
            Self::Cookie(_) | Self::Redirect(_) => true,
            Self::Json(_) | Self::Header(_) | Self::Matches(_) | Self::Status | Self::Url => false,
        }
    }
}

#[cfg(test)]
mod schema {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::super::names::Name;
    use super::{CaptureForm, CaptureWord, Captures, SOURCES};
    use crate::document_schema;

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct Word(#[schemars(regex(pattern = r"^(\$.*|status|url)$"))] String);

    document_schema!(CaptureWord as Word);
    document_schema!(Captures as BTreeMap<Name, CaptureForm>);

    pub(super) fn one_source() -> serde_json::Value {
        SOURCES
            .iter()
            .map(|source| serde_json::json!({ "required": [source] }))
            .collect()
    }
}
