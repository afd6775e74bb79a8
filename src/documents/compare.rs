//! Two task definitions: what AWS did not keep of what was sent, whether they mean the same, and
//! what changed between them.
//!
//! AWS adds defaults, reorders named lists and writes some values differently. None of that counts
//! as a difference here (the tables are in `compare/`). A value that is present on both sides is
//! compared exactly, except for its spelling.

mod defaults;
mod diff;
mod equality;
mod lists;
mod mask;
mod path;
#[cfg(test)]
mod tests;
mod visibility;

use serde_json::{Map, Value};

pub use diff::{Change, ChangeKind, diff};
pub use path::FieldPath;
pub use visibility::ShownField;

use self::defaults::{Context, KeyKind, is_default};
use self::equality::is_same_value;
use self::lists::{ListKind, find_matching_item, list_kind};
use super::described::from_described;

/// What AWS did not keep of what was sent; `kept` is its answer, whole or only the definition.
///
/// A value that AWS left out is not reported when leaving it out means the same. Tags are not
/// reported when the answer has none: some answers come without tags.
pub fn find_lost_values(sent: &Value, kept: &Value) -> Vec<FieldPath> {
    let kept = from_described(kept);
    let mut lost = find_losses(sent, &kept, ListOrder::Ignored);
    lost.retain(|path| {
        kept.get("tags").is_some() || *path != FieldPath::default().with_key("tags")
    });
    lost
}

/// Whether registering `sent` would only create a duplicate of the revision `registered` (a whole
/// answer of AWS, or only the definition).
///
/// `sent` must be cleaned. Tags count only when `sent` has tags: a deployment without tags does not
/// ask for their removal.
pub fn is_equivalent(sent: &Value, registered: &Value) -> bool {
    let mut registered = from_described(registered);
    if let (None, Some(entries)) = (sent.get("tags"), registered.as_object_mut()) {
        entries.shift_remove("tags");
    }
    find_losses(sent, &registered, ListOrder::Significant).is_empty()
        && find_losses(&registered, sent, ListOrder::Significant).is_empty()
}

/// Whether the order of an unknown list matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListOrder {
    /// AWS may return it in another order.
    Ignored,
    /// A different order has a different meaning.
    Significant,
}

/// The values of `left` that are missing in `right`.
fn find_losses(left: &Value, right: &Value, order: ListOrder) -> Vec<FieldPath> {
    let mut walk = LossCollector {
        context: Context::from_definitions(left, right),
        order,
        lost: Vec::new(),
    };
    walk.compare_values(&FieldPath::default(), "", left, right);
    walk.lost
}

struct LossCollector {
    context: Context,
    order: ListOrder,
    lost: Vec<FieldPath>,
}

impl LossCollector {
    fn compare_values(&mut self, path: &FieldPath, key: &str, left: &Value, right: &Value) {
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                self.compare_objects(path, KeyKind::for_object(key), left, right);
            }
            (Value::Array(left), Value::Array(right)) => self.compare_lists(path, key, left, right),
            _ if is_same_value(key, left, right, self.context) => {}
            _ => self.lost.push(path.clone()),
        }
    }

    fn compare_objects(
        &mut self,
        path: &FieldPath,
        fields: KeyKind,
        left: &Map<String, Value>,
        right: &Map<String, Value>,
    ) {
        for (key, value) in left {
            let path = path.with_key(key);
            match right.get(key).filter(|value| !value.is_null()) {
                Some(found) => self.compare_values(&path, key, value, found),
                None if is_default(fields, key, value, left, self.context) => {}
                None => self.lost.push(path),
            }
        }
    }

    fn compare_lists(&mut self, path: &FieldPath, key: &str, left: &[Value], right: &[Value]) {
        for (index, value) in left.iter().enumerate() {
            let found = match list_kind(key) {
                ListKind::Named(keys) => find_matching_item(keys, left, index, right),
                ListKind::Set => self.find_equal_item(key, value, index, right),
                ListKind::Sequence => right.get(index),
                ListKind::Unknown => match self.order {
                    ListOrder::Ignored => self.find_equal_item(key, value, index, right),
                    ListOrder::Significant => right.get(index),
                },
            };
            match found {
                Some(found) => self.compare_values(&path.with_index(index), key, value, found),
                None => self.lost.push(path.with_index(index)),
            }
        }
    }

    /// An item in which nothing of the value is lost, at any position; otherwise the one at the
    /// same position.
    fn find_equal_item<'a>(
        &self,
        key: &str,
        value: &Value,
        index: usize,
        right: &'a [Value],
    ) -> Option<&'a Value> {
        let is_equal = |candidate: &&Value| {
            let mut walk = LossCollector {
                context: self.context,
                order: self.order,
                lost: Vec::new(),
            };
            walk.compare_values(&FieldPath::default(), key, value, candidate);
            walk.lost.is_empty()
        };
        right
            .get(index)
            .filter(is_equal)
            .or_else(|| right.iter().find(is_equal))
            .or_else(|| right.get(index))
    }
}
