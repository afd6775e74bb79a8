//! `security-headers`: `true` for all of them as OWASP asks, a list of those that are wanted, or a
//! mapping of what is different.

use std::time::Duration;

use crate::document::{Content, Entry, Node};
use crate::reader::{Fields, Reader};
use crate::smoke::form::{Comparison, Durations, Inline, SecurityHeader};
use crate::smoke::parse::keys::{POLICY_KEYS, SECURITY_KEYS, TRANSPORT_SECURITY_KEYS};

use super::conditions;

/// The least that OWASP's ASVS 5.0 accepts (3.4.1): a year.
const YEAR: Duration = Duration::from_hours(365 * 24);

fn year() -> Durations {
    vec![(Comparison::AtLeast, YEAR)]
}

pub(super) fn headers(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<SecurityHeader>> {
    match &node.content {
        Content::Boolean(false) => Some(Vec::new()),
        Content::Boolean(true) => Some(SECURITY_KEYS.iter().map(|key| usual(key)).collect()),
        Content::List(items) => {
            let table: Vec<_> = SECURITY_KEYS.iter().map(|key| (*key, *key)).collect();
            let wanted: Vec<_> = items
                .iter()
                .map(|item| reader.word(item, "`security-headers`", &table).map(usual))
                .collect();
            wanted.into_iter().collect()
        }
        Content::Null | Content::Number(_) | Content::Text(_) | Content::Mapping(_) => {
            let fields = reader.fields(node, "`security-headers`", SECURITY_KEYS)?;
            let wanted: Vec<_> = SECURITY_KEYS
                .iter()
                .map(|key| changed(reader, &fields, key))
                .collect();
            let wanted: Option<Vec<_>> = wanted.into_iter().collect();
            Some(wanted?.into_iter().flatten().collect())
        }
    }
}

/// What is asked of a header when nothing is said of it.
fn usual(key: &str) -> SecurityHeader {
    match key {
        "strict-transport-security" => SecurityHeader::TransportSecurity(year()),
        "content-security-policy" => SecurityHeader::ContentPolicy(Inline::Refused),
        "x-frame-options" => SecurityHeader::Framing,
        _ => SecurityHeader::NoSniff,
    }
}

/// What is asked of a header where the mapping may say something else; nothing when it is not
/// wanted.
fn changed(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<Vec<SecurityHeader>> {
    let Some(entry) = fields.entry(key) else {
        return Some(vec![usual(key)]);
    };
    match (&entry.value.content, key) {
        (Content::Mapping(_), "strict-transport-security") => {
            transport_security(reader, entry).map(|header| vec![header])
        }
        (Content::Mapping(_), "content-security-policy") => {
            content_policy(reader, entry).map(|header| vec![header])
        }
        _ => reader
            .boolean(&entry.value, &format!("`{key}`"))
            .map(|wanted| wanted.then(|| usual(key)).into_iter().collect()),
    }
}

fn transport_security(reader: &mut Reader<'_>, entry: &Entry) -> Option<SecurityHeader> {
    let fields = reader.fields(
        &entry.value,
        "`strict-transport-security`",
        TRANSPORT_SECURITY_KEYS,
    )?;
    let age = fields.get("max-age").map_or_else(
        || Some(year()),
        |node| conditions::durations(reader, node, "`max-age`"),
    );
    age.map(SecurityHeader::TransportSecurity)
}

fn content_policy(reader: &mut Reader<'_>, entry: &Entry) -> Option<SecurityHeader> {
    let fields = reader.fields(&entry.value, "`content-security-policy`", POLICY_KEYS)?;
    let allowed = fields
        .get("unsafe-inline")
        .map_or(Some(false), |node| reader.boolean(node, "`unsafe-inline`"))?;
    Some(SecurityHeader::ContentPolicy(if allowed {
        Inline::Allowed
    } else {
        Inline::Refused
    }))
}
