//! The journal: every event as a line of JSON, from which every surface can be rendered again.

use std::io::{self, BufRead};

use crate::event::Stamped;

/// An event as a line.
pub fn line(stamped: &Stamped) -> String {
    let mut line = serde_json::to_string(stamped).unwrap_or_default();
    line.push('\n');
    line
}

/// The events of a journal.
///
/// # Errors
/// A line that cannot be read or is no event; the last line of a killed process may be cut, and is left out.
pub fn read(journal: impl BufRead) -> io::Result<Vec<Stamped>> {
    let lines: Vec<String> = journal.lines().collect::<io::Result<_>>()?;
    let mut events = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(event) => events.push(event),
            Err(_) if number + 1 == lines.len() => {}
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", number + 1))),
        }
    }
    Ok(events)
}
