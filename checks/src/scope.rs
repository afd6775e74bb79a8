//! PURE: the names that a document gives to values (variables, captures, a matrix), and where each
//! may be used.
//!
//! A document is read from top to bottom and a name can be used only after its declaration, so
//! there are no cycles.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Place;
use crate::template::Secrecy;

/// The names in scope while a document is read.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    visible: BTreeMap<String, Secrecy>,
    /// Every name that was ever declared, also those whose scope has ended.
    declared: BTreeMap<String, Place>,
    /// Names used since the last [`Self::take_used`], with the place of their first use: which
    /// names one test used.
    used: BTreeMap<String, Place>,
    unresolved: Vec<(String, Place)>,
}

/// Why a name is not in scope where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// Nothing has this name.
    Unknown,
    /// It gets its value further down.
    TooEarly,
    /// It had its value only inside of an entry that came before.
    OutOfScope,
}

impl Scope {
    pub(crate) fn declare(&mut self, name: &str, secrecy: Secrecy, place: Place) {
        self.visible.insert(name.to_owned(), secrecy);
        self.declared.insert(name.to_owned(), place);
    }

    /// Ends the scope of a name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.visible.remove(name);
    }

    pub(crate) fn was_declared(&self, name: &str) -> bool {
        self.declared.contains_key(name)
    }

    /// Notes that a name is used, and says whether its value is a secret.
    pub(crate) fn look_up(&mut self, name: &str, place: Place) -> Secrecy {
        let Some(secrecy) = self.visible.get(name) else {
            self.unresolved.push((name.to_owned(), place));
            return Secrecy::Open;
        };
        self.used.entry(name.to_owned()).or_insert(place);
        *secrecy
    }

    /// The names used since the last call.
    pub(crate) fn take_used(&mut self) -> BTreeMap<String, Place> {
        std::mem::take(&mut self.used)
    }

    /// Every use of a name that was not in scope, and why.
    pub(crate) fn take_unresolved(&mut self) -> Vec<(String, Place, Unresolved)> {
        let unresolved = std::mem::take(&mut self.unresolved);
        unresolved
            .into_iter()
            .map(|(name, place)| (name.clone(), place, self.unresolved_reason(&name, place)))
            .collect()
    }

    fn unresolved_reason(&self, name: &str, used: Place) -> Unresolved {
        match self.declared.get(name) {
            None => Unresolved::Unknown,
            Some(declared) if (declared.line, declared.column) > (used.line, used.column) => {
                Unresolved::TooEarly
            }
            Some(_) => Unresolved::OutOfScope,
        }
    }

    /// The names in scope at the top of the document, or captured in it.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.visible.keys().map(String::as_str).collect()
    }
}
