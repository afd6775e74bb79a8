//! Takes secrets out of text that people will read, also where a program has re-written them on the
//! way.
//!
//! GitHub masks what is registered with it, in the log, as it was registered. Error texts and HTTP
//! answers carry secrets in other spellings, and go to the summary, the journal and the outputs
//! too. So text from outside is masked where it becomes a part of a sentence: [`masked`]. Our own
//! words, names, ARNs and numbers never are, whatever value a secret has; a sentence as a whole is
//! only searched for what no word of ours can be: [`without_tokens`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::secret::Secret;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Shorter texts occur everywhere by chance: masking `1` or `yes` would make every message
/// unreadable and protect nothing.
const SHORTEST: usize = 4;

/// A token is at least this long.
const TOKEN: usize = 12;

/// What URL libraries leave as it is.
const UNRESERVED_KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The secrets of this process. A process serves one run, so there is no second run to confuse them
/// with.
static KNOWN: RwLock<Scrubber> = RwLock::new(Scrubber {
    spellings: BTreeMap::new(),
});

/// A secret that text from outside is masked of from now on, whoever shows it.
pub fn register(secret: &Secret) {
    KNOWN
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .learn(secret);
}

/// A text from outside without secrets: a message of AWS, a line of a log, a part of an answer.
pub fn masked(text: &str) -> String {
    Scrubber::default().scrub(text)
}

/// A sentence of ours, in which text from outside may stand: only secrets that cannot be words of
/// ours are taken out.
pub fn without_tokens(text: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    replaced(text, known.hidden(text, Likeness::is_token))
}

/// Whether a text is masked at all: not when it is short, and not without a letter or a digit.
pub fn is_maskable(text: &str) -> bool {
    text.chars().nth(SHORTEST - 1).is_some() && text.chars().any(char::is_alphanumeric)
}

/// What a secret looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It may be a word of ours too.
    Word,
    /// Only digits: it may be a part of another number.
    Number,
    /// Made by a machine: long, with letters and digits mixed.
    Token,
}

impl Likeness {
    fn of(secret: &str) -> Self {
        if secret.chars().all(|letter| letter.is_ascii_digit()) {
            return Self::Number;
        }
        let has = |text: &str, wanted: fn(char) -> bool| text.contains(wanted);
        let is_mixed = |piece: &str| {
            has(piece, |letter| letter.is_ascii_digit()) && has(piece, char::is_alphabetic)
        };
        let has_cases = has(secret, char::is_uppercase) && has(secret, char::is_lowercase);
        // The region `eu-central-1` is words and a number.
        let mixes = secret
            .split(|letter: char| !letter.is_alphanumeric())
            .any(is_mixed)
            || (has_cases && is_mixed(secret));
        let is_name = secret.starts_with("arn:")
            || secret.contains("amazonaws.com")
            || secret.contains("sha256:");
        let is_whole = secret.chars().nth(TOKEN - 1).is_some() && !has(secret, char::is_whitespace);
        if is_whole && mixes && !is_name {
            Self::Token
        } else {
            Self::Word
        }
    }

    fn is_token(self) -> bool {
        self == Self::Token
    }

    /// Whether a secret like this counts where it was found. An ARN stays whole, and so does a
    /// longer number.
    fn counts(self, text: &str, at: &Range<usize>) -> bool {
        match self {
            Self::Token => true,
            Self::Word => !is_in_arn(text, at),
            Self::Number => !is_in_arn(text, at) && is_apart(text, at),
        }
    }
}

/// Removes secrets from texts from outside: its own, and those that are registered. Secrets (and
/// lines of secrets) of less than four characters are not looked for.
#[derive(Default)]
pub struct Scrubber {
    spellings: BTreeMap<String, Likeness>,
}

