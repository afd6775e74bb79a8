//! PURE: the XML of AWS's query protocol as JSON: elements with children become objects, lists of
//! `member`, and several children of one name, become arrays, everything else is text. Attributes are left out.

use serde_json::{Map, Value};

/// An element that is not closed yet.
struct OpenElement {
    name: String,
    children: Vec<(String, Value)>,
    text: String,
}

impl OpenElement {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            children: Vec::new(),
            text: String::new(),
        }
    }

    fn is_list(&self) -> bool {
        let first = self.children.first().map_or("", |(name, _)| name.as_str());
        (first == "member" || self.children.len() > 1)
            && self.children.iter().all(|(name, _)| name == first)
    }

    fn close(self) -> (String, Value) {
        let value = if self.children.is_empty() {
            Value::String(unescape(self.text.trim()))
        } else if self.is_list() {
            self.children.into_iter().map(|(_, value)| value).collect()
        } else {
            Value::Object(self.children.into_iter().collect::<Map<_, _>>())
        };
        (self.name, value)
    }
}

/// The content of the document's root element; none for what is no such document.
pub(super) fn parse(document: &str) -> Option<Value> {
    let mut open = vec![OpenElement::new("")];
    let mut rest = document;
    while let Some((text, after)) = rest.split_once('<') {
        let (tag, next) = after.split_once('>')?;
        rest = next;
        open.last_mut()?.text.push_str(text);
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().filter(|element| element.name == name.trim())?;
            open.last_mut()?.children.push(closed.close());
            continue;
        }
        let name = tag.trim_end_matches('/').split_whitespace().next()?;
        let element = OpenElement::new(name);
        if tag.ends_with('/') {
            open.last_mut()?.children.push(element.close());
        } else {
            open.push(element);
        }
    }
    let root = open.pop().filter(|_| open.is_empty())?;
    let [(_, value)]: [(String, Value); 1] = root.children.try_into().ok()?;
    Some(value)
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let entity = after
            .split_once(';')
            .and_then(|(name, tail)| Some((character(name)?, tail)));
        rest = if let Some((letter, tail)) = entity {
            plain.push(letter);
            tail
        } else {
            plain.push('&');
            after
        };
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_lists_and_texts_are_read() {
        let xml = r#"<?xml version="1.0"?>
            <GetXResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetXResult>
              <List><member><A>1 &lt; 2 &#x41;&amp;</A></member><member><A/></member></List><Empty></Empty>
            </GetXResult></GetXResponse>"#;
        assert_eq!(
            parse(xml),
            Some(
                json!({ "GetXResult": { "List": [{ "A": "1 < 2 A&" }, { "A": "" }], "Empty": "" } })
            )
        );
    }

    #[test]
    fn what_is_no_such_document_is_none() {
        for nonsense in [
            "",
            "{}",
            "<a>",
            "<a></b>",
            "<a></a><b></b>",
            "<a",
            "</a>",
            "<>",
        ] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }
}
