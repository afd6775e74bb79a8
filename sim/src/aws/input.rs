//! What a request asks, read field by field.

use serde_json::Value;

/// A decoded request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a Value);

impl<'a> Input<'a> {
    /// A member as it is.
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that is not empty.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A list of texts; empty when absent.
    pub(crate) fn text_list(self, name: &str) -> Vec<&'a str> {
        self.get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    pub(crate) fn number(self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// Whether `include` names a part.
    pub(crate) fn includes(self, part: &str) -> bool {
        self.text_list("include").contains(&part)
    }
}