impl Scrubber {
    /// A scrubber for these secrets in every spelling: as they are, line by line, URL-encoded, in
    /// base64, and escaped for JSON and HTML.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut scrubber = Self::default();
        secrets
            .into_iter()
            .for_each(|secret| scrubber.learn(secret));
        scrubber
    }

    /// One more secret, which came to be known on the way.
    pub fn learn(&mut self, secret: &Secret) {
        let whole = secret.expose();
        for text in [whole, whole.trim()]
            .into_iter()
            .chain(whole.lines().map(str::trim))
        {
            let likeness = Likeness::of(text);
            for spelling in spellings_of(text) {
                let known = self.spellings.entry(spelling).or_insert(likeness);
                *known = likeness.max(*known);
            }
        }
    }

    /// The text with `***` in place of every secret; secrets that touch or overlap share one mask.
    pub fn scrub(&self, text: &str) -> String {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        let everything = |_| true;
        replaced(
            text,
            self.hidden(text, everything)
                .into_iter()
                .chain(known.hidden(text, everything))
                .collect(),
        )
    }

    /// Where secrets stand.
    fn hidden(&self, text: &str, wanted: impl Fn(Likeness) -> bool) -> Vec<Range<usize>> {
        let spellings = self
            .spellings
            .iter()
            .filter(|(_, likeness)| wanted(**likeness));
        let found = spellings.flat_map(|(spelling, likeness)| {
            occurrences(text, spelling)
                .into_iter()
                .filter(|at| likeness.counts(text, at))
        });
        found.collect()
    }
}

/// The text with a mask in each of these places.
fn replaced(text: &str, hidden: Vec<Range<usize>>) -> String {
    let (mut scrubbed, mut from) = (String::with_capacity(text.len()), 0);
    for hidden in merged(hidden) {
        scrubbed.push_str(&text[from..hidden.start]);
        scrubbed.push_str(MASK);
        from = hidden.end;
    }
    scrubbed.push_str(&text[from..]);
    scrubbed
}

/// In order, merged where they overlap: replacing one after the other would leave the rest of the
/// second.
fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
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

/// Whether the word around a place is an ARN, which is a name and no secret.
fn is_in_arn(text: &str, at: &Range<usize>) -> bool {
    let ends = |letter: char| {
        letter.is_whitespace()
            || matches!(
                letter,
                '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '<' | '>' | '[' | ']'
            )
    };
    // An ARN has at most 2,048 characters. Without this bound, a text of megabytes without a space
    // would take minutes.
    let mut floor = at.start.saturating_sub(2_048);
    while !text.is_char_boundary(floor) {
        floor += 1;
    }
    let before = &text[floor..at.start];
    let from = before.rfind(ends).map_or(floor, |end| {
        floor + end + before[end..].chars().next().map_or(1, char::len_utf8)
    });
    text[from..].starts_with("arn:") && !text[at.clone()].contains(ends)
}

/// Whether a number is not a part of a longer word.
fn is_apart(text: &str, at: &Range<usize>) -> bool {
    let joins = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    !joins(text[..at.start].chars().next_back()) && !joins(text[at.end..].chars().next())
}

/// The text on one line, at most so many characters long, with nothing in it that moves a cursor or
/// turns the direction of writing.
pub fn one_line(text: &str, longest: usize) -> String {
    on_one_line(text.trim(), longest)
}

/// The same with its indent, which says something in a log.
pub fn on_one_line(text: &str, longest: usize) -> String {
    let mut characters = text.chars().map(harmless);
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
        trick if is_trick(trick) => '\u{fffd}',
        other => other,
    }
}

/// Whether a character changes how others are shown: it moves a cursor, ends a line, turns the
/// direction of writing, or is not seen.
pub fn is_trick(character: char) -> bool {
    let unseen = matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    unseen || matches!(character, '\u{feff}' | '\u{e0000}'..='\u{e007f}') || character.is_control()
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
    if !is_maskable(text) {
        return Vec::new();
    }
    let mut spellings = vec![text.to_owned(), ascii_escaped(text), html_escaped(text)];
    spellings.extend(percent_encoded(text));
    spellings.extend(json_escaped(text));
    spellings.extend((0..3).flat_map(|offset| base64_inside(text, offset)));
    spellings.retain(|spelling| is_maskable(spelling));
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
        digits = if character == '%' {
            2
        } else {
            digits.saturating_sub(1)
        };
        if escaped {
            character.to_ascii_lowercase()
        } else {
            character
        }
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
            escaped.extend(
                character
                    .encode_utf16(&mut units)
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            );
        }
    }
    escaped
}

fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The part of the base64 text that does not depend on what stands around the secret, when `offset`
/// bytes (modulo 3) stand before it, as in the `user:password` of basic authentication.
fn base64_inside(text: &str, offset: usize) -> [String; 2] {
    let bytes = [&[0; 2][..offset], text.as_bytes()].concat();
    let inside = (offset * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [
        STANDARD_NO_PAD.encode(&bytes)[inside.clone()].to_owned(),
        URL_SAFE_NO_PAD.encode(&bytes)[inside].to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn scrubber(secrets: &[&str]) -> Scrubber {
        Scrubber::new(
            &secrets
                .iter()
                .map(|text| Secret::new(*text))
                .collect::<Vec<_>>(),
        )
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
            assert!(
                shown.contains(MASK) && !shown.contains("rd"),
                "{text} → {shown}"
            );
        }
    }

    #[test]
    fn a_secret_is_masked_inside_base64_at_every_offset() {
        let scrubber = scrubber(&["correct horse battery"]);
        for before in ["", "u", "us", "user:"] {
            let encoded = STANDARD.encode(format!("{before}correct horse battery!"));
            let shown = scrubber.scrub(&encoded);
            assert!(
                shown.contains(MASK) && shown.len() <= MASK.len() + 14,
                "{before}: {encoded} → {shown}"
            );
        }
    }

    #[test]
    fn overlapping_secrets_leave_nothing_of_either() {
        assert_eq!(
            scrubber(&["abcdef", "defghi"]).scrub("x abcdefghi y"),
            "x *** y"
        );
        assert_eq!(scrubber(&["aaaa"]).scrub("aaaaaa b"), "*** b");
        assert_eq!(scrubber(&["éééé"]).scrub("ééééé!"), "***!");
    }

    #[test]
    fn lines_of_a_secret_are_secrets() {
        assert_eq!(
            scrubber(&["-----BEGIN\nMIIEabc\n"]).scrub("found MIIEabc there"),
            "found *** there"
        );
    }

    #[test]
    fn very_short_secrets_are_not_looked_for() {
        assert_eq!(
            scrubber(&["yes", ""]).scrub("yes, 200 bytes"),
            "yes, 200 bytes"
        );
        assert_eq!(Scrubber::default().scrub("as it is"), "as it is");
    }

    #[test]
    fn an_arn_and_a_longer_number_stay_whole() {
        let scrubber = scrubber(&[
            "eu-central-1",
            "8080",
            "prod",
            "arn:aws:iam::123456789012:role/prod",
        ]);
        for text in [
            "denied on resource: arn:aws:ecs:eu-central-1:123456788080:service/prod/api.",
            "(arn:aws:iam::123456789012:role/prod)",
            "port 18080 of 80801",
        ] {
            assert_eq!(scrubber.scrub(text), text);
        }
        assert_eq!(
            scrubber.scrub("in eu-central-1: 8080 (production)"),
            "in ***: *** (***uction)"
        );
        assert_eq!(scrubber.scrub("warn:prod arn: prod"), "warn:*** arn: ***");
    }

    #[test]
    fn a_sentence_is_only_searched_for_what_no_word_of_ours_can_be() {
        let words = [
            "deploy",
            "nothing-to-return-to",
            "blue serves 100 % of production",
            "eu-central-1",
            "123456789012",
            "correct horse",
            "sha256:0a1b2c3d4e5f",
        ];
        let tokens = [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "AKIAIOSFODNN7EXAMPLE",
            "a1b2c3d4e5f6",
        ];
        words
            .iter()
            .chain(&tokens)
            .for_each(|text| register(&Secret::new(*text)));
        let sentence = words.join(", ");
        assert_eq!(without_tokens(&sentence), sentence);
        assert_eq!(without_tokens(&tokens.join(", ")), "***, ***, ***");
        assert_eq!(masked("a horse: correct horse"), "a horse: ***");
        assert_eq!(masked("to deploy"), "to ***");
    }

    #[test]
    fn what_is_short_or_punctuation_is_not_looked_for() {
        assert_eq!(
            scrubber(&["abc", "----", "éé", "{ }"]).scrub("abc ---- éé { }"),
            "abc ---- éé { }"
        );
    }
}
