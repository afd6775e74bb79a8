//! Log lines: one JSON object each, on stdout, where the container's log driver finds them. Never a
//! token.

use std::io::Write;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time as RFC 3339, in UTC.
pub(crate) fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Something that is as it should be.
pub(crate) fn info(message: &str, details: &Value) {
    line("info", message, details);
}

/// Something that is not.
pub(crate) fn error(message: &str, cause: &str) {
    line("error", message, &json!({ "cause": cause }));
}

/// A line as it is, without the form of the others.
pub(crate) fn raw(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn line(level: &str, message: &str, details: &Value) {
    let mut object = json!({ "time": now(), "level": level, "message": message });
    if let (Some(object), Some(details)) = (object.as_object_mut(), details.as_object()) {
        object.extend(details.clone());
    }
    // A log that nobody reads any more is no reason to stop serving.
    let _ = writeln!(std::io::stdout().lock(), "{object}");
}
