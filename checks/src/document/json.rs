//! JSON files with comments (JSONC), and mistakes in JSON that a YAML parser explains badly.
//!
//! YAML reads `//` and `/*` as the start of a plain text, which swallows the following key.
//! Therefore comments in a JSON document are replaced by blanks before it is parsed (lines and
//! columns stay the same), and the rest must be valid JSON.

use serde::de::IgnoredAny;

use super::{Fault, FaultKind, Place};

/// A text that is JSON, or was meant to be.
#[derive(Debug)]
pub(super) struct Json {
    /// The text with blanks for its comments.
    text: String,
    has_comments: bool,
}

impl Json {
    /// `None` when the text does not look like JSON. An unclosed comment is a fault.
    pub(super) fn detect(text: &str) -> Result<Option<Self>, Fault> {
        let (blanked, comments) = match blank_out_comments(text) {
            Ok(found) => found,
            Err(open) if is_json(&text[..open]) || text[..open].trim().is_empty() => {
                return Err(unclosed_comment_fault(text, open));
            }
            Err(_) => return Ok(None),
        };
        Ok(is_json(&blanked).then_some(Self {
            text: blanked,
            has_comments: comments > 0,
        }))
    }

    /// The text for the YAML parser. If comments were blanked it must be valid JSON, because in
    /// YAML the blanked part could have been text.
    pub(super) fn checked_text(&self) -> Result<&str, Fault> {
        match self.find_fault() {
            Some(fault) if self.has_comments => Err(fault),
            Some(_) | None => Ok(&self.text),
        }
    }

    /// The first mistake in JSON's own words. A comma at the end of a list is none: YAML allows it,
    /// and so do most tools.
    pub(super) fn find_fault(&self) -> Option<Fault> {
        let error = serde_json::from_str::<IgnoredAny>(&blank_trailing_commas(&self.text)).err()?;
        let message = error.to_string();
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        let message = message
            .replace("EOF while parsing", "the text ends inside")
            .replace("expected ident", "expected true, false or null");
        let remedy = match error.classify() {
            serde_json::error::Category::Eof => {
                "Close every open bracket and quote, and check that the file is complete"
            }
            _ if message.starts_with("expected `,`") => {
                "Add the comma before this place, or the quote or bracket that is missing there"
            }
            _ => "Correct the JSON at this place",
        };
        let place = Place {
            line: error.line(),
            column: error.column().max(1),
        };
        Some(new_fault(
            place,
            format!("it is not JSON: {message}"),
            remedy,
        ))
    }
}

/// An object or list as JSON begins them: `{ "key"`, `{}`, `[ "text"`, `[ {`.
fn is_json(text: &str) -> bool {
    let mut signs = text.chars().filter(|letter| !letter.is_whitespace());
    match (signs.next(), signs.next()) {
        (Some('{'), second) => matches!(second, Some('"' | '}') | None),
        (Some('['), second) => matches!(second, Some('"' | '{' | '[' | ']') | None),
        _ => false,
    }
}

fn unclosed_comment_fault(text: &str, open: usize) -> Fault {
    let before = &text[..open];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let message = "the comment that begins here has no end".to_owned();
    new_fault(Place { line, column }, message, "Close it with `*/`")
}

fn new_fault(place: Place, message: String, remedy: &str) -> Fault {
    Fault {
        place,
        message,
        remedy: remedy.to_owned(),
        kind: FaultKind::Other,
    }
}

/// The text with blanks for comments, and how many there were; or where one begins that does not
/// end.
fn blank_out_comments(text: &str) -> Result<(String, usize), usize> {
    let mut blanked = String::with_capacity(text.len());
    let (mut at, mut comments) = (0, 0);
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match letter {
            '"' => string_length(rest),
            '/' if rest.starts_with("//") && may_begin_comment(&blanked) => {
                comments += 1;
                let length = rest.find('\n').unwrap_or(rest.len());
                push_blanks(&rest[..length], &mut blanked);
                at += length;
                continue;
            }
            '/' if rest.starts_with("/*") && may_begin_comment(&blanked) => {
                comments += 1;
                let length = rest[2..].find("*/").ok_or(at)? + 4;
                push_blanks(&rest[..length], &mut blanked);
                at += length;
                continue;
            }
            other => other.len_utf8(),
        };
        blanked.push_str(&rest[..length]);
        at += length;
    }
    Ok((blanked, comments))
}

/// Within a word, as in `https://host` or `a/*`, it is no comment.
fn may_begin_comment(before: &str) -> bool {
    before.chars().next_back().is_none_or(|letter| {
        letter.is_whitespace() || "{}[],\"".contains(letter) || is_after_key(before)
    })
}

fn is_after_key(before: &str) -> bool {
    before
        .strip_suffix(':')
        .is_some_and(|key| key.trim_end().ends_with('"'))
}

/// A text with its quotes; one that is not closed goes to the end.
fn string_length(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Appends as many blanks as the comment has characters; line ends stay.
fn push_blanks(comment: &str, blanked: &mut String) {
    blanked.extend(comment.chars().map(|letter| {
        if letter == '\n' || letter == '\r' {
            letter
        } else {
            ' '
        }
    }));
}

/// Commas before a closing bracket become blanks.
fn blank_trailing_commas(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if letter == '"' {
            string_length(rest)
        } else {
            letter.len_utf8()
        };
        let is_last = letter == ',' && rest[1..].trim_start().starts_with(['}', ']']);
        kept.push_str(if is_last { " " } else { &rest[..length] });
        at += length;
    }
    kept
}
