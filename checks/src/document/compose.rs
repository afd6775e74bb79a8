//! Text to a tree of nodes by the rules of YAML 1.2 (core schema), of which JSON is a part.
//!
//! We build the tree ourselves from the parser's events, because some documents are sent to AWS
//! unchanged: `yes` stays a text, `0123` is 123, `1_000` stays a text, key order is kept, and a key
//! that appears twice is a fault with its place, even when both spellings are only equal as texts
//! (`1:` and `"1":`). Merge keys (`<<: *defaults`) are expanded. It is independent of what the
//! document describes.
//!
//! One file, because composing is one pass over the events; a quarter of it is tests.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use super::json::Json;
use super::{Content, Entry, Fault, FaultKind, Node, Place, scalar};

/// The limit of nodes after aliases are expanded. A task definition is at most 64 KiB, so this is
/// far beyond any real document, and stops a file that is made to expand without end.
const MAX_NODES: usize = 100_000;
/// The same limit in bytes of text, against a few long values that are repeated many times.
const MAX_BYTES: usize = 1024 * 1024;

fn place_at(marker: Marker) -> Place {
    Place {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

impl Fault {
    fn new(marker: Marker, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            place: place_at(marker),
            message: message.into(),
            remedy: remedy.into(),
            kind: FaultKind::Other,
        }
    }

    fn yaml_syntax(marker: Marker, message: &str) -> Self {
        let kind = FaultKind::YamlSyntax;
        Self {
            kind,
            ..Self::new(marker, message, "Correct the syntax at this place")
        }
    }
}

/// The message for a JSON comment (`//`, `/*`) in YAML.
const JSON_COMMENT: &str =
    "a comment of JSON in YAML: it would be read as a part of the key that follows";

fn is_json_comment(text: &str) -> bool {
    text.starts_with("//") || text.starts_with("/*")
}

/// If the line of a syntax error, or the line before it, begins with a JSON comment, a fault that
/// says so.
fn find_json_comment(text: &str, fault: &Fault) -> Option<Fault> {
    let last = fault.place.line;
    let first = last.saturating_sub(1).max(1);
    let mut lines = text
        .lines()
        .enumerate()
        .skip(first - 1)
        .take(1 + last - first);
    let (index, line) = lines.find(|(_, line)| is_json_comment(line.trim_start()))?;
    let column = line
        .chars()
        .take_while(|letter| letter.is_whitespace())
        .count()
        + 1;
    let line = index + 1;
    Some(Fault {
        place: Place { line, column },
        message: JSON_COMMENT.to_owned(),
        remedy: "Begin comments in YAML with `#`".to_owned(),
        kind: FaultKind::Other,
    })
}

/// The one document of a text; `Null` for a text without any.
///
/// # Errors
/// All duplicate keys and unusable numbers, and the first place at which the text stops being YAML.
pub fn compose(text: &str) -> Result<Node, Vec<Fault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json = Json::detect(text).map_err(|fault| vec![fault])?;
    let text = json
        .as_ref()
        .map_or(Ok(text), Json::checked_text)
        .map_err(|fault| vec![fault])?;
    let mut composer = Composer::new(text);
    match composer.compose_document() {
        Ok(node) if composer.faults.is_empty() => Ok(node),
        Ok(_) => Err(composer.faults),
        Err(fault) => {
            let fault = find_json_comment(text, &fault).unwrap_or(fault);
            let fault = json.as_ref().and_then(Json::find_fault).unwrap_or(fault);
            composer.faults.push(fault);
            Err(composer.faults)
        }
    }
}

/// A node with an anchor, and its size: an alias repeats it.
struct Anchored {
    node: Node,
    size: Size,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Anchored>,
    faults: Vec<Fault>,
    size: Size,
}

