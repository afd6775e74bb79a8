//! What changed between two task definitions, for people: one line a value, named items by their
//! names. A value itself is only shown where its field is known to hold no secret, or where the
//! user asked for it.

use std::fmt;

use serde_json::{Map, Value};

use super::defaults::{Context, KeyKind, is_default};
use super::lists::{ListKind, beyond_the_name, kind_of, name_of, partner};
use super::mask::shown;
use super::path::Path;
use super::same::same;
use super::shown::{ShownField, is_shown};

/// One value that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where, items by name: `containerDefinitions[api].environment[LOG_LEVEL].value`.
    pub path: Path,
    /// What became of it.
    pub kind: ChangeKind,
    /// What it was; none when it was not there, or is not shown.
    pub before: Option<String>,
    /// What it is now; none when it is gone, or is not shown.
    pub after: Option<String>,
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there before.
    New,
    /// It is another one.
    Changed,
    /// It is gone.
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

/// The changes from one definition to another, in the order of the new one, what is gone at the end
/// of its object. Values of the fields that are `asked` for are shown besides those that always
/// are.
pub fn diff(old: &Value, new: &Value, asked: &[ShownField]) -> Vec<Change> {
    let mut walk = ChangeCollector {
        context: Context::of(new, old),
        asked,
        changes: Vec::new(),
    };
    walk.both(&Path::default(), "", old, new);
    walk.changes
}

struct ChangeCollector<'a> {
    context: Context,
    asked: &'a [ShownField],
    changes: Vec<Change>,
}

impl ChangeCollector<'_> {
    fn both(&mut self, path: &Path, key: &str, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                self.objects(path, KeyKind::under(key), old, new);
            }
            (Value::Array(old_items), Value::Array(new_items)) => match kind_of(key) {
                ListKind::Named(keys) => self.named(path, key, keys, (old_items, new_items)),
                ListKind::Set => self.sets(path, (old, new), (old_items, new_items)),
                ListKind::Sequence | ListKind::Unknown => self.whole(path, key, old, new),
            },
            _ => self.whole(path, key, old, new),
        }
    }

    fn whole(&mut self, path: &Path, key: &str, old: &Value, new: &Value) {
        if old != new && !same(key, old, new, self.context) {
            self.push(path, Some(old), Some(new));
        }
    }

    fn push(&mut self, path: &Path, old: Option<&Value>, new: Option<&Value>) {
        let kind = match (old, new) {
            (None, _) => ChangeKind::New,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (Some(_), None) => ChangeKind::Removed,
        };
        let is_shown = old
            .into_iter()
            .chain(new)
            .all(|value| is_shown(path, value, self.asked));
        let show = |value: &Value| is_shown.then(|| shown(path, value));
        self.changes.push(Change {
            path: path.clone(),
            kind,
            before: old.and_then(show),
            after: new.and_then(show),
        });
    }

    fn objects(
        &mut self,
        path: &Path,
        fields: KeyKind,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) {
        for (key, value) in new {
            let path = path.key(key);
            match old.get(key) {
                Some(before) => self.both(&path, key, before, value),
                None if is_default(fields, key, value, new, self.context) => {}
                None => self.appeared(&path, key, value),
            }
        }
        for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
            if !is_default(fields, key, value, old, self.context) {
                self.vanished(&path.key(key), key, value);
            }
        }
    }

    /// Shows what appeared value by value, so that a new container reads like a changed one.
    fn appeared(&mut self, path: &Path, key: &str, value: &Value) {
        match empty_like(key, value) {
            Some(nothing) => self.both(path, key, &nothing, value),
            None => self.push(path, None, Some(value)),
        }
    }

    fn vanished(&mut self, path: &Path, key: &str, value: &Value) {
        match empty_like(key, value) {
            Some(nothing) => self.both(path, key, value, &nothing),
            None => self.push(path, Some(value), None),
        }
    }

    fn named(&mut self, path: &Path, key: &str, keys: &[&str], (old, new): (&[Value], &[Value])) {
        for (index, item) in new.iter().enumerate() {
            let path = path.name(&name_of(keys, item));
            match partner(keys, new, index, old) {
                Some(before) => self.both(&path, key, before, item),
                None => self.one_sided(&path, keys, item, Self::appeared),
            }
        }
        for (_, item) in old
            .iter()
            .enumerate()
            .filter(|(index, _)| partner(keys, old, *index, new).is_none())
        {
            self.one_sided(&path.name(&name_of(keys, item)), keys, item, Self::vanished);
        }
    }

    /// An item without a partner: its values, or the item itself when it has none beyond its name.
    fn one_sided(
        &mut self,
        path: &Path,
        keys: &[&str],
        item: &Value,
        tell: fn(&mut Self, &Path, &str, &Value),
    ) {
        let before = self.changes.len();
        let beyond = beyond_the_name(keys, item);
        if !beyond.is_empty() {
            tell(self, path, "", &Value::Object(beyond));
        }
        if self.changes.len() == before {
            tell(self, path, "", &Value::from(name_of(keys, item)));
        }
    }

    fn sets(
        &mut self,
        path: &Path,
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

/// The empty value against which the parts of a value are shown one by one; none for what is shown
/// whole.
fn empty_like(key: &str, value: &Value) -> Option<Value> {
    match (value, kind_of(key)) {
        (Value::Object(entries), _) if !entries.is_empty() => Some(Value::Object(Map::new())),
        (Value::Array(_), ListKind::Named(_)) => Some(Value::Array(Vec::new())),
        _ => None,
    }
}
