//! Two task definitions: what AWS did not keep of what was sent, whether they mean the same, and
//! what changed between them.
//!
//! AWS adds defaults, reorders named lists and writes some values differently. Nothing of that is a
//! difference here; the tables that say so are in `compare/`. A value that is present on both sides
//! is compared exactly, up to spelling.

mod defaults;
mod diff;
mod lists;
mod mask;
mod path;
mod same;
mod shown;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use diff::{Change, ChangeKind, diff};
pub use path::Path;
pub use shown::ShownField;

use self::defaults::{Context, KeyKind, is_default};
use self::lists::{ListKind, kind_of, partner};
use self::same::same;
use super::described::from_described;

/// What AWS did not keep of what was sent: `kept` is its answer, whole or only the definition in
/// it.
///
/// A value that AWS left out is not reported when leaving it out means the same, and tags are not
/// when the answer says nothing of tags: some answers come without them.
pub fn differences(sent: &Value, kept: &Value) -> Vec<Path> {
    let kept = from_described(kept);
    let mut lost = losses(sent, &kept, ListOrder::Free);
    lost.retain(|path| kept.get("tags").is_some() || *path != Path::default().key("tags"));
    lost
}

/// Whether registering `sent` would only make a twin of the `registered` revision (its description,
/// whole or bare).
///
/// `sent` must be cleaned. Tags count only when `sent` gives tags: a deployment that says nothing
/// of tags does not want them gone.
pub fn equivalent(sent: &Value, registered: &Value) -> bool {
    let mut registered = from_described(registered);
    if let (None, Some(entries)) = (sent.get("tags"), registered.as_object_mut()) {
        entries.shift_remove("tags");
    }
    losses(sent, &registered, ListOrder::Meant).is_empty()
        && losses(&registered, sent, ListOrder::Meant).is_empty()
}

/// Whether the order of a list that nobody here knows matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListOrder {
    /// AWS may return it in another order.
    Free,
    /// Another order is another meaning.
    Meant,
}

/// What of `left` is not found in `right`.
fn losses(left: &Value, right: &Value, order: ListOrder) -> Vec<Path> {
    let mut walk = LossCollector {
        context: Context::of(left, right),
        order,
        lost: Vec::new(),
    };
    walk.value(&Path::default(), "", left, right);
    walk.lost
}

struct LossCollector {
    context: Context,
    order: ListOrder,
    lost: Vec<Path>,
}

impl LossCollector {
    fn value(&mut self, path: &Path, key: &str, left: &Value, right: &Value) {
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                self.object(path, KeyKind::under(key), left, right);
            }
            (Value::Array(left), Value::Array(right)) => self.list(path, key, left, right),
            _ if same(key, left, right, self.context) => {}
            _ => self.lost.push(path.clone()),
        }
    }

    fn object(
        &mut self,
        path: &Path,
        fields: KeyKind,
        left: &Map<String, Value>,
        right: &Map<String, Value>,
    ) {
        for (key, value) in left {
            let path = path.key(key);
            match right.get(key).filter(|value| !value.is_null()) {
                Some(found) => self.value(&path, key, value, found),
                None if is_default(fields, key, value, left, self.context) => {}
                None => self.lost.push(path),
            }
        }
    }

    fn list(&mut self, path: &Path, key: &str, left: &[Value], right: &[Value]) {
        for (index, value) in left.iter().enumerate() {
            let found = match kind_of(key) {
                ListKind::Named(keys) => partner(keys, left, index, right),
                ListKind::Set => self.equal_item(key, value, index, right),
                ListKind::Sequence => right.get(index),
                ListKind::Unknown => match self.order {
                    ListOrder::Free => self.equal_item(key, value, index, right),
                    ListOrder::Meant => right.get(index),
                },
            };
            match found {
                Some(found) => self.value(&path.index(index), key, value, found),
                None => self.lost.push(path.index(index)),
            }
        }
    }

    /// The item in which nothing of the value is lost, wherever it stands; otherwise the one at the
    /// same place.
    fn equal_item<'a>(
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
            walk.value(&Path::default(), key, value, candidate);
            walk.lost.is_empty()
        };
        right
            .get(index)
            .filter(is_equal)
            .or_else(|| right.iter().find(is_equal))
            .or_else(|| right.get(index))
    }
}