impl<'a> Composer<'a> {
    fn new(text: &'a str) -> Self {
        let options = granit_parser::options! { emit_comments: false };
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            faults: Vec::new(),
            size: Size::default(),
        }
    }

    fn compose_document(&mut self) -> Result<Node, Fault> {
        let mut root = None;
        loop {
            let (event, span) = self.next_event()?;
            match event {
                Event::StreamEnd => return Ok(root.unwrap_or_else(empty_document)),
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(second_document_fault(span));
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                node => root = Some(self.compose_node(node, span)?),
            }
        }
    }

    fn next_event(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(Fault::yaml_syntax(*error.marker(), &error.info())),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn compose_node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Fault> {
        let before = self.size;
        let bytes = if let Event::Scalar(text, ..) = &event {
            text.len()
        } else {
            0
        };
        self.add_size(Size { nodes: 1, bytes }, span)?;
        let place = place_at(span.start);
        let mut written = String::new();
        let (content, anchor) = match event {
            Event::Alias(id) => return self.resolve_alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map(|tag| tag.core_suffix().unwrap_or("str"));
                let content = self.compose_scalar(&text, style, tag, span);
                if let Content::Boolean(_) | Content::Number(_) = content {
                    written = text.into_owned();
                }
                (content, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Content::List(self.compose_sequence()?), anchor),
            Event::MappingStart(_, anchor, _) => {
                (Content::Mapping(self.compose_mapping()?), anchor)
            }
            _ => return Err(Fault::yaml_syntax(span.start, "a value is missing here")),
        };
        let node = Node {
            content,
            place,
            written,
        };
        if anchor > 0 {
            let size = Size {
                nodes: self.size.nodes - before.nodes,
                bytes: self.size.bytes - before.bytes,
            };
            let anchored = node.clone();
            self.anchors.insert(
                anchor,
                Anchored {
                    node: anchored,
                    size,
                },
            );
        }
        Ok(node)
    }

    fn add_size(&mut self, more: Size, span: Span) -> Result<(), Fault> {
        self.size = Size {
            nodes: self.size.nodes + more.nodes,
            bytes: self.size.bytes + more.bytes,
        };
        let most = match self.size {
            Size { nodes, .. } if nodes > MAX_NODES => format!("{MAX_NODES} values"),
            Size { bytes, .. } if bytes > MAX_BYTES => {
                format!("{} KiB of text", MAX_BYTES / 1024)
            }
            Size { .. } => return Ok(()),
        };
        let message = format!("the document has more than {most} when its aliases are expanded");
        Err(Fault::new(
            span.start,
            message,
            "Make the document smaller or use fewer aliases",
        ))
    }

    /// What the alias repeats, at the place of the alias.
    fn resolve_alias(&mut self, id: usize, span: Span) -> Result<Node, Fault> {
        let inside = || {
            Fault::new(
                span.start,
                "the alias is inside the value it repeats",
                "Write the value out instead",
            )
        };
        let size = self.anchors.get(&id).ok_or_else(inside)?.size;
        // The size is counted before the node is cloned, so that an oversized tree is never built.
        self.add_size(size, span)?;
        let mut node = self.anchors.get(&id).ok_or_else(inside)?.node.clone();
        node.place = place_at(span.start);
        Ok(node)
    }

    /// A quoted or block scalar is a text; a plain one is resolved by the core schema. A number
    /// that JSON cannot represent is recorded as a fault and read as null, so that the other faults
    /// are found too.
    fn compose_scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&str>,
        span: Span,
    ) -> Content {
        let resolved = match (tag, style) {
            (Some("str"), _) => return Content::Text(text.to_owned()),
            (Some(_), _) | (None, ScalarStyle::Plain) => scalar::resolve(text),
            (None, _) => return Content::Text(text.to_owned()),
        };
        resolved.unwrap_or_else(|unusable| {
            self.faults.push(Fault::new(
                span.start,
                unusable.to_string(),
                "Put it in quotes if it is meant as a text",
            ));
            Content::Null
        })
    }

    fn compose_sequence(&mut self) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next_event()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.compose_node(event, span)?),
            }
        }
    }

    fn compose_mapping(&mut self) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut seen_keys = HashSet::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next_event()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ScalarStyle::Plain, 0, None) if text == "<<" => None,
                event => Some(self.compose_key(event, span)?),
            };
            let (event, value_span) = self.next_event()?;
            let value = self.compose_node(event, value_span)?;
            match key {
                None => merged.extend(
                    entries_to_merge(value).ok_or_else(|| not_mergeable_fault(value_span))?,
                ),
                Some(key) if !seen_keys.insert(key.clone()) => {
                    self.faults.push(duplicate_key_fault(&key, span));
                }
                Some(key) => entries.push(Entry {
                    key,
                    place: place_at(span.start),
                    value,
                }),
            }
        }
        // Own keys win over merged ones, and an earlier merged mapping over a later one.
        merged.retain(|entry| seen_keys.insert(entry.key.clone()));
        entries.extend(merged);
        Ok(entries)
    }

    fn compose_key(&mut self, event: Event<'a>, span: Span) -> Result<String, Fault> {
        if let Event::Scalar(text, style, ..) = &event {
            if *style == ScalarStyle::Plain && is_json_comment(text) {
                return Err(Fault::new(
                    span.start,
                    JSON_COMMENT,
                    "Begin comments in YAML with `#`",
                ));
            }
            let key = text.clone().into_owned();
            self.compose_node(event, span)?;
            return Ok(key);
        }
        match self.compose_node(event, span)?.content {
            Content::Text(key) => Ok(key),
            _ => Err(Fault::new(
                span.start,
                "a key must be a text",
                "Use a plain word or a quoted text as the key",
            )),
        }
    }
}

