//! The parts that the JSON Schemas of both documents share.

#![expect(dead_code, reason = "the types are read by their derive only")]

use schemars::JsonSchema;

/// A duration such as `250ms`, `90s`, `10m` or `1h30m`.
#[derive(JsonSchema)]
pub(crate) struct Span(
    #[schemars(regex(pattern = r"^\s*(?=\d)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?\s*$"))] String,
);

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum OneOrMore<T> {
    One(T),
    More(#[schemars(length(min = 1))] Vec<T>),
}
