//! The JSON Schema of `scan`'s map, for editors. Only tests need it: they write it, and hold its
//! keys against those that are read.
#![expect(dead_code, reason = "the types are read by their derive only")]

use schemars::JsonSchema;
use serde_json::Value;

/// What the registry's scan of an image may find.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Scan {
    /// The least severity that fails; every worse one fails too.
    fail_on: Least,
    /// How long the scan is waited for: `90s`, `5m`; 5m when absent.
    wait: Option<Span>,
    /// Vulnerabilities that are known and accepted, by name.
    ignore: Option<Names>,
    /// What an image means that the scanner cannot read; refuse when absent.
    unsupported: Option<Unsupported>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Least {
    Critical,
    High,
    Medium,
    Low,
    Informational,
    Any,
}

/// A duration such as `90s`, `10m` or `1h30m`.
#[derive(JsonSchema)]
struct Span(#[schemars(regex(pattern = r"^\s*(?=\d)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?\s*$"))] String);

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Names {
    One(Name),
    Many(Vec<Name>),
}

/// Such as `CVE-2024-6387`.
#[derive(JsonSchema)]
struct Name(#[schemars(regex(pattern = r"^[A-Za-z0-9._:-]+$"))] String);

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Unsupported {
    Refuse,
    Allow,
}

/// The schema.
pub(crate) fn schema() -> Value {
    schemars::schema_for!(Scan).to_value()
}

#[test]
fn the_schema_has_the_keys_and_words_that_are_read() {
    let schema = schema();
    let mut keys: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut read = super::KEYS.to_vec();
    keys.sort_unstable();
    read.sort_unstable();
    assert_eq!(keys, read);
    let words: Vec<&str> = crate::scan::FailOn::WORDS
        .iter()
        .map(|(word, _)| *word)
        .collect();
    assert_eq!(schema["$defs"]["Least"]["enum"], serde_json::json!(words));
}
