//! Why something failed, with everything that led to it.

use std::error::Error;

/// An error with its causes, each said once.
pub(crate) fn describe_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