fn second_document_fault(span: Span) -> Fault {
    Fault::new(
        span.start,
        "a second document starts here, only one is allowed",
        "Remove the `---` and what follows it",
    )
}

fn not_mergeable_fault(span: Span) -> Fault {
    Fault::new(
        span.start,
        "only a mapping or a list of mappings can be merged with `<<`",
        "Let `<<` refer to a mapping",
    )
}

fn duplicate_key_fault(key: &str, span: Span) -> Fault {
    Fault::new(
        span.start,
        format!("the key `{key}` appears twice, keys must be unique"),
        format!("Remove one of the two `{key}`"),
    )
}

fn entries_to_merge(node: Node) -> Option<Vec<Entry>> {
    match node.content {
        Content::Mapping(entries) => Some(entries),
        Content::List(items) => {
            let mut merged = Vec::new();
            for item in items {
                let Content::Mapping(entries) = item.content else {
                    return None;
                };
                merged.extend(entries);
            }
            Some(merged)
        }
        Content::Null | Content::Boolean(_) | Content::Number(_) | Content::Text(_) => None,
    }
}

/// The tree of an empty text: a null at line 1.
fn empty_document() -> Node {
    Node {
        content: Content::Null,
        place: Place { line: 1, column: 1 },
        written: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose_json(text: &str) -> String {
        compose(text).map_or_else(
            |faults| format!("{:?}", faults[0]),
            |node| node.to_json().to_string(),
        )
    }

    fn fault_places(text: &str) -> Vec<(usize, usize)> {
        compose(text).map_or_else(
            |faults| {
                faults
                    .iter()
                    .map(|fault| (fault.place.line, fault.place.column))
                    .collect()
            },
            |_| Vec::new(),
        )
    }

    #[test]
    fn texts_are_read_as_the_official_parser_reads_them() {
        // The expected values are those of the npm package `yaml` 2.9, taken from a run of it.
        let table = [
            (
                "a: yes\nb: no\nc: on\nd: off\ne: true\nf: True\ng: FALSE",
                r#"{"a":"yes","b":"no","c":"on","d":"off","e":true,"f":true,"g":false}"#,
            ),
            (
                "a: |\n  one\n  two\nb: >-\n  one\n  two\n\n  three\nc: |+\n  x\n\n",
                r#"{"a":"one\ntwo\n","b":"one two\nthree","c":"x\n\n"}"#,
            ),
            ("a: |2\n    x\n   y\n", r#"{"a":"  x\n y\n"}"#),
            (
                "{\n\t\"a\": 1,\n\t\"b\": [1,\n\t2,]\n}\n",
                r#"{"a":1,"b":[1,2]}"#,
            ),
            ("a: &x {b: 1}\nc: *x", r#"{"a":{"b":1},"c":{"b":1}}"#),
            (
                "a: 2024-01-01\nb: 12:30:45",
                r#"{"a":"2024-01-01","b":"12:30:45"}"#,
            ),
            ("\u{feff}a: 1\r\nb: |\r\n  x\r\n", r#"{"a":1,"b":"x\n"}"#),
            ("%YAML 1.2\n---\na: 1\n...\n", r#"{"a":1}"#),
            (
                "a: x # comment\nb: x#y\nc: '#'",
                r##"{"a":"x","b":"x#y","c":"#"}"##,
            ),
            (
                r#"{"a": "\ud83d\ude00\u0041", "b": "\/"}"#,
                r#"{"a":"😀A","b":"/"}"#,
            ),
            (
                "a: !!str 5\nb: !!int \"5\"\nc: !foo x",
                r#"{"a":"5","b":5,"c":"x"}"#,
            ),
            ("", "null"),
            ("# nothing", "null"),
            ("z: 1\na: 2\nm: 3", r#"{"z":1,"a":2,"m":3}"#),
        ];
        for (text, expected) in table {
            assert_eq!(compose_json(text), expected, "{text}");
        }
    }

    #[test]
    fn merge_keys_are_expanded_and_own_keys_win() {
        assert_eq!(
            compose_json("a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n"),
            r#"{"a":{"b":1,"c":2},"d":{"c":3,"b":1}}"#
        );
        assert_eq!(
            compose_json("a: {<<: [{b: 1}, {b: 2, c: 2}]}"),
            r#"{"a":{"b":1,"c":2}}"#
        );
        assert_eq!(fault_places("a: {<<: 5}"), [(1, 9)]);
    }

    #[test]
    fn every_duplicate_key_is_reported_with_its_place() {
        assert_eq!(
            fault_places("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n"),
            [(4, 3), (5, 1)]
        );
        assert_eq!(fault_places("{\"a\":1,\"b\":{\"c\":1,\"c\":2}}"), [(1, 19)]);
        assert_eq!(fault_places("1: a\n\"1\": b"), [(2, 1)]);
    }

    #[test]
    fn what_is_not_yaml_is_reported_with_its_place() {
        let table = [
            ("a: [1, 2\n", (1, 4)),
            ("a: b: c", (1, 5)),
            ("a: @x", (1, 4)),
            ("a:\n\tb: 1", (2, 2)),
            ("a: *nope", (1, 4)),
            ("a: &x [*x]", (1, 8)),
        ];
        for (text, place) in table {
            assert_eq!(fault_places(text), [place], "{text}");
        }
        assert_eq!(fault_places("? [x]\n: 1").len(), 1);
        assert_eq!(fault_places("a: 1\n---\nb: 2").len(), 1);
        assert_eq!(fault_places("a: .inf\nb: .nan"), [(1, 4), (2, 4)]);
    }

    #[test]
    fn a_document_built_to_explode_is_refused() {
        let line = |level: usize| {
            format!(
                "a{level}: &a{level} [{}]\n",
                [format!("*a{}", level - 1).as_str(); 10].join(", ")
            )
        };
        let text = format!(
            "a0: &a0 [{}]\n{}",
            ["x"; 10].join(", "),
            (1..9).map(line).collect::<String>()
        );
        assert!(compose_json(&text).contains("more than 100000 values"));
        let long = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(100_000),
            vec!["*a"; 2_000].join(", ")
        );
        assert!(
            compose_json(&long).contains("more than 1024 KiB of text"),
            "{}",
            &compose_json(&long)[..200]
        );
        let merged = format!(
            "a: &a {{ k: {} }}\nb:\n{}",
            "x".repeat(100_000),
            "  - { <<: *a }\n".repeat(2_000)
        );
        assert!(
            compose_json(&merged).contains("more than 1024 KiB of text"),
            "{}",
            &compose_json(&merged)[..200]
        );
        assert!(!fault_places(&"[".repeat(100_000)).is_empty());
    }
}
