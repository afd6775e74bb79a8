//! Names that a document gives to values: what they may look like, and that no two are alike.

use crate::document::Place;
use crate::template::{Secrecy, is_value_name};
use crate::words::Words;

/// Known in every suite: the side's URL, an id of the run, and when it began.
const OF_THE_RUN: [&str; 3] = ["base", "run", "now"];

/// What a name would be mistaken for.
const TAKEN: [&str; 6] = ["version", "digest", "revision", "env", "secret", "matrix"];

/// The beginning of the document: what every run has is known from here on.
const TOP: Place = Place { line: 0, column: 0 };

pub(super) fn of_the_run(words: &mut Words<'_>) {
    for name in OF_THE_RUN {
        words.scope.declare(name, Secrecy::Open, TOP);
    }
}

/// Makes a name known from here on.
pub(super) fn declare(words: &mut Words<'_>, name: &str, secrecy: Secrecy, place: Place) {
    if !is_value_name(name) {
        let remedy = "Write letters, digits, `_` and `-`, beginning with a letter";
        words.reader.report(
            place,
            format!("`{name}` cannot be the name of a value"),
            remedy,
        );
    } else if TAKEN.contains(&name) || OF_THE_RUN.contains(&name) {
        words.reader.report(
            place,
            format!("`{name}` has a meaning of its own: `${{{name}}}` would be ambiguous"),
            "Choose another name",
        );
    } else if words.scope.was_declared(name) {
        let remedy = "Give each variable and each capture a name of its own";
        words
            .reader
            .report(place, format!("`{name}` is given a value twice"), remedy);
    } else {
        words.scope.declare(name, secrecy, place);
    }
}
