//! Task definition revisions: the JSON as it was registered, and what AWS adds to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clock::now_ms;

/// One registered revision.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) family: String,
    pub(crate) number: u32,
    /// What was registered, without its tags.
    pub(crate) body: Map<String, Value>,
    pub(crate) tags: Value,
    pub(crate) registered_ms: i64,
    pub(crate) deregistered_ms: Option<i64>,
}

impl Revision {
    /// The containers as they were registered.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Value> {
        self.body
            .get("containerDefinitions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    pub(crate) fn container(&self, name: &str) -> Option<&Value> {
        self.containers()
            .find(|container| container.get("name").and_then(Value::as_str) == Some(name))
    }

    /// A text of the definition.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field).and_then(Value::as_str)
    }
}

/// All revisions of all families.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    families: BTreeMap<String, Vec<Revision>>,
}

impl Revisions {
    /// Registers the next revision of a family. `arn_of` names it.
    pub(crate) fn register(
        &mut self,
        family: &str,
        mut body: Map<String, Value>,
        arn_of: impl Fn(&str, u32) -> String,
    ) -> Revision {
        let tags = body.shift_remove("tags").unwrap_or_else(|| json!([]));
        let revisions = self.families.entry(family.to_owned()).or_default();
        let number = revisions.last().map_or(1, |last| last.number + 1);
        let arn = arn_of(family, number);
        let revision = Revision {
            arn,
            family: family.to_owned(),
            number,
            body,
            tags,
            registered_ms: now_ms(),
            deregistered_ms: None,
        };
        revisions.push(revision.clone());
        revision
    }

    /// A revision by ARN, `family:revision`, or `family` for its latest active one.
    pub(crate) fn find(&self, reference: &str) -> Option<&Revision> {
        let name = super::name_from_arn(reference);
        let Some((family, number)) = name.rsplit_once(':') else {
            return self
                .families
                .get(name)?
                .iter()
                .rev()
                .find(|revision| revision.deregistered_ms.is_none());
        };
        let number: u32 = number.parse().ok()?;
        self.families
            .get(family)?
            .iter()
            .find(|revision| revision.number == number)
    }

    /// A revision by ARN or `family:revision`, to change it.
    pub(crate) fn find_mut(&mut self, reference: &str) -> Option<&mut Revision> {
        let (family, number) = super::name_from_arn(reference).rsplit_once(':')?;
        let number: u32 = number.parse().ok()?;
        self.families
            .get_mut(family)?
            .iter_mut()
            .find(|revision| revision.number == number)
    }

    /// All revisions, family by family, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Revision> {
        self.families.values().flatten()
    }
}
