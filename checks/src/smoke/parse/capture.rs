//! A test's `capture`: names for what is taken from its answer.

use reqwest::header::{HeaderName, SET_COOKIE};

use crate::document::{Content, Entry, Node};
use crate::reader::{Fields, Reader};
use crate::smoke::flow::{Capture, CaptureSource};
use crate::template::Secrecy;

use super::expect::json_path;
use super::keys::{CAPTURE_KEYS, CAPTURE_SOURCES};
use super::names::declare;
use super::request::named_header;

/// What an answer has only one of.
const WORDS: &str = "Write a JSONPath such as `$.id`, `status`, `url`, or one of { json, header, redirect, cookie, matches }";

pub(super) fn captures(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Capture>> {
    let entries = reader.entries(node, "`capture`")?;
    let captures: Vec<_> = entries.iter().map(|entry| capture(reader, entry)).collect();
    // Known only now: a capture cannot use another one of the same answer.
    for (entry, capture) in entries.iter().zip(&captures) {
        declare(
            reader,
            &entry.key,
            capture
                .as_ref()
                .map_or(Secrecy::Secret, |capture| capture.secrecy),
            entry.place,
        );
    }
    captures.into_iter().collect()
}

fn capture(reader: &mut Reader<'_>, entry: &Entry) -> Option<Capture> {
    let what = format!("Capture `{}`", entry.key);
    let (source, secrecy) = if matches!(entry.value.content, Content::Mapping(_)) {
        let fields = reader.fields(&entry.value, &what, CAPTURE_KEYS)?;
        let secrecy = said(reader, &fields);
        let source = from_mapping(reader, &entry.value, &fields, &what)?;
        (source, secrecy?)
    } else {
        (from_word(reader, &entry.value, &what)?, Secrecy::Open)
    };
    let secrecy = if source.is_confidential() {
        Secrecy::Secret
    } else {
        secrecy
    };
    Some(Capture {
        name: entry.key.clone(),
        source,
        secrecy,
    })
}

fn said(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Secrecy> {
    let Some(node) = fields.get("secret") else {
        return Some(Secrecy::Open);
    };
    reader.boolean(node, "`secret`").map(|secret| {
        if secret {
            Secrecy::Secret
        } else {
            Secrecy::Open
        }
    })
}

fn from_word(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<CaptureSource> {
    let text = reader.text(node, what)?;
    match text.as_str() {
        "status" => Some(CaptureSource::Status),
        "url" => Some(CaptureSource::Url),
        path if path.starts_with('$') => json(reader, node, path),
        _ => {
            reader.report(
                node.place,
                format!("{what}: `{text}` is not a part of an answer"),
                WORDS,
            );
            None
        }
    }
}

fn from_mapping(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    what: &str,
) -> Option<CaptureSource> {
    let entries = fields.among(CAPTURE_SOURCES);
    let [entry] = entries.as_slice() else {
        reader.report(
            node.place,
            format!("{what} does not name one part of an answer"),
            WORDS,
        );
        return None;
    };
    let (node, named) = (&entry.value, format!("`{}`", entry.key));
    if entry.key == "matches" {
        return reader.pattern(node, &named).map(CaptureSource::Matches);
    }
    let text = reader.text(node, &named)?;
    match entry.key.as_str() {
        "json" => json(reader, node, &text),
        "header" => header(reader, node, &text),
        "redirect" => Some(CaptureSource::Redirect(text)),
        _ => Some(CaptureSource::Cookie(text)),
    }
}

fn json(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<CaptureSource> {
    json_path(reader, node.place, path).map(|parsed| CaptureSource::Json {
        written: path.to_owned(),
        path: parsed,
    })
}

fn header(reader: &mut Reader<'_>, node: &Node, name: &str) -> Option<CaptureSource> {
    let name: HeaderName = named_header(reader, node.place, name)?;
    if name == SET_COOKIE {
        reader.report(
            node.place,
            "`set-cookie` holds more than a cookie's value",
            "Write `{ cookie: name }`",
        );
    }
    Some(CaptureSource::Header(name))
}

impl CaptureSource {
    /// Cookies and what a redirect carries (codes, states) authenticate someone: they are secrets
    /// without being called so.
    fn is_confidential(&self) -> bool {
        match self {
            Self::Cookie(_) | Self::Redirect(_) => true,
            Self::Json { .. } | Self::Header(_) | Self::Matches(_) | Self::Status | Self::Url => {
                false
            }
        }
    }
}
