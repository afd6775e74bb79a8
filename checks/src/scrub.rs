//! Takes secrets out of text that people will read, also where a program has re-written them on the way.
//!
//! GitHub masks what is registered with it, in the log, as it was registered. Error texts and HTTP answers carry secrets in other
//! spellings, and go to the summary, the journal and the outputs too: they are scrubbed before they become a fact.

use std::collections::BTreeSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::secret::Secret;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Shorter texts occur everywhere by chance: masking `1` or `yes` would make every message unreadable and protect nothing.
const SHORTEST: usize = 4;

/// What URL libraries leave as it is.
const UNRESERVED_KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Removes secrets from texts. Secrets (and lines of secrets) shorter than four bytes are not looked for.
#[derive(Default)]
pub struct Scrubber {
    spellings: BTreeSet<String>,
}

impl Scrubber {
    /// A scrubber for these secrets in every spelling: as they are, line by line, URL-encoded, in base64, and escaped for JSON and HTML.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut scrubber = Self::default();
        secrets.into_iter().for_each(|secret| scrubber.learn(secret));
        scrubber
    }

    /// One more secret, which came to be known on the way.
    pub fn learn(&mut self, secret: &Secret) {
        let whole = secret.expose();
        for text in [whole, whole.trim()].into_iter().chain(whole.lines().map(str::trim)) {
            self.spellings.extend(spellings_of(text));
        }
    }

    /// The text with `***` in place of every secret; secrets that touch or overlap share one mask.
    pub fn scrub(&self, text: &str) -> String {
        let (mut scrubbed, mut from) = (String::with_capacity(text.len()), 0);
        for hidden in self.hidden(text) {
            scrubbed.push_str(&text[from..hidden.start]);
            scrubbed.push_str(MASK);
            from = hidden.end;
        }
        scrubbed.push_str(&text[from..]);
        scrubbed
    }

    /// Where secrets stand, in order, merged where they overlap: replacing one after the other would leave the rest of the second.
    fn hidden(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = self.spellings.iter().flat_map(|spelling| occurrences(text, spelling)).collect();
        found.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// The text on one line, at most so many characters long, with nothing in it that moves a cursor or turns the direction of writing.
pub fn one_line(text: &str, longest: usize) -> String {
    let mut characters = text.trim().chars().map(harmless);
    let mut cut: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

fn harmless(character: char) -> char {
    match character {
        '\n' | '\r' | '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

/// Every occurrence, overlapping ones too.
fn occurrences(text: &str, spelling: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    let step = spelling.chars().next().map_or(1, char::len_utf8);
    while let Some(at) = text[from..].find(spelling) {
        found.push(from + at..from + at + spelling.len());
        from += at + step;
    }
    found
}

fn spellings_of(text: &str) -> Vec<String> {
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let mut spellings = vec![text.to_owned(), ascii_escaped(text), html_escaped(text)];
    spellings.extend(percent_encoded(text));
    spellings.extend(json_escaped(text));
    spellings.extend((0..3).flat_map(|offset| base64_inside(text, offset)));
    spellings.retain(|spelling| spelling.len() >= SHORTEST);
    spellings
}

fn percent_encoded(text: &str) -> [String; 6] {
    let strict = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let usual = utf8_percent_encode(text, UNRESERVED_KEPT).to_string();
    let form = usual.replace("%20", "+");
    let lower = [&strict, &usual, &form].map(|encoded| lower_case_escapes(encoded));
    let [lower_strict, lower_usual, lower_form] = lower;
    [strict, usual, form, lower_strict, lower_usual, lower_form]
}

fn lower_case_escapes(encoded: &str) -> String {
    let mut digits = 0u8;
    let mut lower = |character: char| {
        let escaped = digits > 0;
        digits = if character == '%' { 2 } else { digits.saturating_sub(1) };
        if escaped { character.to_ascii_lowercase() } else { character }
    };
    encoded.chars().map(&mut lower).collect()
}

fn json_escaped(text: &str) -> [String; 2] {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted[1..quoted.len() - 1].to_owned();
    let slashes = inside.replace('/', "\\/");
    [inside, slashes]
}

/// JSON as many programs write it: nothing but ASCII.
fn ascii_escaped(text: &str) -> String {
    let [inside, _] = json_escaped(text);
    let mut escaped = String::with_capacity(inside.len());
    for character in inside.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            let mut units = [0; 2];
            escaped.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    escaped
}

fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The part of the base64 text that does not depend on what stands around the secret, when `offset` bytes (modulo 3) stand before it, as
/// in the `user:password` of basic authentication.
fn base64_inside(text: &str, offset: usize) -> [String; 2] {
    let bytes = [&[0; 2][..offset], text.as_bytes()].concat();
    let inside = (offset * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes)[inside.clone()].to_owned(), URL_SAFE_NO_PAD.encode(&bytes)[inside].to_owned()]
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn scrubber(secrets: &[&str]) -> Scrubber {
        Scrubber::new(&secrets.iter().map(|text| Secret::new(*text)).collect::<Vec<_>>())
    }

    #[test]
    fn a_secret_is_masked_in_every_spelling() {
        let secret = "p@ss \"wörd/<1>";
        let scrubber = scrubber(&[secret]);
        let spelled = [
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            "p%40ss+%22w%c3%b6rd%2f%3c1%3e".to_owned(),
            "p\\u0040".to_owned() + secret,
            serde_json::to_string(secret).unwrap(),
            "p@ss \\\"w\\u00f6rd\\/<1>".replace("\\/", "/"),
            html_escaped(secret),
        ];
        for text in spelled {
            let shown = scrubber.scrub(&format!("before {text} after"));
            assert!(shown.contains(MASK) && !shown.contains("rd"), "{text} → {shown}");
        }
    }

    #[test]
    fn a_secret_is_masked_inside_base64_at_every_offset() {
        let scrubber = scrubber(&["correct horse battery"]);
        for before in ["", "u", "us", "user:"] {
            let encoded = STANDARD.encode(format!("{before}correct horse battery!"));
            let shown = scrubber.scrub(&encoded);
            assert!(shown.contains(MASK) && shown.len() <= MASK.len() + 14, "{before}: {encoded} → {shown}");
        }
    }

    #[test]
    fn overlapping_secrets_leave_nothing_of_either() {
        assert_eq!(scrubber(&["abcdef", "defghi"]).scrub("x abcdefghi y"), "x *** y");
        assert_eq!(scrubber(&["aaaa"]).scrub("aaaaaa b"), "*** b");
        assert_eq!(scrubber(&["ééé"]).scrub("éééé!"), "***!");
    }

    #[test]
    fn lines_of_a_secret_are_secrets() {
        assert_eq!(scrubber(&["-----BEGIN\nMIIEabc\n"]).scrub("found MIIEabc there"), "found *** there");
    }

    #[test]
    fn very_short_secrets_are_not_looked_for() {
        assert_eq!(scrubber(&["yes", ""]).scrub("yes, 200 bytes"), "yes, 200 bytes");
        assert_eq!(Scrubber::default().scrub("as it is"), "as it is");
    }
}
