//! The spellings in which a secret comes back from other programs: URLs, JSON, HTML and base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::is_maskable;

/// The unreserved characters of RFC 3986, which URL libraries do not encode.
const UNRESERVED_KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Every spelling in which a secret is looked for: as it is, percent-encoded (strictly, as URL
/// libraries do, and as forms do), escaped for JSON and HTML, and inside base64. None for a text
/// that is too short to be masked.
pub(super) fn spellings(text: &str) -> Vec<String> {
    if !is_maskable(text) {
        return Vec::new();
    }
    let mut spellings = vec![text.to_owned(), escape_ascii(text), escape_html(text)];
    spellings.extend(percent_encode(text));
    spellings.extend(escape_json(text));
    spellings.extend((0..3).flat_map(|offset| base64_fragments(text, offset)));
    spellings.retain(|spelling| is_maskable(spelling));
    spellings
}

fn percent_encode(text: &str) -> [String; 6] {
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

fn escape_json(text: &str) -> [String; 2] {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted[1..quoted.len() - 1].to_owned();
    let slashes = inside.replace('/', "\\/");
    [inside, slashes]
}

/// The text as many programs write it in JSON: nothing but ASCII.
fn escape_ascii(text: &str) -> String {
    let [inside, _] = escape_json(text);
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

pub(super) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The part of a base64 text that a secret in it determines alone, if `offset` bytes (modulo 3)
/// precede the secret, as the user does in the `user:password` of basic authentication.
fn base64_fragments(text: &str, offset: usize) -> [String; 2] {
    let bytes = [&[0; 2][..offset], text.as_bytes()].concat();
    let inside = (offset * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [
        STANDARD_NO_PAD.encode(&bytes)[inside.clone()].to_owned(),
        URL_SAFE_NO_PAD.encode(&bytes)[inside].to_owned(),
    ]
}
