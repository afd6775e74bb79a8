//! Names that a document gives to values: their syntax, and that they are unique.

use crate::document::Place;
use crate::reader::Reader;
use crate::template::{Secrecy, is_value_name};

/// Known in every suite: the side's URL, an id of the run, and when it began.
const RUN_NAMES: [&str; 3] = ["base", "run", "now"];

/// Names that cannot be declared because they have a meaning of their own.
const RESERVED_NAMES: [&str; 6] = ["version", "digest", "revision", "env", "secret", "matrix"];

/// The beginning of the document, where the names that every run has are declared.
const DOCUMENT_START: Place = Place { line: 0, column: 0 };

pub(super) fn declare_run_names(reader: &mut Reader<'_>) {
    for name in RUN_NAMES {
        reader.scope.declare(name, Secrecy::Open, DOCUMENT_START);
    }
}

/// Declares a name from here on.
pub(super) fn declare(reader: &mut Reader<'_>, name: &str, secrecy: Secrecy, place: Place) {
    if !is_value_name(name) {
        let remedy = "Write letters, digits, `_` and `-`, beginning with a letter";
        reader.report(
            place,
            format!("`{name}` cannot be the name of a value"),
            remedy,
        );
    } else if RESERVED_NAMES.contains(&name) || RUN_NAMES.contains(&name) {
        reader.report(
            place,
            format!("`{name}` has a meaning of its own: `${{{name}}}` would be ambiguous"),
            "Choose another name",
        );
    } else if reader.scope.was_declared(name) {
        let remedy = "Give each variable and each capture a name of its own";
        reader.report(place, format!("`{name}` is given a value twice"), remedy);
    } else {
        reader.scope.declare(name, secrecy, place);
    }
}

/// The name of a value: letters, digits, `_` and `-`.
#[cfg(test)]
#[derive(schemars::JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(#[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_-]*$"))] String);
