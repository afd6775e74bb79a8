//! The changes between two task definitions, as people read them: one line for each value, named
//! items by their names. A value itself is only shown where its field is known to hold no secret,
//! or where the user asked for it.

use std::fmt;

use serde_json::{Map, Value};

use super::defaults::{Context, KeyKind, is_default};
use super::equality::is_same_value;
use super::lists::{ListKind, entries_without_name, find_matching_item, item_name, list_kind};
use super::mask::format_value;
use super::path::FieldPath;
use super::visibility::{ShownField, is_shown};

/// One value that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path, items by name: `containerDefinitions[api].environment[LOG_LEVEL].value`.
    pub path: FieldPath,
    /// Whether it is new, changed or removed.
    pub kind: ChangeKind,
    /// The old value; none when there was none, or it is not shown.
    pub before: Option<String>,
    /// The new value; none when there is none, or it is not shown.
    pub after: Option<String>,
}

/// How a value changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// There was no value before.
    New,
    /// The value is another one.
    Changed,
    /// There is no value any more.
    Removed,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.kind {
            ChangeKind::New => "new",
            ChangeKind::Changed => "changed",
            ChangeKind::Removed => "removed",
        };
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(out, "{}: {before} → {after}", self.path),
            (None, Some(value)) | (Some(value), None) => {
                write!(out, "{}: {value} ({word})", self.path)
            }
            (None, None) => write!(out, "{} ({word})", self.path),
        }
    }
}

/// The changes from one definition to another, in the order of the new one; removed values come at
/// the end of their object. The values of the fields in `also_shown` are shown besides those that
/// always are.
pub fn diff(old: &Value, new: &Value, also_shown: &[ShownField]) -> Vec<Change> {
    let mut walk = ChangeCollector {
        context: Context::from_definitions(new, old),
        also_shown,
        changes: Vec::new(),
    };
    walk.compare_values(&FieldPath::default(), "", old, new);
    walk.changes
}

struct ChangeCollector<'a> {
    context: Context,
    also_shown: &'a [ShownField],
    changes: Vec<Change>,
}

impl ChangeCollector<'_> {
    fn compare_values(&mut self, path: &FieldPath, key: &str, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                self.compare_objects(path, KeyKind::for_object(key), old, new);
            }
            (Value::Array(old_items), Value::Array(new_items)) => match list_kind(key) {
                ListKind::Named(keys) => {
                    self.compare_named_lists(path, key, keys, (old_items, new_items));
                }
                ListKind::Set => self.compare_sets(path, (old, new), (old_items, new_items)),
                ListKind::Sequence | ListKind::Unknown => self.compare_whole(path, key, old, new),
            },
            _ => self.compare_whole(path, key, old, new),
        }
    }

    fn compare_whole(&mut self, path: &FieldPath, key: &str, old: &Value, new: &Value) {
        if old != new && !is_same_value(key, old, new, self.context) {
            self.push(path, Some(old), Some(new));
        }
    }

    fn push(&mut self, path: &FieldPath, old: Option<&Value>, new: Option<&Value>) {
        let kind = match (old, new) {
            (None, _) => ChangeKind::New,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (Some(_), None) => ChangeKind::Removed,
        };
        let is_shown = old
            .into_iter()
            .chain(new)
            .all(|value| is_shown(path, value, self.also_shown));
        let show = |value: &Value| is_shown.then(|| format_value(path, value));
        self.changes.push(Change {
            path: path.clone(),
            kind,
            before: old.and_then(show),
            after: new.and_then(show),
        });
    }

    fn compare_objects(
        &mut self,
        path: &FieldPath,
        fields: KeyKind,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) {
        for (key, value) in new {
            let path = path.with_key(key);
            match old.get(key) {
                Some(before) => self.compare_values(&path, key, before, value),
                None if is_default(fields, key, value, new, self.context) => {}
                None => self.add_new(&path, key, value),
            }
        }
        for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
            if !is_default(fields, key, value, old, self.context) {
                self.add_removed(&path.with_key(key), key, value);
            }
        }
    }

    /// Lists a new value part by part, so that a new container reads like a changed one.
    fn add_new(&mut self, path: &FieldPath, key: &str, value: &Value) {
        match empty_like(key, value) {
            Some(nothing) => self.compare_values(path, key, &nothing, value),
            None => self.push(path, None, Some(value)),
        }
    }

    fn add_removed(&mut self, path: &FieldPath, key: &str, value: &Value) {
        match empty_like(key, value) {
            Some(nothing) => self.compare_values(path, key, value, &nothing),
            None => self.push(path, Some(value), None),
        }
    }

    fn compare_named_lists(
        &mut self,
        path: &FieldPath,
        key: &str,
        keys: &[&str],
        (old, new): (&[Value], &[Value]),
    ) {
        for (index, item) in new.iter().enumerate() {
            let path = path.with_name(&item_name(keys, item));
            match find_matching_item(keys, new, index, old) {
                Some(before) => self.compare_values(&path, key, before, item),
                None => self.add_unmatched(&path, keys, item, Self::add_new),
            }
        }
        for (_, item) in old
            .iter()
            .enumerate()
            .filter(|(index, _)| find_matching_item(keys, old, *index, new).is_none())
        {
            self.add_unmatched(
                &path.with_name(&item_name(keys, item)),
                keys,
                item,
                Self::add_removed,
            );
        }
    }

    /// Lists an item without a counterpart: its values, or the item itself when it has only a name.
    fn add_unmatched(
        &mut self,
        path: &FieldPath,
        keys: &[&str],
        item: &Value,
        tell: fn(&mut Self, &FieldPath, &str, &Value),
    ) {
        let before = self.changes.len();
        let beyond = entries_without_name(keys, item);
        if !beyond.is_empty() {
            tell(self, path, "", &Value::Object(beyond));
        }
        if self.changes.len() == before {
            tell(self, path, "", &Value::from(item_name(keys, item)));
        }
    }

    fn compare_sets(
        &mut self,
        path: &FieldPath,
        (old, new): (&Value, &Value),
        (old_items, new_items): (&[Value], &[Value]),
    ) {
        let is_same = old_items.len() == new_items.len()
            && old_items.iter().all(|item| new_items.contains(item));
        if !is_same {
            self.push(path, Some(old), Some(new));
        }
    }
}

/// The empty value against which the parts of a value are listed one by one; none for a value that
/// is shown as a whole.
fn empty_like(key: &str, value: &Value) -> Option<Value> {
    match (value, list_kind(key)) {
        (Value::Object(entries), _) if !entries.is_empty() => Some(Value::Object(Map::new())),
        (Value::Array(_), ListKind::Named(_)) => Some(Value::Array(Vec::new())),
        _ => None,
    }
}
