//! The values that exist only while a suite runs: `${base}`, `${run}`, `${now}`, `${matrix.NAME}`,
//! variables and captures.
//!
//! This only stores values; the templates know which of them are secrets.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Values by their name in `${…}`. `Debug` shows none of them: some are secrets.
#[derive(Clone, Default)]
pub struct Bindings(BTreeMap<String, BoundValue>);

/// One value, as text and as the JSON it came from: a captured number stays a number where it is
/// the whole template.
#[derive(Clone)]
struct BoundValue {
    text: String,
    json: Value,
}

impl Bindings {
    /// Stores a value; a later one of the same name replaces it.
    pub(crate) fn bind(&mut self, name: impl Into<String>, value: Value) {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.bind_with_text(name, text, value);
    }

    /// The same, if the text differs from its JSON form: `1.10`.
    pub(crate) fn bind_with_text(&mut self, name: impl Into<String>, text: String, json: Value) {
        self.0.insert(name.into(), BoundValue { text, json });
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|named| named.text.as_str())
    }

    pub(crate) fn json(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|named| &named.json)
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}
